"""Made-up trade: people of many countries and what they buy, the same for the same seed; no Django, no real address."""

import math
import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

import phonenumbers

# Country, cities, given names, family names.
_COUNTRIES = """
DE|Berlin,Hamburg,Leipzig|Lena,Jonas,Mia,Felix,Greta,Till|Schröder,Vogel,Krüger,Brandt,Winkler,Böhm
FR|Lyon,Nantes,Brest|Camille,Hugo,Élodie,Théo,Manon,Lucas|Moreau,Lefort,Garnier,Rousseau,Chevalier,Bérard
ES|Madrid,Bilbao,Cádiz|Lucía,Álvaro,Noa,Diego,Carmen,Iván|Ibáñez,Serrano,Molina,Peña,Vidal,Castaño
PT|Porto,Lisboa,Faro|Beatriz,Tiago,Leonor,Rui,Mariana,Duarte|Carvalho,Pereira,Antunes,Simões,Teixeira,Brandão
IT|Genova,Bologna,Bari|Giulia,Matteo,Chiara,Luca,Elisa,Paolo|Ferrari,Conti,Marini,Gallo,Rinaldi,Greco
NL|Utrecht,Rotterdam,Delft|Sanne,Daan,Fleur,Bram,Noor,Sem|de Vries,Bakker,Visser,Smit,Mulder,Dekker
PL|Kraków,Gdańsk,Łódź|Zofia,Kacper,Hanna,Michał,Ola,Paweł|Nowak,Wiśniewska,Zieliński,Kamińska,Wójcik,Mazur
SE|Malmö,Uppsala,Visby|Alva,Nils,Ebba,Axel,Saga,Olle|Lindqvist,Bergström,Åkesson,Sjöberg,Holm,Nyström
DK|Aarhus,Odense,Skagen|Freja,Emil,Ida,Malthe,Karla,Storm|Sørensen,Kjær,Møller,Holst,Bach,Lund
GB|Bristol,Leeds,Cardiff|Amelia,Oliver,Isla,Harry,Freya,Rhys|Whitaker,Hughes,Marlow,Okafor,Bennett,Carew
IE|Cork,Galway,Sligo|Aoife,Cian,Niamh,Oisín,Saoirse,Declan|Byrne,Gallagher,Nolan,Keane,Foley,Quinn
US|Portland,Austin,Duluth|Maya,Ethan,Zoe,Caleb,Naomi,Owen|Reyes,Hoffman,Sinclair,Tran,Delgado,Porter
CA|Halifax,Victoria,Gatineau|Noémie,Liam,Ava,Félix,Tessa,Graham|Tremblay,MacLeod,Singh,Gagnon,Fraser,Chen
BR|Recife,Curitiba,Santos|Larissa,Rafael,Júlia,Caio,Marina,Thiago|Barbosa,Nascimento,Ribeiro,Moura,Campos,Araújo
TR|İzmir,Bursa,Ankara|Elif,Emre,Zeynep,Kerem,Defne,Burak|Yıldız,Demir,Aydın,Kaya,Şahin,Öztürk
JP|Sapporo,Kobe,Nagoya|Haruka,Ren,Aoi,Daichi,Yui,Sora|Nakamura,Mori,Fujita,Okada,Hayashi,Ueda
IN|Pune,Kochi,Jaipur|Ananya,Arjun,Priya,Rohan,Meera,Kabir|Nair,Sharma,Iyer,Kulkarni,Bose,Menon
NG|Lagos,Ibadan,Enugu|Chidinma,Tunde,Amara,Segun,Ngozi,Femi|Eze,Balogun,Okonkwo,Adebayo,Nwosu,Bello
ZA|Durban,Gqeberha,Knysna|Thandi,Pieter,Lerato,Johan,Naledi,Sipho|Dlamini,van Wyk,Naidoo,Mokoena,Botha,Khumalo
AU|Hobart,Perth,Cairns|Matilda,Jack,Ruby,Angus,Willow,Finn|Harrington,Nguyen,Walsh,Pike,Donnelly,Tully
"""
_HOSTS = ("mail.example", "post.example", "inbox.example", "letters.example", "home.example", "harbour.example")
_WORDS_ASKED = (
    "Is {title} readable on an e-reader?",
    "Hello, does {title} come with both formats?",
    "How long is {title}, and in which language?",
    "Can I pay for {title} with a card from abroad?",
)
_WORDS_TOLD = (
    "Yes, both PDF and EPUB are in the same link.",
    "It is yours for good; the link in the mail works for two days and can be sent again.",
    "Of course. You get it by e-mail right after the payment.",
)
_WORDS_THANKED = ("Great, thank you!", "Perfect, I will take it.", "Good to know, thanks.", "All right, ordering now.")

