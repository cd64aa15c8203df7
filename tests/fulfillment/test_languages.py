"""The customers' pages speak the visitor's language: nothing on them is unmarked, and no catalogue lacks a sentence."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog
from django.conf import settings
from django.template import engines
from django.template.base import Lexer, Template, TokenType
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.test import Client
from django.utils.translation import trim_whitespace

from fulfillment import intakes, phrases
from fulfillment.actions import links
from fulfillment.models import DownloadLink, EmailChange, Entitlement
from fulfillment.views import pages
from fulfillment.views.sentences import FROM_BELOW
from orders.models import Order
from tests.guests import Guest
from tests.servers import MailServer
from tests.stage import BY, Stage, sample

FOLDERS = ("claim", "customer", "download", "library", "redeem")
PAGES = sorted(path for name in FOLDERS for path in (settings.BASE_DIR / "templates" / name).glob("*.html"))
OTHERS = [language for language in phrases.LANGUAGES if language != phrases.DEFAULT]
INSIDE = re.compile(r"%\(\w+\)s|</?\w[^>]*>")
A_WORD = re.compile(r"[^\W\d_]{2,}")


@cache
def catalogue(language: str) -> Catalog:
    with _path(language, "po").open("rb") as file:
        return pofile.read_po(file, locale=language, abort_invalid=True)


def _path(language: str, kind: str) -> Path:
    return Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / f"django.{kind}"


def asked_for(path: Path) -> Iterator[str]:
    """The sentences that a page asks the catalogues for, as long as they stand in it."""
    template: Template = engines["django"].from_string(path.read_text()).template  # type: ignore[attr-defined]
    for node in template.nodelist.get_nodes_by_type(TranslateNode):
        if isinstance(literal := node.filter_expression.var, str) or (literal := literal.literal):  # type: ignore[attr-defined]
            yield str(literal)
    for node in template.nodelist.get_nodes_by_type(BlockTranslateNode):
        sentence, _ = node.render_token_list(node.singular)  # type: ignore[attr-defined]
        yield trim_whitespace(sentence) if node.trimmed else sentence  # type: ignore[attr-defined]


def test_mails_and_pages_are_in_the_same_languages() -> None:
    assert dict(settings.LANGUAGES) == dict(phrases.LANGUAGES)
    assert len(PAGES) > 20


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_said_in_every_language(language: str) -> None:
    known = {message.id: message.string for message in catalogue(language) if message.id}
    wanted = {sentence for path in PAGES for sentence in asked_for(path)} | set(FROM_BELOW)
    assert not sorted(wanted - known.keys()), "run `make translations`"
    assert not sorted(str(sentence) for sentence, said in known.items() if not said)
    assert not [message.id for message in catalogue(language) if message.id and message.fuzzy]
    for sentence, said in known.items():
        assert sorted(INSIDE.findall(str(sentence))) == sorted(INSIDE.findall(str(said))), said


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_served_is_what_translators_wrote(language: str) -> None:
    with _path(language, "mo").open("rb") as file:
        compiled = mofile.read_mo(file)

    def said(words: Catalog) -> dict[Any, Any]:
        return {(_text(message.context), message.id): message.string for message in words if message.id}

    assert said(compiled) == said(catalogue(language)), "run `make translations`"


def _text(context: str | bytes | None) -> str:
    return context.decode() if isinstance(context, bytes) else context or ""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_word_of_a_page_is_left_in_english(path: Path) -> None:
    text, depth, muted = [], 0, 0
    for token in Lexer(path.read_text()).tokenize():
        name = token.contents.split()[0] if token.token_type == TokenType.BLOCK else ""
        muted += (name == "comment") - (name == "endcomment")
        depth += (name == "blocktranslate") - (name == "endblocktranslate")
        if token.token_type == TokenType.TEXT and not muted and not depth:
            text.append(token.contents)
        else:
            text.append("\0")  # what is put in may stand inside of a tag
    words = A_WORD.findall(re.sub(r"<[^>]*>|sign--warn", " ", "".join(text)))
    assert not words


def test_the_guard_sees_a_word_that_is_not_marked(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p class='note'>{% if a %}Hello{% endif %}</p>")
    with pytest.raises(AssertionError):
        test_no_word_of_a_page_is_left_in_english(page)


def test_every_sentence_from_below_is_really_said_there() -> None:
    said = {f"At most {count} characters, please." for count in intakes.LONGEST_ANSWER.values()}
    said |= {f"This change of address is over: {state.label.lower()}." for state in EmailChange.State}
    said |= {str(label) for label in Order.PaymentStatus.labels}
    for folder in ("fulfillment", "profiles/actions"):
        for path in (settings.BASE_DIR / folder).rglob("*.py"):
            if path.name != "sentences.py":
                tree = ast.walk(ast.parse(path.read_text()))
                said |= {node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert not [sentence for sentence in FROM_BELOW if sentence not in said]
    states = {f"This change of address is over: {state.label.lower()}." for state in EmailChange.State}
    lengths = {f"At most {count} characters, please." for count in intakes.LONGEST_ANSWER.values()}
    assert states | lengths | set(Order.PaymentStatus.labels) <= set(FROM_BELOW)


def test_a_visitor_reads_their_language_and_the_desk_stays_english(db: None) -> None:
    stage = Stage()
    assert stage.post("stripe", sample("stripe/checkout.session.completed.json")).status_code == 200
    stage.work()
    with stage.inside():
        given = links.make_temporary(Entitlement.objects.get(), by=BY, because="asked for")
    path = "/" + given.url.split("/", 3)[3]

    def read(asked: str) -> tuple[str, str]:
        answer = stage.client.get(path, headers={"Accept-Language": asked})
        return answer["Content-Language"], answer.content.decode()

    for asked, language, words in (
        ("de-AT,de;q=0.9,en;q=0.5", "de", "Dieser Link gilt bis"),
        ("tr", "tr", "Bu bağlantının geçerlilik sonu"),
        ("fr-CA", "fr", "Ce lien est valable jusqu’au"),
        ("es-MX,es;q=0.9", "es", "Este enlace funciona hasta el"),
        ("it,pt;q=0.8", "en", "This link works until"),
        ("", "en", "This link works until"),
        ("xx-" * 2000, "en", "This link works until"),
        ("it;q=0.9,es;q=0.3", "es", "Este enlace funciona hasta el"),
    ):
        found, page = read(asked)
        assert (found, f'<html lang="{language}"' in page, words in page) == (language, True, True), asked
    with stage.inside():
        DownloadLink.objects.update(expires_at="2026-03-07T14:05:00+00:00")
    assert "Er galt bis 7. März 2026, 14:05 UTC." in read("de")[1]
    assert "Funcionó hasta el 7 de marzo de 2026, 14:05 UTC." in read("es")[1]
    assert "Das sieht" not in stage.client.get("/admin/login/", headers={"Accept-Language": "de"}).content.decode()
    assert 'lang="en' in stage.client.get("/admin/login/", headers={"Accept-Language": "de"}).content.decode()


def test_sentences_of_rules_and_of_refusals_come_translated(db: None, smtp: MailServer) -> None:
    guest = Guest(Stage(), smtp)
    guest.buy()
    invitation = guest.address_in(guest.smtp.to(guest.address)[0].text())
    german = Client(headers={"Accept-Language": "de"})
    assert "Anmeldelink schicken" in german.get(invitation).content.decode()
    used = guest.ask()
    assert guest.client.post(used).status_code == 303
    assert "Jeder Link öffnet die Bibliothek nur einmal." in german.get(used).content.decode()
    wrong = german.post("/redeem/lantern/", {"code": "NONE-SUCH", "email": "b@example.org"}).content.decode()
    assert "Diesen Code gibt es nicht." in wrong
    with guest.stage.inside():
        Entitlement.objects.update(status="suspended", because="A dispute is open")
    shelf = guest.client.get("/library/lantern/", headers={"Accept-Language": "fr"}).content.decode()
    assert "Le paiement est contesté auprès de votre banque." in shelf and "En attente." in shelf
    assert "89,99 USD" in shelf and "89.99" not in shelf


def test_sizes_are_written_as_the_language_writes_numbers() -> None:
    from django.utils import translation

    assert pages.size_text(1_234_567) == "1.2 MB"
    with translation.override("de"):
        assert pages.size_text(1_234_567) == "1,2 MB" and pages.size_text(12) == "12 Bytes"
