"""Can this customer download it, in words: the chain of facts, and the one act that would change it (SPEC SUP-11)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fulfillment.actions import emails
from fulfillment.models import DownloadLink, Email, Entitlement, Job
from orders import money
from orders.models import Line, Order, Product
from profiles import clock
from profiles.models import Identifier

CARRYING = (Email.Template.RECEIPT, Email.Template.DELIVERY)


@dataclass(frozen=True, slots=True)
class Act:
    """A button: the name of the desk's action, its words, and the row it is about."""

    name: str
    label: str
    subject_id: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """One product: `can` or not, one sentence why, the facts it rests on, and what would put it right."""

    sku: str
    title: str
    can: bool
    sentence: str
    chain: tuple[str, ...] = ()
    acts: tuple[Act, ...] = field(default_factory=tuple)


def of_order(order: Order) -> list[Verdict]:
    """One verdict for each line of the order. Six queries whatever its size."""
    lines = list(Line.objects.filter(order=order, removed=False).select_related("product").order_by("position"))
    entitled = list(Entitlement.objects.filter(order=order).select_related("product", "order__channel", "profile"))
    return judge(order, lines, entitled, Known.of(entitled))


def judge(order: Order, lines: Sequence[Line], entitled: Sequence[Entitlement], known: "Known") -> list[Verdict]:
    """The same from rows that were read already."""
    by_line = {e.line_id: e for e in entitled if e.line_id}
    verdicts = [
        known.verdict(by_line[line.pk], order) if line.pk in by_line else _without(order, line) for line in lines
    ]
    return verdicts + [known.verdict(e, order) for e in entitled if e.line_id is None]


def of_profile(entitled: Sequence[Entitlement]) -> list[Verdict]:
    """One verdict for each entitlement of a customer; give them with product, order and profile selected."""
    known = Known.of(entitled)
    return [known.verdict(e, e.order) for e in entitled]


@dataclass
class Known:
    """The newest link, job and mail of each entitlement, read for all of them at once."""

    now: datetime
    links: dict[int, DownloadLink]
    jobs: dict[int, Job]
    mails: dict[int, Email]
    reachable: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, entitled: Sequence[Entitlement]) -> "Known":
        ids = [e.pk for e in entitled]
        orders = {e.order_id for e in entitled if e.order_id}
        links = DownloadLink.objects.filter(entitlement__in=ids).order_by("created_at", "pk")
        jobs = Job.objects.filter(entitlement__in=ids)
        mails = Email.objects.filter(order__in=orders, template__in=CARRYING).defer("text", "html").order_by("pk")
        return cls.from_rows(entitled, links, jobs, mails, now=clock.now())

    @classmethod
    def from_rows(
        cls,
        entitled: Sequence[Entitlement],
        all_links: Iterable[DownloadLink],
        all_jobs: Iterable[Job],
        all_mails: Iterable[Email],
        *,
        now: datetime,
    ) -> "Known":
        """Links and mails oldest first. One query more where something was granted without an order."""
        links = {link.entitlement_id: link for link in all_links if link.kind not in DownloadLink.UNHELD}
        jobs = {job.entitlement_id: job for job in all_jobs}
        mails: dict[int, Email] = {}
        by_order: dict[int, Email] = {}
        for mail in (mail for mail in all_mails if mail.template in CARRYING):
            if mail.entitlement_id:
                mails[mail.entitlement_id] = mail
            elif mail.order_id:
                by_order[mail.order_id] = mail
        for entitlement in entitled:
            if entitlement.order_id in by_order:
                mails.setdefault(entitlement.pk, by_order[entitlement.order_id])
        granted = {e.profile_id for e in entitled if e.order_id is None}
        known = Identifier.objects.filter(profile__in=granted, kind="email", status="active")
        reachable = set(known.values_list("profile_id", flat=True)) if granted else set()
        return cls(now, links, jobs, mails, reachable)

    def verdict(self, entitlement: Entitlement, order: Order | None) -> Verdict:
        sku, title = entitlement.product.sku, entitlement.product.title
        paid = _paid(order) if order else f"granted by hand: {entitlement.because}"
        state = entitlement.get_status_display().lower()
        chain = [paid, f"entitlement {state}"]
        if not entitlement.downloadable:
            sentence = f"Cannot download {sku}, because the entitlement is {state}: {_lower(entitlement.because)}."
            return Verdict(
                sku, title, False, sentence, tuple(chain), (Act("restore", "Restore access", entitlement.pk),)
            )
        job, link, mail = self.jobs.get(entitlement.pk), self.links.get(entitlement.pk), self.mails.get(entitlement.pk)
        if mail is not None and (mail.bounced_at or mail.state == Email.State.FAILED):
            why = mail.bounce or mail.last_error or "the mail server refused it"
            lost = f"the mail with the link did not reach {mail.to}: {_lower(why)}"
            sentence = f"Buyer not reached: may download {sku}, but {lost}."
            acts: tuple[Act, ...] = (Act("temporary_link", "Make a temporary link", entitlement.pk),)
            if order is not None:
                acts = (Act("change_delivery_email", "Correct the address and resend", order.pk), *acts)
            return Verdict(sku, title, False, sentence, (*chain, "buyer not reached"), acts)
        if mail is not None and mail.given_up and mail.delivered_at is None:
            sentence = (
                f"Buyer perhaps not reached: the mail with the link to {sku} was sent twice to {mail.to}, and no mail"
                " server said whether it arrived."
            )
            acts = (Act("it_arrived", "It arrived", mail.pk), Act("send_again", "Send again", mail.pk))
            return Verdict(sku, title, False, sentence, (*chain, "mail without an answer"), acts)
        if job is not None and job.state == Job.State.FAILED:
            sentence = f"Cannot download {sku} yet, because delivering failed: {_lower(job.last_error)}"
            return Verdict(
                sku, title, False, sentence, (*chain, "job failed"), (Act("retry", "Retry the job", job.pk),)
            )
        if link is None:
            why = _lower(job.last_error) if job and job.last_error else "it is being prepared"
            sentence = f"Cannot download {sku} yet: {why}."
            acts = (Act("retry", "Retry the job", job.pk),) if job else ()
            return Verdict(sku, title, False, sentence, (*chain, "no link yet"), acts)
        if link.revoked_at or link.expires_at <= self.now:
            gone = "was revoked" if link.revoked_at else f"expired {ago(self.now - link.expires_at)} ago"
            sentence = f"Cannot download {sku} by the last link, because it {gone}; the right itself stands."
            acts = (Act("resend", "Mail a new link", entitlement.pk),)
            return Verdict(sku, title, False, sentence, (*chain, f"link {gone}"), acts)
        uses = "not used yet" if not link.uses else f"used {link.uses}×"
        left = f"link expires in {ago(link.expires_at - self.now)}"
        sentence = f"Can download {sku}: {paid}, entitlement {state}, {left}, {uses}."
        mailable = emails.address(entitlement) if order else entitlement.profile_id in self.reachable
        acts = (Act("resend", "Resend the link", entitlement.pk),) if mailable else ()
        return Verdict(sku, title, True, sentence, (*chain, left, uses), acts)


