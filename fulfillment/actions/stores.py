"""The health of the file stores: what is not asked because it is away, and the switch to the second by hand.

A dead store costs a few requests its time-out; after that it rests, and one caller at a time looks whether it is back.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from django.db import transaction
from django.db.models import Q

from fulfillment import circuits, storages
from fulfillment.actions import chains
from fulfillment.models import Asset, Circuit, Job
from fulfillment.storages import DEFAULT, SECOND, Finding, Found, Unreachable
from profiles import clock, tenancy
from profiles.actions import audit, settlement
from profiles.actors import Actor, Refusal

PREFIX: Final = "store:"
# A switch by hand holds until a person switches back.
FOR_EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
RESTING: Final = "it is left alone until it is well again."
NAMES: Final[Mapping[str, str]] = {DEFAULT: "the first store", SECOND: "the second store"}


class NoSecond(Refusal):
    """There is no second store to switch to."""


class AlreadySo(Refusal):
    """Downloads take that way already."""


class Health:
    """What is known of the stores, read once for a piece of work; what the work learns is stored at once.

    Safe outside of any transaction, and meant for there: whoever asks a store waits for a network.
    Whoever has read in the same moment that no store is `in_trouble` need not have it read again.
    """

    def __init__(self, *, in_trouble: bool = True) -> None:
        rows = Circuit.objects.filter(provider__startswith=PREFIX) if in_trouble else ()
        self._known = {row.provider.removeprefix(PREFIX): chains.rule(row) for row in rows}

    def inspect(self, alias: str, path: str, *, thorough: bool = False) -> Finding:
        """Ask this store for the file; Unreachable at once while the store rests."""
        if not self.may(alias):
            return Unreachable(RESTING)
        found = storages.inspect(alias, path, thorough=thorough)
        self.learn(alias, found.reason if isinstance(found, Unreachable) else "")
        return found

    def where(self, asset: Asset) -> str | None:
        """The first store that has this file whole; None if no store can give it now."""
        for alias in having(asset):
            found = self.inspect(alias, asset.path)
            if isinstance(found, Found) and found.size == asset.size and found.checksum in (None, asset.sha256):
                return alias
        return None

    def switched(self) -> bool:
        """Whether a person took the first store out of use."""
        return circuits.resting(self._state(DEFAULT), now=clock.real())

    def away(self) -> list[str]:
        """The stores that are left alone now, by whichever word."""
        now = clock.real()
        found = {alias: self._state(alias) for alias in storages.aliases()}
        return [name for name, state in found.items() if state.opened_at or circuits.resting(state, now=now)]

    def may(self, alias: str) -> bool:
        """Whether to try this store now; where it has rested long enough, for one caller at a time."""
        state = self._state(alias)
        if state == circuits.Circuit():
            return True  # without asking what time it is
        allowed, after = circuits.ask(state, now=clock.real())
        if allowed and after != state:
            unmoved = Circuit.objects.filter(
                provider=PREFIX + alias, opened_at=state.opened_at, probing_until=state.probing_until
            )
            allowed = bool(unmoved.update(probing_until=after.probing_until))
            self._known[alias] = after
        return allowed

    def learn(self, alias: str, error: str) -> None:
        """The store answered, or did not and said `error`; writes nothing while all stays well."""
        known = self._state(alias)
        if not error and circuits.succeed(known) == known:
            return
        with transaction.atomic():
            Circuit.objects.get_or_create(provider=PREFIX + alias)
            row = Circuit.objects.select_for_update(no_key=True).get(provider=PREFIX + alias)
            state = chains.rule(row)
            after = circuits.fail(state, now=clock.real()) if error else circuits.succeed(state)
            row.failures, row.opened_at, row.probing_until = after.failures, after.opened_at, after.probing_until
            if error:
                row.last_error, row.last_error_at = error[:2000], clock.real()
            row.save()
        self._known[alias] = after

    def _state(self, alias: str) -> circuits.Circuit:
        return self._known.get(alias, circuits.Circuit())


def having(asset: Asset) -> tuple[str, ...]:
    """The stores that may give this file, in the order in which they are asked: not where it was read as damaged."""
    found = storages.aliases(asset.in_second)
    return tuple(alias for alias in found if asset.verdicts.get(alias) != Asset.Verdict.DAMAGED)


def taking() -> tuple[str, ...]:
    """The stores into which a new file goes: those in use, or all where none is."""
    health = Health()
    found = tuple(alias for alias in storages.aliases() if health.may(alias))
    return found or storages.aliases()


def learn(asked: Iterable[str], absent: Mapping[str, str]) -> None:
    """Remember which of the stores that were asked took a file, and which did not."""
    health = Health()
    for alias in asked:
        health.learn(alias, absent.get(alias, ""))


def only_in_first() -> int:
    """How many files on sale nobody can download while the first store is out of use; one query."""
    missing = ~Q(in_second=True) if SECOND in storages.aliases() else Q()
    return Asset.objects.filter(missing, current=True).count()


# By hand -----------------------------------------------------------------------------------------------------------


def switch(*, by: Actor, because: str) -> Circuit:
    """Take the first store out of use until `switch_back`: downloads and new files go to the second at once."""
    by.require("connect")
    reason = audit.require_reason(because)
    if SECOND not in storages.aliases():
        raise NoSecond("There is no second store: set STORAGE_SECOND_BUCKET_NAME or STORAGE_SECOND_FOLDER first.")
    row = _locked(DEFAULT)
    if row.rested_until is not None:
        raise AlreadySo("Downloads go to the second store already.")
    row.rested_until, row.rested_by, row.rested_because = FOR_EVER, by.label, reason
    row.save()
    # What rested by itself is tried at once: a person knows better.
    second = _locked(SECOND)
    _clear(second)
    _record(SECOND, row, by, reason)
    return row


def switch_back(*, by: Actor, because: str) -> Circuit:
    """Use the first store again, as if it had never failed; what waits for a store goes on."""
    by.require("connect")
    reason = audit.require_reason(because)
    row = _locked(DEFAULT)
    if row.rested_until is None and row.opened_at is None:
        raise AlreadySo("Downloads go to the first store already.")
    row.rested_until, row.rested_by, row.rested_because = None, "", ""
    _clear(row)
    _record(DEFAULT, row, by, reason)
    return row


def _clear(row: Circuit) -> None:
    row.failures, row.opened_at, row.probing_until = 0, None, None
    row.save()


def _locked(alias: str) -> Circuit:
    Circuit.objects.get_or_create(provider=PREFIX + alias)
    return Circuit.objects.select_for_update(no_key=True).get(provider=PREFIX + alias)


def _record(alias: str, row: Circuit, by: Actor, reason: str) -> None:
    organization_id = tenancy.current()
    audit.record(
        "storage.switched",
        by=by,
        subject=row,
        because=reason,
        details={"to": NAMES[alias]},
        organization_id=organization_id,
    )
    Job.objects.filter(state=Job.State.PENDING_STORAGE, due_at__gt=clock.now()).update(due_at=clock.now())
    settlement.wake(organization_id)
