"""The demo's finance: weekly payouts with their fees, one that came short, a file with broken rows, closed months."""

import io
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from config import reconciling
from orders.actions import channels, facts, import_files, imports, ledger, payouts, periods
from orders.actions.statements import Said
from orders.bookings import month_of
from orders.files.dialects import Mode, Record
from orders.messages import BalanceKind, BalanceMessage, Message, PayoutMessage, PayoutStatus
from orders.models import Channel, Import, Payment, Payout, Refund
from profiles import tenancy
from profiles.actions import settlement
from profiles.actors import Actor
from profiles.models import Organization
from support.actions import reconciliation

BY = Actor.system("demo")
SHORT_MINOR = 1250
"""So much less than its lines the newest payout came with."""
PAID_AFTER = timedelta(days=2)
OLD_SHOP = "old-shop"
FILENAME = "old-shop-orders.csv"
_ROWS = (
    "7001,{day},ottilie.brandt@mail.example,EBOOK-TIDE-EN,1,EUR,39.00,1.20,37.80,paid",
    "7002,{day},ottilie.brandt@mail.example,EBOOK-HARB-EN,1,EUR,23.00,0.90,22.10,paid",
    "7003,{day},renzo.galli@mail.example,EBOOK-STAR-EN,2,EUR,58.00,1.60,56.40,paid",
    "7004,{day},signe.holm@mail.example,EBOOK-KNOT-EN,1,EUR,19.00,0.80,18.20,refunded",
    '7005,{day},ivo.petrov@mail.example,EBOOK-TIDE-EN,1,EUR,"39,00",1.20,37.80,paid',
    "7006,30/02/2026,lena.ruiz@mail.example,EBOOK-TIDE-EN,1,EUR,39.00,1.20,37.80,paid",
)
_HEAD = "order_id,order_date,email,sku,quantity,currency,gross,fee,net,status"


def pay_out(organization: Organization, shop: Channel) -> int:
    """Tell a payout for each week that is over, made of the week's payments and refunds; returns how many."""
    zone, until = ZoneInfo(organization.timezone), organization.created_at
    weeks: dict[date, list[BalanceMessage]] = defaultdict(list)
    for payment in Payment.objects.filter(channel=shop, status=Payment.Status.CAPTURED).order_by("at", "external_id"):
        weeks[_monday(payment.at, zone)].append(_captured(payment))
    for refund in Refund.objects.filter(channel=shop, status=Refund.Status.SUCCEEDED).order_by("at", "external_id"):
        weeks[_monday(refund.at, zone)].append(_refunded(refund))
    said: list[Message] = []
    over = [monday for monday in sorted(weeks) if _paid_at(monday, zone) < until - PAID_AFTER]
    for monday, lines in sorted(weeks.items()):
        name = f"po_demo_{monday:%Y%m%d}" if monday in over else ""
        said += [_of(line, name) for line in lines]
        if not name:
            continue
        deposit = sum(line.amount_minor - line.fee_minor for line in lines) - SHORT_MINOR * (monday == over[-1])
        at = _paid_at(monday, zone)
        said.append(
            PayoutMessage(
                external_id=name,
                amount_minor=deposit,
                currency=organization.currency,
                status=PayoutStatus.PAID,
                made_at=at,
                version=at,
                arrives_on=at.date() + PAID_AFTER,
                destination="…3401",
                complete=True,
            )
        )
    recorded = facts.record([Said(shop, message) for message in said], organization=organization)
    settlement.request(organization.pk, orders=recorded.orders)
    for payout in Payout.objects.filter(channel=shop, external_id__in=[f"po_demo_{day:%Y%m%d}" for day in over[:-2]]):
        on = payout.arrives_on or payout.at.date()
        payouts.confirm_bank(payout, payout.amount_minor, on=on, by=BY, because="As on the bank statement")
    return len(over)


def import_file(organization: Organization) -> Import:
    """Hand in the export of a shop that was closed, with two rows that cannot be taken; a worker imports it."""
    day = (organization.created_at - timedelta(days=70)).date().isoformat()
    text = "\n".join([_HEAD, *(row.format(day=day) for row in _ROWS)]) + "\n"
    row = import_files.receive(
        io.BytesIO(text.encode()),
        filename=FILENAME,
        channel=_old_shop(organization),
        mode=Mode.ORDERS,
        record=Record.NET,
        by=BY,
        organization=organization,
    )
    if row.state == Import.State.ASKING:
        imports.take(row, by=BY)
    return row


def _old_shop(organization: Organization) -> Channel:
    known = Channel.objects.filter(kind=Channel.Kind.CSV, domain=OLD_SHOP).first()
    return known or channels.connect(
        organization, kind="csv", domain=OLD_SHOP, calls_provider=False, made_up=True, by=BY
    )


def close_months(organization: Organization) -> None:
    """Close every month but the last that is over: that one is left for whoever tries the desk."""
    running = month_of(organization.created_at, ZoneInfo(organization.timezone))
    last = (running - timedelta(days=1)).replace(day=1)
    wanted = (last - timedelta(days=1)).replace(day=1)
    if ledger.last_closed() is None:
        periods.close(organization, wanted, by=BY, because="Everything agreed", with_earlier=True)


def compare(organization: Organization) -> None:
    """One comparison of all that the demo has."""
    until = organization.created_at
    reconciliation.now(
        organization.pk, since=until - timedelta(days=100), until=until, by=BY, because="The demo", ask=reconciling.ask
    )


def keep(organization_id: int) -> None:
    """Everything that needs no worker in between; what is told already changes nothing."""
    with tenancy.organization(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        shop = Channel.objects.get(kind=Channel.Kind.STRIPE, made_up=True, domain__startswith="checkout.")
        pay_out(organization, shop)
        import_file(organization)


def conclude(organization_id: int) -> None:
    """What follows once the workers are done: closed months, and a first comparison."""
    with tenancy.organization(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        close_months(organization)
    compare(organization)


def _monday(at: datetime, zone: ZoneInfo) -> date:
    day = at.astimezone(zone).date()
    return day - timedelta(days=day.weekday())


def _paid_at(monday: date, zone: ZoneInfo) -> datetime:
    """The morning of the Tuesday after the week."""
    return datetime.combine(monday + timedelta(days=8), time(6), tzinfo=zone)


def _captured(payment: Payment) -> BalanceMessage:
    return BalanceMessage(
        external_id=f"txn_{payment.external_id}",
        kind=BalanceKind.CAPTURED,
        amount_minor=payment.amount_minor,
        fee_minor=payment.amount_minor * 15 // 1000 + 25,
        currency=payment.currency,
        at=payment.at,
        version=payment.at,
        source_reference=payment.charge_reference,
        payment_reference=payment.external_id,
    )


def _refunded(refund: Refund) -> BalanceMessage:
    return BalanceMessage(
        external_id=f"txn_{refund.external_id}",
        kind=BalanceKind.REFUND,
        amount_minor=-refund.amount_minor,
        currency=refund.currency,
        at=refund.at,
        version=refund.at,
        source_reference=refund.external_id,
        payment_reference=refund.payment_reference,
    )


def _of(line: BalanceMessage, payout: str) -> BalanceMessage:
    return replace(line, payout_external_id=payout) if payout else line
