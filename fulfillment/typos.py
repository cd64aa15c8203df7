"""The address that was likely meant: slips of the hand in the domain of an e-mail address, told without any network."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from rapidfuzz.distance import OSA

_MAIL_SERVICES: Final = """
    gmail.com googlemail.com outlook.com outlook.de outlook.fr outlook.es outlook.com.br hotmail.com hotmail.de
    hotmail.fr hotmail.it hotmail.es hotmail.co.uk live.com live.de live.fr live.nl live.co.uk msn.com yahoo.com
    yahoo.de yahoo.fr yahoo.es yahoo.it yahoo.co.uk yahoo.co.jp yahoo.co.in yahoo.com.br yahoo.com.tr ymail.com
    rocketmail.com icloud.com me.com mac.com aol.com aol.de gmx.de gmx.net gmx.at gmx.ch gmx.com web.de t-online.de
    freenet.de arcor.de mail.de posteo.de mailbox.org proton.me protonmail.com pm.me tutanota.com tuta.io fastmail.com
    hey.com zoho.com mail.com email.com mail.ru yandex.ru yandex.com rambler.ru bk.ru inbox.ru qq.com 163.com 126.com
    naver.com daum.net orange.fr free.fr wanadoo.fr laposte.net sfr.fr libero.it virgilio.it tiscali.it alice.it
    terra.com.br uol.com.br bol.com.br sapo.pt telefonica.net btinternet.com sky.com ntlworld.com virginmedia.com
    talktalk.net comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net shaw.ca rogers.com
    sympatico.ca bigpond.com optusnet.com.au ziggo.nl kpnmail.nl planet.nl home.nl telenet.be skynet.be bluewin.ch
    hispeed.ch wp.pl o2.pl onet.pl interia.pl seznam.cz centrum.cz abv.bg ukr.net mynet.com superonline.com
"""
KNOWN: Final = frozenset(_MAIL_SERVICES.split())
"""Mail services many people have their address at."""

# Endings that do not exist, each with the one it stands for; none of them is a country's.
_ENDINGS: Final = {
    **dict.fromkeys(("con", "cmo", "ocm", "comm", "coom", "ccom", "vom", "xom", "cim", "cpm", "clm", "com1"), "com"),
    **dict.fromkeys(("nett", "nte", "ent", "met1"), "net"),
    **dict.fromkeys(("ed", "dee"), "de"),
    **dict.fromkeys(("ogr", "rog", "orgg"), "org"),
}
# Countries' endings that beside a known name are rather a letter left out.
_CUT_SHORT: Final = frozenset({"co", "cm", "om", "cpm"})
# Words that many domains are made of: being near them says nothing.
_WORDS: Final = "mail email home free planet alice terra centrum charter inbox mailbox interia orange shaw live rogers"
_COMMON: Final = frozenset(_WORDS.split())
# A shorter name is too near to others for its slips to be told from them.
_SHORTEST: Final = 4
_LONG: Final = 9


def suggest(address: str, *, frequent: Collection[str] = ()) -> str:
    """The address likely meant; '' where nothing is wrong with it or two domains are as near.

    `frequent` are the domains many customers of the organization have: they are right as they are, and meant as likely
    as a known one.
    """
    local, at, domain = address.rpartition("@")
    domain = domain.lower()
    right = KNOWN | {one.lower() for one in frequent}
    if not at or not local or domain in right:
        return ""
    meant = _with_a_dot(domain, right) or _nearest(domain, right) or _with_an_ending(domain)
    return f"{local}@{meant}" if meant and meant != domain else ""


def _with_a_dot(domain: str, right: Collection[str]) -> str:
    """gmailcom, gmail,com and gmail..com are gmail.com."""
    bare = "".join(letter for letter in domain if letter.isalnum() or letter == "-")
    found = {one for one in right if one.replace(".", "") == bare and one != domain}
    return found.pop() if len(found) == 1 else ""


def _nearest(domain: str, right: Collection[str]) -> str:
    """The one domain within a slip of the hand, or two in a long one; '' where several are as near."""
    name, _, ending = domain.rpartition(".")
    nearest, found = 2 if len(domain) >= _LONG else 1, set[str]()
    for one in right:
        its_name, _, _ = one.rpartition(".")
        if its_name == name and ending not in _ENDINGS and ending not in _CUT_SHORT:
            continue  # a known name in another country is no slip
        if its_name != name and (its_name in _COMMON or min(len(name), len(its_name)) < _SHORTEST):
            continue
        distance = OSA.distance(domain, one, score_cutoff=nearest)
        if distance < nearest:
            nearest, found = distance, {one}
        elif distance == nearest:
            found.add(one)
    return found.pop() if len(found) == 1 else ""


def _with_an_ending(domain: str) -> str:
    name, dot, ending = domain.rpartition(".")
    return f"{name}.{_ENDINGS[ending]}" if dot and name and ending in _ENDINGS else ""