def _without(order: Order, line: Line) -> Verdict:
    """A line nobody is entitled to: because of its mapping, its customer or its payment."""
    name = line.product.sku if line.product else (line.sku or line.title)
    if order.payment_status in (Order.PaymentStatus.UNPAID, Order.PaymentStatus.FAILED):
        sentence = f"Cannot download {name}, because the order is {order.get_payment_status_display().lower()}."
        return Verdict(name, line.title, False, sentence, (f"payment {order.payment_status}",))
    if line.product is None:
        sentence = f"Cannot download {name}, because this line maps to no product."
        return Verdict(
            name, line.title, False, sentence, ("line unmapped",), (Act("map", "Map it to a product", line.pk),)
        )
    if order.profile_id is None:
        sentence = f"Cannot download {name}, because the order belongs to no customer yet."
        return Verdict(
            name, line.title, False, sentence, ("no customer",), (Act("link", "Link to a customer", order.pk),)
        )
    what = {
        Product.Kind.SERVICE: "a service, which stands under Services",
        Product.Kind.BUNDLE: "a bundle with nothing digital in it",
    }.get(Product.Kind(line.product.kind), line.product.get_kind_display().lower())
    sentence = f"{name} has nothing to download: it is {what}."
    return Verdict(name, line.title, False, sentence, (f"kind {line.product.kind}",))


def _paid(order: Order) -> str:
    amount = money.to_text(order.captured_minor, order.currency)
    return f"paid {amount} {order.currency} on {order.paid_at or order.placed_at:%-d %b %Y}"


def _lower(text: str) -> str:
    """The text as the second half of a sentence."""
    text = text.strip().rstrip(".")
    return text[:1].lower() + text[1:] if not text[:2].isupper() else text


def ago(span: timedelta) -> str:
    """A span of time as a person says it: the largest unit that fits."""
    seconds = max(0, int(span.total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length * (2 if unit == "d" else 1):
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
