"""Dialogs about what links a customer together: cutting an identifier, and using it again."""

from django.http import HttpRequest

from orders import money
from orders.models import Order
from profiles.actions import cuts, merges
from profiles.models import Cut, Identifier
from support.admin.base import grouped, masked
from support.admin.dialogs import Dialog, Done, Press, registered
from support.admin.graphs import NAMED, address_of_why, counted
from support.queries import shares
from support.queries.shares import Sum

ORDERS = Order._meta.label


@registered
class CutIdentifier(Dialog):
    name, permission, model, related = "cut_identifier", "undo_merge", Identifier, ("profile",)
    title, button, danger = "Cut this link", "Cut…", True
    inverse = "Use again matches by it again and joins whom this parts."

    def about(self, subject: Identifier) -> str:
        return f"{subject.get_kind_display()} of customer {subject.profile_id}"

    def cannot(self, subject: Identifier) -> str:
        active = subject.status == Identifier.Status.ACTIVE
        return "" if active else f"It joins nobody as it is: {subject.get_status_display().lower()}."

    def will(self, subject: Identifier, request: HttpRequest) -> list[str]:
        if self.cannot(subject):
            return []
        plan = cuts.plan(subject)
        value = masked(subject.spelled.partition(":")[2], request)
        total = shares.of_customers(plan.root)
        going = [_leaves(part) for part in sorted(plan.leaving, key=lambda part: -part.count)]
        lines = [f"{subject.get_kind_display()} {value} joins nobody any more; it stays visible with your reason."]
        lines += going[:NAMED]
        if len(going) > NAMED:
            lines.append(f"{counted(len(going) - NAMED, 'more customer')} leave likewise.")
        if plan.alone_leaves is not None:
            lines.append(f"Customer {plan.alone_leaves.absorbed_id}, known by it alone, stands again.")
        if plan.alone.count:
            where = f"leave with it to customer {plan.goes_to}" if plan.goes_to else "stay with it"
            lines.append(f"Facts that bear nothing else: {plan.alone.count}; they {where}.")
        if not going and plan.alone_leaves is None:
            return [*lines, f"Nobody leaves: customer {plan.root} hangs together without it."]
        parts = [*plan.leaving, *([plan.alone] if plan.goes_to else [])]
        left = shares.of_orders(pk for part in parts for pk in part.facts.get(ORDERS, ()))
        return [
            *lines,
            f"Customer {plan.root} before: {told(total)}.",
            f"Customer {plan.root} after: {told(shares.without(total, left))}; those who leave: {told(left)}.",
        ]

    def do(self, subject: Identifier, press: Press) -> Done:
        row = cuts.cut(subject, by=press.by, because=press.because)
        said = f"{counted(len(row.apart), 'customer')} left." if row.apart else "Nobody left."
        return Done(f"Cut. {said}", url=address_of_why(row.profile_id))


@registered
class UseAgain(Dialog):
    name, permission, model, related = "use_again", "undo_merge", Cut, ("identifier",)
    title, button = "Use this link again", "Use again…"
    inverse = "It can be cut again."

    def about(self, subject: Cut) -> str:
        return f"{subject.identifier.get_kind_display()} of customer {subject.profile_id}, cut: {subject.reason}"

    def cannot(self, subject: Cut) -> str:
        return f"Already used again, said by {subject.undone_by}." if subject.undone_at else ""

    def will(self, subject: Cut, request: HttpRequest) -> list[str]:
        roots = sorted({merges.root_of(pk) for pk in (subject.profile_id, *subject.apart)})
        value = masked(subject.identifier.spelled.partition(":")[2], request)
        joined = [f"Customer {pk} becomes part of customer {roots[0]}." for pk in roots[1:]]
        return [
            f"{subject.identifier.get_kind_display()} {value} is used for matching again.",
            *(joined or ["Nobody is joined: all are one customer as it is."]),
            "What came meanwhile and bears it finds its customer by the rules.",
            f"Together: {told(shares.of_customers(*roots))}.",
        ]

    def do(self, subject: Cut, press: Press) -> Done:
        root = cuts.use_again(subject, by=press.by, because=press.because)
        return Done("Used again.", url=address_of_why(root))


def told(sums: list[Sum]) -> str:
    """3 orders, 120.00 EUR"""
    parts = [
        f"{counted(one.orders, 'order')}, {grouped(money.to_text(one.net_minor, one.currency))} {one.currency}"
        for one in sums
    ]
    return "; ".join(parts) or "nothing paid"


def _leaves(part: cuts.Part) -> str:
    """What a part takes along, and where to."""
    orders = len(part.facts.get(ORDERS, ()))
    what = [counted(orders, "order")] if orders else []
    others = part.count - orders
    what += [counted(others, "conversation or event", "conversations and events")] if others else []
    what += [counted(len(part.identifiers), "identifier")]
    back = sorted(merge.absorbed_id for merge in part.merges)
    to = f"customer {back[0]}, who stands again" if back else "a new customer"
    return f"{', '.join(what)} {'leaves' if len(what) == 1 and part.count == 1 else 'leave'} to {to}."
