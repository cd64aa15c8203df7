"""Books to be compared: clean orders settled by the real pipeline, with payouts, and ways to make them disagree."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from config import drains
from fulfillment.actions import bundles
from fulfillment.models import DownloadLink, Email, Entitlement, Job
from orders.actions import facts, products
from orders.actions.statements import Said
from orders.messages import (
    Customer,
    DisputeMessage,
    DisputeStatus,
    Line,
    Message,
    OrderMessage,
    OrderStatus,
    PaymentMessage,
    PaymentStatus,
    RefundedLine,
    RefundMessage,
    RefundStatus,
)
from orders.models import Line as OrderLine
from orders.models import Order, Payment, Payout, PayoutLine, Product
from profiles import bulk, clock, tenancy
from profiles.actions import settlement
from profiles.actors import Actor

SKU, SECOND, BUNDLE = "EBOOK-TIDE-EN", "EBOOK-HARB-EN", "SET-BOTH"
PRICE, FEE = 3900, 145
IN_A_PAYOUT = 50


@dataclass
class Books:
    """The orders of one shop, an hour apart, each of its own buyer."""

    organization: Any
    channel: Any
    made: int = 0
    wrong: dict[str, set[str]] = field(default_factory=dict)
    """By kind, the external ids that a comparison has to find."""

    def __post_init__(self) -> None:
        with self.inside():
            self.first: datetime = clock.now() - timedelta(days=30)

    def inside(self) -> Any:
        return tenancy.organization(self.organization.pk)

    def names(self, count: int, prefix: str = "cs") -> list[str]:
        self.made += count
        return [f"{prefix}_{self.made - count + n}" for n in range(count)]

    def record(self, *said: Message) -> None:
        """Take these in as facts, and ask for what follows."""
        with self.inside():
            recorded = facts.record([Said(self.channel, one) for one in said], organization=self.organization)
            settlement.request(self.organization.pk, orders=recorded.orders, wake_worker=False)

    def work(self) -> None:
        while drains.round_of(self.organization.pk):
            pass

    def at(self, name: str) -> datetime:
        return self.first + timedelta(minutes=3 * int(name.rpartition("_")[2]) % 40_000)

    def order(self, name: str, **changes: Any) -> OrderMessage:
        at = changes.pop("at", None) or self.at(name)
        paid = changes.pop("paid", True)
        fields: dict[str, Any] = {
            "external_id": name,
            "number": f"#{name}",
            "currency": "EUR",
            "total_minor": PRICE,
            "placed_at": at,
            "paid_at": at if paid else None,
            "version": at,
            "status": OrderStatus.DELIVERED,
            "paid": paid,
            "customer": Customer(email=f"{name}@buyer.example", region="DE"),
            "lines": (Line(external_id="1", title="Tide Atlas", quantity=1, total_minor=PRICE, sku=SKU),),
            "payment_reference": f"pi_{name}",
        }
        return OrderMessage(**{**fields, **changes})

    def payment(self, name: str, **changes: Any) -> PaymentMessage:
        at = self.at(name)
        fields: dict[str, Any] = {
            "external_id": f"pi_{name}",
            "amount_minor": PRICE,
            "currency": "EUR",
            "status": PaymentStatus.CAPTURED,
            "paid_at": at,
            "version": at,
            "order_external_id": name,
            "fee_minor": FEE,
        }
        return PaymentMessage(**{**fields, **changes})

    # What agrees -------------------------------------------------------------------------------------------------

    def clean(self, count: int) -> list[str]:
        """So many orders, paid, granted, receipted, and paid out."""
        names = self.names(count)
        for start in range(0, count, 500):
            part = names[start : start + 500]
            self.record(*(self.order(name) for name in part), *(self.payment(name) for name in part))
        self.work()
        for start in range(0, count, IN_A_PAYOUT):
            self.pay_out(names[start : start + IN_A_PAYOUT])
        return names

    def pay_out(self, names: Sequence[str], *, name: str = "", **changes: Any) -> Payout:
        """A complete payout of these orders' money."""
        with self.inside():
            orders = {order.external_id: order for order in Order.objects.filter(external_id__in=names)}
            payout = self.payout(name or f"po_{names[0]}", (PRICE - FEE) * len(names), **changes)
            lines = [self.line(payout, f"txn_{one}", order=orders[one], reference=f"pi_{one}") for one in names]
            bulk.insert(PayoutLine, lines)
        return payout

    def payout(self, name: str, amount_minor: int, **changes: Any) -> Payout:
        fields: dict[str, Any] = {
            "status": Payout.Status.PAID,
            "amount_minor": amount_minor,
            "currency": "EUR",
            "at": self.first + timedelta(days=1),
            "complete": True,
            "version": self.first,
            "digest": "",
        }
        payout = Payout(organization=self.organization, channel=self.channel, external_id=name, **{**fields, **changes})
        bulk.insert(Payout, [payout])
        return payout

    def line(
        self, payout: Payout | None, name: str, *, order: Order | None = None, reference: str = "", **changes: Any
    ) -> PayoutLine:
        fields: dict[str, Any] = {"kind": PayoutLine.Kind.CAPTURED, "amount_minor": PRICE, "fee_minor": FEE}
        fields |= changes
        return PayoutLine(
            organization=self.organization,
            channel=self.channel,
            external_id=name,
            payout=payout,
            payout_external_id=payout.external_id if payout else "",
            net_minor=fields["amount_minor"] - fields["fee_minor"],
            currency="EUR",
            at=self.first + timedelta(hours=5),
            payment_reference=reference,
            order=order,
            version=self.first,
            digest="",
            **fields,
        )

    # What disagrees ----------------------------------------------------------------------------------------------

    def expect(self, kind: str, *names: str) -> None:
        self.wrong.setdefault(kind, set()).update(names)

    def spoil(self, count: int) -> None:
        """So many of every kind, from orders that agreed; everything that is spoilt is expected."""
        for kind in (
            self.paid_without_order,
            self.paid_without_entitlement,
            self.entitlement_without_payment,
            self.amount_differs,
            self.refund_without_revocation,
            self.missing_receipt,
            self.duplicate,
            self.payout_differs,
            self.fee_differs,
            self.unknown_payout_line,
        ):
            kind(count)

    def paid_without_order(self, count: int) -> None:
        names = [f"pi_lost_{n}" for n in self.names(count)]
        self.record(*(self.payment(name, external_id=name, order_external_id="") for name in names))
        with self.inside(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE orders_payment SET arrived_at = arrived_at - interval '1 hour' WHERE external_id = ANY(%s)",
                [names],
            )
        self.expect("paid_without_order", *names)

    def paid_without_entitlement(self, count: int) -> None:
        names = self.clean(count)
        with self.inside():
            rights = Entitlement.objects.filter(order__external_id__in=names)
            rights.update(status=Entitlement.Status.REVOKED, because="Nobody knows why")
        self.expect("paid_without_entitlement", *names)

    def bundle_lacks_a_part(self, count: int) -> None:
        """Of two books in one bundle the second was never granted."""
        self.bundle()
        names = self.names(count)
        sold = (Line(external_id="1", title="Both books", quantity=1, total_minor=PRICE, sku=BUNDLE),)
        self.record(*(self.order(name, lines=sold) for name in names), *(self.payment(name) for name in names))
        self.work()
        self.lose_a_part(names)
        self.expect("paid_without_entitlement", *names)

    def bundle(self) -> Product:
        """Two books sold as one."""
        by = Actor.system("the books")
        with self.inside():
            if (known := Product.objects.filter(sku=BUNDLE).first()) is not None:
                return known
            made = products.add(
                organization=self.organization,
                sku=BUNDLE,
                title="Both books",
                kind="bundle",
                price="39.00",
                currency="EUR",
                by=by,
            )
            bundles.fill(made, [SKU, SECOND], by=by)
        return made

    def lose_a_part(self, names: Sequence[str]) -> None:
        """What grants the second book of these orders is gone."""
        with self.inside():
            rights = Entitlement.objects.filter(order__external_id__in=names, product__sku=SECOND)
            ids = list(rights.values_list("pk", flat=True))
            assert len(ids) == len(names)
            for model in (DownloadLink, Job):
                model._base_manager.filter(entitlement__in=ids).delete()
            rights.delete()

    def entitlement_without_payment(self, count: int) -> None:
        names = self.names(count, "unpaid")
        self.record(*(self.order(name, paid=False) for name in names))
        self.work()
        self.grant(names)
        self.expect("entitlement_without_payment", *names)

    def grant(self, names: Sequence[str]) -> None:
        """Rights that no settle made."""
        with self.inside():
            lines = OrderLine.objects.filter(order__external_id__in=names).select_related("order")
            rows = [
                Entitlement(
                    organization=self.organization,
                    profile_id=line.order.profile_id or 0,
                    order_id=line.order_id,
                    line=line,
                    product_id=line.product_id or 0,
                    source_key=f"line:{line.pk}",
                    status=Entitlement.Status.ACTIVE,
                )
                for line in lines
            ]
            bulk.insert(Entitlement, rows)

    def amount_differs(self, count: int) -> None:
        names = self.clean(count)
        with self.inside():
            rows = list(Payment.objects.filter(order__external_id__in=names).order_by("pk"))
            for number, row in enumerate(rows):
                row.amount_minor += 100 if number % 3 else 0
                row.currency = "EUR" if number % 3 else "USD"
            bulk.update(Payment, rows, ["amount_minor", "currency"])
        self.expect("amount_differs", *names)

    def refund_without_revocation(self, count: int) -> None:
        names = self.clean(count)
        said: list[Message] = []
        for number, name in enumerate(names):
            at = self.at(name) + timedelta(hours=1)
            if number % 3 == 0:
                said.append(self.lost_dispute(name, at))
            else:
                said.append(self.refund(name, at, covers=number % 3 == 1))
        self.record(*said)
        self.work()
        with self.inside():
            rights = Entitlement.objects.filter(order__external_id__in=names)
            assert set(rights.values_list("status", flat=True)) == {Entitlement.Status.REVOKED}
            rights.update(status=Entitlement.Status.ACTIVE)
        self.expect("refund_without_revocation", *names)

    def refund(self, name: str, at: datetime, *, covers: bool = False, **changes: Any) -> RefundMessage:
        """Of all, or of half the money with the line named."""
        fields: dict[str, Any] = {
            "external_id": f"re_{name}",
            "amount_minor": PRICE // 2 if covers else PRICE,
            "currency": "EUR",
            "status": RefundStatus.SUCCEEDED,
            "refunded_at": at,
            "version": at,
            "order_external_id": name,
            "lines": (RefundedLine(line_external_id="1", quantity=1),) if covers else (),
        }
        return RefundMessage(**{**fields, **changes})

    @staticmethod
    def lost_dispute(name: str, at: datetime) -> DisputeMessage:
        return DisputeMessage(
            external_id=f"dp_{name}",
            amount_minor=PRICE,
            currency="EUR",
            status=DisputeStatus.LOST,
            opened_at=at,
            version=at,
            order_external_id=name,
        )

    def missing_receipt(self, count: int) -> None:
        names = self.clean(count)
        with self.inside():
            mails = Email.objects.filter(order__external_id__in=names, template=Email.Template.RECEIPT)
            assert mails.update(state=Email.State.FAILED, last_error="550 No such person") == count
        self.expect("missing_receipt", *names)

    def duplicate(self, count: int) -> None:
        """The same buyer buys the same once more, two minutes later."""
        names = self.names(count)
        for name in names:
            again = self.order(
                f"{name}_again",
                at=self.at(name) + timedelta(minutes=2),
                customer=Customer(email=f"{name}@buyer.example", region="DE"),
            )
            self.record(self.order(name), again)
        self.work()
        self.expect("duplicate", *(f"{name}_again" for name in names))

    def payout_differs(self, count: int) -> None:
        """By its lines, by its own sums, by what the bank says."""
        for number, name in enumerate(self.names(count, "po")):
            with self.inside():
                if number % 3 == 0:
                    payout = self.payout(name, 500)
                    bulk.insert(PayoutLine, [self.fee(payout, f"fee_{name}", 499)])
                elif number % 3 == 1:
                    self.payout(name, 900, gross_minor=1000, fee_minor=99, complete=False, from_file=True)
                else:
                    self.payout(name, 900, bank_minor=800, complete=False)
            self.expect("payout_differs", name)

    def fee(self, payout: Payout, name: str, net_minor: int) -> PayoutLine:
        return self.line(payout, name, kind=PayoutLine.Kind.ADJUSTMENT, amount_minor=net_minor, fee_minor=0)

    def fee_differs(self, count: int) -> None:
        names = self.clean(count)
        with self.inside():
            Payment.objects.filter(order__external_id__in=names).update(fee_minor=FEE + 5)
        self.expect("fee_differs", *(f"pi_{name}" for name in names))

    def unknown_payout_line(self, count: int) -> None:
        names = self.names(count, "txn_unknown")
        with self.inside():
            payout = self.payout(f"po_{names[0]}", 100 * count)
            kinds = [PayoutLine.Kind.UNKNOWN, PayoutLine.Kind.CAPTURED]
            rows = [
                self.line(payout, name, kind=kinds[n % 2], reference=f"pi_nobody_{name}", amount_minor=100, fee_minor=0)
                for n, name in enumerate(names)
            ]
            bulk.insert(PayoutLine, rows)
        self.expect("unknown_payout_line", *names)
