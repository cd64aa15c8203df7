"""Which columns a file has and what its words mean: the generic files, Shopier's exports, and mappings kept for others.

Shopier's headings are those of one export that was seen; what may also be met is taken by its other names.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from orders.files import editions
from orders.files.cells import Dates, Decimals, fold
from orders.files.texts import Refused


class Mode(StrEnum):
    ORDERS = "orders"
    PAYOUTS = "payouts"


class Record(StrEnum):
    """What of an order's money is booked: gross with the fee, gross alone, or nothing (it comes from elsewhere)."""

    NET = "net"
    GROSS = "gross"
    NONE = "none"


class Standing(StrEnum):
    """What a row says of its order or payout, the later word below the earlier."""

    UNPAID = "unpaid"
    FAILED = "failed"
    PAID = "paid"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


FIELDS: Mapping[Mode, Mapping[str, str]] = {
    Mode.ORDERS: {
        "order_id": "Order id",
        "order_date": "Order date",
        "email": "E-mail",
        "sku": "SKU",
        "quantity": "Quantity",
        "currency": "Currency",
        "gross": "Gross amount",
        "fee": "Fee",
        "net": "Net amount",
        "status": "Status",
        "phone": "Phone",
        "name": "Customer's name",
        "number": "Order number",
        "title": "Product title",
        "fee_tax": "Tax on the fee",
        "shipping": "Shipping kept back",
        "settled": "Gross amount as settled",
    },
    Mode.PAYOUTS: {
        "payout_id": "Payout id",
        "payout_date": "Payout date",
        "currency": "Currency",
        "gross": "Gross amount",
        "fee": "Fee",
        "net": "Net amount",
        "order_ids": "Order ids",
        "fee_tax": "Tax on the fee",
        "refunds": "Refunds kept back",
        "status": "Status",
        "account": "Bank account",
    },
}
"""Our fields and what a person calls them."""
NEEDED: Mapping[Mode, tuple[str, ...]] = {
    Mode.ORDERS: ("order_id", "order_date", "gross"),
    Mode.PAYOUTS: ("payout_date", "net"),
}
"""Without these columns nothing can be imported, whatever the file."""