_UNDECOMPOSED = {ord(letter): plain for letter, plain in (("ø", "o"), ("ł", "l"), ("ı", "i"), ("æ", "ae"), ("ß", "ss"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """Something on sale and the ids under which the shops know it; `rate` is the tax inside of its price in percent."""

    sku: str
    title: str
    price_minor: int
    variant_id: str = ""
    product_id: str = ""
    rate: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer who does not exist. `account` is the number of an account at the shop, 0 for a guest."""

    first: str
    last: str
    email: str
    phone: str = ""
    country: str = "DE"
    city: str = "Berlin"
    account: int = 0

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A chat before a purchase: who wrote when, as (at, by, text)."""

    started_at: datetime
    last_activity_at: datetime
    ended_at: datetime | None
    said: tuple[tuple[datetime, str, str], ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One order as it went at the shop. `mark` makes its ids; `refund` is "", "full", "line" or "amount"."""

    kind: str
    mark: int
    person: Person | None
    articles: tuple[Article, ...]
    currency: str
    placed_at: datetime
    paid: bool = True
    discount_percent: int = 0
    refund: str = ""
    refunded_at: datetime | None = None
    refund_minor: int = 0
    refund_reason: str = ""
    dispute: str = ""
    disputed_at: datetime | None = None
    last4: str = "4242"
    talk: Talk | None = field(default=None, compare=False)

    def paid_for(self, article: Article) -> int:
        """What the customer paid for this article after the discount, tax inside."""
        # Whole units alone: what Stripe takes of a currency's decimals differs.
        return article.price_minor - article.price_minor * self.discount_percent // 10_000 * 100

    @property
    def total_minor(self) -> int:
        return sum(self.paid_for(article) for article in self.articles)


def people(count: int, *, rng: random.Random) -> list[Person]:
    """So many different people; no two share an address or a number."""
    found: list[Person] = []
    addresses: set[str] = set()
    numbers: set[str] = set()
    countries = [line.split("|") for line in _COUNTRIES.split("\n") if line]
    while len(found) < count:
        country, cities, first_names, last_names = rng.choice(countries)
        first, last = rng.choice(first_names.split(",")), rng.choice(last_names.split(","))
        email = _address(first, last, rng)
        phone = _phone(country, rng) if rng.random() < 0.6 else ""
        if email in addresses or phone in numbers:
            continue
        addresses.add(email)
        if phone:
            numbers.add(phone)
        account = rng.randrange(10**5, 10**9) if rng.random() < 0.35 else 0
        found.append(
            Person(
                first=first,
                last=last,
                email=email,
                phone=phone,
                country=country,
                city=rng.choice(cities.split(",")),
                account=account,
            )
        )
    return found


def purchases(
    count: int,
    *,
    rng: random.Random,
    days: int,
    until: datetime,
    articles: Sequence[Article],
    currency: str,
    kinds: Sequence[str] = ("shopify", "stripe", "woocommerce"),
    first_mark: int | None = None,
    chats: float = 0.35,
) -> list[Purchase]:
    """So many orders in the days before `until`, oldest first; a third of the customers come back.

    Their marks count up from `first_mark`; without it they are drawn, so that another seed makes other orders.
    `chats` is the share of orders with a conversation before them.
    """
    buyers = people(max(1, math.ceil(count * 0.7)), rng=rng)
    moments = sorted(_moment(rng, days=days, until=until) for _ in range(count))
    drawn = range(first_mark, first_mark + count) if first_mark is not None else range(10**6, 10**9)
    marks = rng.sample(drawn, count)
    made = []
    for number, (at, mark) in enumerate(zip(moments, sorted(marks), strict=True)):
        # Everybody buys once; the rest of the orders go to people who bought before.
        buyer = buyers[number] if number < len(buyers) else rng.choice(buyers)
        purchase = Purchase(
            kind=rng.choices(kinds, weights=[4, 4, 3][: len(kinds)])[0],
            mark=mark,
            person=buyer,
            articles=tuple(rng.sample(articles, min(len(articles), rng.choices((1, 2, 3), weights=(15, 4, 1))[0]))),
            currency=currency,
            placed_at=at,
            discount_percent=rng.choices((0, 10, 20), weights=(17, 2, 1))[0],
            last4=f"{rng.randrange(10_000):04d}",
        )
        purchase = _fate(purchase, rng=rng, until=until)
        chatted = rng.random() < chats
        made.append(replace(purchase, talk=talk(purchase, rng=rng)) if chatted else purchase)
    return made


def talk(purchase: Purchase, *, rng: random.Random) -> Talk:
    """A chat some minutes, hours or days before this purchase."""
    before = rng.choices(
        (
            timedelta(minutes=rng.randint(4, 50)),
            timedelta(minutes=rng.randint(90, 22 * 60)),
            timedelta(minutes=rng.randint(26 * 60, 6 * 24 * 60)),
        ),
        weights=(4, 3, 2),
    )[0]
    last = purchase.placed_at - before
    said: list[tuple[datetime, str, str]] = []
    at = last - timedelta(minutes=rng.randint(2, 9))
    started = at
    title = purchase.articles[0].title
    for by, words in (("customer", _WORDS_ASKED), ("agent", _WORDS_TOLD), ("customer", _WORDS_THANKED)):
        said.append((at, by, rng.choice(words).format(title=title)))
        at = last if by == "agent" else at + (last - at) / 2
    ended = None if before < timedelta(hours=1) else last + timedelta(minutes=3)
    tags = tuple(tag for tag, chance in (("product_inquiry", 0.6), ("price_check", 0.3)) if rng.random() < chance)
    return Talk(started_at=started, last_activity_at=last, ended_at=ended, said=tuple(said), tags=tags)


def _fate(purchase: Purchase, *, rng: random.Random, until: datetime) -> Purchase:
    """What became of it: most orders stay paid, a few are refunded, disputed or never paid."""
    chance = rng.random()
    later = purchase.placed_at + timedelta(hours=rng.randint(5, 120))
    if chance < 0.04 and later < until:
        reason = rng.choice(("Bought twice by mistake", "Not what I expected", "Requested by the customer"))
        purchase = replace(
            purchase, refund="full", refunded_at=later, refund_minor=purchase.total_minor, refund_reason=reason
        )
    elif chance < 0.07 and purchase.kind != "stripe":
        purchase = replace(purchase, paid=False)
    elif chance > 0.985 and later < until and purchase.kind == "stripe":
        purchase = replace(purchase, dispute="won", disputed_at=later)
    return purchase


def _moment(rng: random.Random, *, days: int, until: datetime) -> datetime:
    """A moment of the last days: trade grows a little, and sleeps less than its customers."""
    share = 1 - math.sqrt(rng.random()) if rng.random() < 0.4 else rng.random()
    at = until - timedelta(days=days * share)
    if at.hour < 6 and rng.random() < 0.7:
        at += timedelta(hours=rng.randint(7, 14))
    return min(at, until - timedelta(minutes=rng.randint(3, 90))).replace(microsecond=0)


def _address(first: str, last: str, rng: random.Random) -> str:
    one, two = _plain(first), _plain(last)
    shape = rng.choice(("{one}.{two}", "{one}{two}", "{one}_{two}", "{two}.{one}", "{one}.{two}{number}"))
    local = shape.format(one=one, two=two, number=rng.randint(2, 99))
    return f"{local}@{rng.choice(_HOSTS)}"


def _plain(text: str) -> str:
    """The name as it stands in an address: Latin letters without marks."""
    parted = unicodedata.normalize("NFKD", text.lower().translate(_UNDECOMPOSED))
    return "".join(letter for letter in parted if letter.isascii() and letter.isalpha())


def _phone(country: str, rng: random.Random) -> str:
    """A number that could be somebody's mobile in this country."""
    code, national = _example(country)
    return f"+{code}{national // 10_000 * 10_000 + rng.randrange(10_000)}"


@cache
def _example(country: str) -> tuple[int, int]:
    number = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    assert number is not None and number.country_code is not None and number.national_number is not None
    return number.country_code, number.national_number