WORDS: Mapping[str, str] = {
    "paid": Standing.PAID,
    "refunded": Standing.REFUNDED,
    "cancelled": Standing.CANCELLED,
    "canceled": Standing.CANCELLED,
    "unpaid": Standing.UNPAID,
    "pending": Standing.UNPAID,
    "failed": Standing.FAILED,
}
_TURKISH = {
    fold(words): standing
    for words, standing in (
        ("Ödendi", Standing.PAID),
        ("İade Edildi", Standing.REFUNDED),
        ("İptal Edildi", Standing.CANCELLED),
        ("Ödenmedi", Standing.UNPAID),
        ("Beklemede", Standing.UNPAID),
        ("Ödeme Bekleniyor", Standing.UNPAID),
        ("Başarısız", Standing.FAILED),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one kind of file is written. `known_by` must all be there; `silent` is what no status column means."""

    name: str
    words: str
    mode: Mode
    columns: Mapping[str, tuple[str, ...]]
    known_by: tuple[str, ...]
    decimals: Decimals = Decimals.POINT
    dates: Dates = Dates.ISO
    zone: str = ""
    currency: str = ""
    statuses: Mapping[str, str] = field(default_factory=lambda: dict(WORDS))
    silent: str = Standing.PAID
    encodings: tuple[str, ...] = ()


def _same(mode: Mode, names: str) -> Mapping[str, tuple[str, ...]]:
    return {name: (name,) for name in names.split(",")}


_ORDERS = "order_id,order_date,email,sku,quantity,currency,gross,fee,net,status"
_PAYOUTS = "payout_id,payout_date,currency,gross,fee,net,order_ids"

GENERIC_ORDERS = Dialect(
    name="orders",
    words="Generic orders",
    mode=Mode.ORDERS,
    columns=_same(Mode.ORDERS, f"{_ORDERS},phone,name,number,title"),
    known_by=tuple(_ORDERS.split(",")),
)
GENERIC_PAYOUTS = Dialect(
    name="payouts",
    words="Generic payouts",
    mode=Mode.PAYOUTS,
    columns=_same(Mode.PAYOUTS, f"{_PAYOUTS},status,account"),
    known_by=tuple(_PAYOUTS.split(",")),
)
SHOPIER_ORDERS = Dialect(
    name="shopier-orders",
    words="Shopier orders",
    mode=Mode.ORDERS,
    columns={
        "order_id": ("Sipariş No", "Sipariş Numarası", "Order ID"),
        "order_date": ("Sipariş Tarihi", "Sipariş Oluşma Tarihi", "Tarih", "Date"),
        "name": ("Müşteri Adı", "Alıcı", "Ad Soyad", "Customer"),
        "email": ("E-posta", "E-Posta Adresi", "Email"),
        "phone": ("Telefon", "Telefon Numarası"),
        "title": ("Ürün Adı", "Ürün", "Product"),
        "quantity": ("Adet", "Miktar"),
        "currency": ("Para Birimi",),
        "gross": ("Tutar", "Toplam", "Amount"),
        "settled": ("TL Karşılık", "TL Karşılığı"),
        "fee": ("Hizmet Bedeli", "Komisyon", "Kesinti"),
        "fee_tax": ("KDV",),
        "shipping": ("Anlaşmalı Kargo Ücreti", "Kargo"),
        "net": ("Net Tutar", "Hesaba Geçecek Tutar"),
        "status": ("Durum", "Ödeme Durumu"),
    },
    known_by=("order_id", "order_date"),
    decimals=Decimals.TURKISH,
    dates=Dates.DMY,
    zone="Europe/Istanbul",
    currency="TRY",
    statuses=_TURKISH,
    encodings=("cp1254", "iso8859-9"),
)
SHOPIER_PAYOUTS = Dialect(
    name="shopier-payouts",
    words="Shopier payouts",
    mode=Mode.PAYOUTS,
    columns={
        "payout_id": ("Ödeme No", "Ödeme Numarası"),
        "payout_date": ("Ödeme Tarihi",),
        "account": ("IBAN",),
        "currency": ("Para Birimi",),
        "gross": ("Brüt Tutar", "Tutar"),
        "fee": ("Hizmet Bedeli", "Komisyon", "Kesinti"),
        "fee_tax": ("KDV",),
        "refunds": ("İade", "İadeler"),
        "net": ("Net Tutar", "Hesaba Geçecek Tutar"),
        "status": ("Durum",),
    },
    known_by=("payout_date", "net"),
    decimals=Decimals.TURKISH,
    dates=Dates.DMY,
    zone="Europe/Istanbul",
    currency="TRY",
    statuses=_TURKISH,
    encodings=("cp1254", "iso8859-9"),
)
DIALECTS = (GENERIC_ORDERS, GENERIC_PAYOUTS, SHOPIER_ORDERS, SHOPIER_PAYOUTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the seller says of the file; empty text is left to what the file proves."""

    encoding: str = ""
    delimiter: str = ""
    decimals: str = ""
    dates: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """How a file of somebody else's is to be read: their heading for each of our fields, and what their words mean."""

    name: str
    mode: Mode
    columns: Mapping[str, str]
    decimals: str = Decimals.POINT.value
    dates: str = Dates.ISO.value
    encoding: str = ""
    delimiter: str = ""
    statuses: Mapping[str, str] = field(default_factory=dict)
    silent: str = Standing.PAID.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that is needed to read the rows of one file: kept with the import, so that it is read alike each time."""

    mode: Mode
    dialect: str
    encoding: str
    delimiter: str
    decimals: Decimals
    dates: Dates
    zone: str
    currency: str
    record: Record
    headings: tuple[str, ...]
    columns: Mapping[str, int]
    statuses: Mapping[str, str]
    silent: str
    edition: str = ""
    """Of the code that read it; '' before that was kept."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Recipe":
        kept = dict(document)
        return cls(
            **{
                **kept,
                "mode": Mode(kept["mode"]),
                "decimals": Decimals(kept["decimals"]),
                "dates": Dates(kept["dates"]),
                "record": Record(kept["record"]),
                "headings": tuple(kept["headings"]),
            }
        )


class Unknown(Refused):
    """A heading that no dialect knows: a mapping of its columns is needed."""


def recognise(headings: Sequence[str], mode: Mode) -> Dialect | None:
    """The dialect of this heading, the generic one first; None where a mapping is needed."""
    for dialect in DIALECTS:
        if dialect.mode is mode:
            found = _places(headings, dialect.columns)
            summed = mode is Mode.PAYOUTS or "gross" in found or "settled" in found
            if summed and all(name in found for name in dialect.known_by):
                return dialect
    return None


def names() -> set[str]:
    """Every heading some dialect knows, folded: what tells a delimiter."""
    return {fold(alias) for dialect in DIALECTS for aliases in dialect.columns.values() for alias in aliases}


def cook(
    headings: Sequence[str],
    mode: Mode,
    *,
    encoding: str,
    delimiter: str,
    declared: Declared,
    mapping: Columns | None,
    record: Record,
    zone: str,
    currency: str,
) -> Recipe:
    """How to read the rows below this heading; raises `Unknown` or `Refused`."""
    if mapping is not None:
        dialect = _mapped(mapping)
    else:
        dialect = recognise(headings, mode) or _unknown(headings, mode)
    found = _places(headings, dialect.columns)
    if missing := [name for name in dialect.known_by if name not in found]:
        wanted = ", ".join(dialect.columns[name][0] for name in missing)
        raise Refused(f"The mapping {dialect.words} names columns that the file does not have: {wanted}.")
    if "gross" not in found and "settled" in found:
        found["gross"] = found.pop("settled")
    _unambiguous(headings, dialect.columns, found)
    return Recipe(
        mode=mode,
        dialect=dialect.name,
        encoding=encoding,
        delimiter=delimiter,
        decimals=Decimals(declared.decimals or dialect.decimals),
        dates=Dates(declared.dates or dialect.dates),
        zone=dialect.zone or zone,
        currency=dialect.currency or currency,
        record=record,
        headings=tuple(headings),
        columns=found,
        statuses=dict(dialect.statuses),
        silent=dialect.silent,
        edition=editions.current(),
    )


def _mapped(mapping: Columns) -> Dialect:
    return Dialect(
        name=f"mapping:{mapping.name}",
        words=mapping.name,
        mode=mapping.mode,
        columns={name: (heading,) for name, heading in mapping.columns.items() if heading},
        known_by=tuple(name for name, heading in mapping.columns.items() if heading),
        decimals=Decimals(mapping.decimals),
        dates=Dates(mapping.dates),
        statuses={fold(word): standing for word, standing in mapping.statuses.items()} or dict(WORDS),
        silent=mapping.silent,
    )


def _unknown(headings: Sequence[str], mode: Mode) -> Dialect:
    found = {fold(heading) for heading in headings}
    generic = GENERIC_ORDERS if mode is Mode.ORDERS else GENERIC_PAYOUTS
    missing = [name for name in generic.known_by if name not in found]
    other = Mode.PAYOUTS if mode is Mode.ORDERS else Mode.ORDERS
    if recognise(headings, other):
        raise Refused(f"This is a file of {other.value}, and it was to be read as {mode.value}.")
    if len(missing) <= len(generic.known_by) // 2:
        raise Unknown(f"The file lacks the columns {', '.join(missing)} of the generic {mode.value} file.")
    shown = ", ".join(heading.strip()[:40] for heading in headings[:6])
    raise Unknown(f"The columns of this file are not known ({shown} …): give a mapping that says what they mean.")


def _places(headings: Sequence[str], columns: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Where each of our fields stands, by the first of its names that is there."""
    folded = [fold(heading) for heading in headings]
    found: dict[str, int] = {}
    for name, aliases in columns.items():
        place = next((folded.index(fold(alias)) for alias in aliases if fold(alias) in folded), None)
        if place is not None and place not in found.values():
            found[name] = place
    return found


def _unambiguous(headings: Sequence[str], columns: Mapping[str, Iterable[str]], found: Mapping[str, int]) -> None:
    folded = [fold(heading) for heading in headings]
    for place in found.values():
        if folded.count(folded[place]) > 1:
            raise Refused(f"The column {headings[place].strip()[:60]} stands twice in the file: rename one of them.")
