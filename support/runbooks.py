"""What to do in an incident, step by step, and which button of the desk does it (SPEC SUP-8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what and why in plain words, the dialogs whose buttons do it, and the page to look at."""

    title: str
    words: str
    dialogs: tuple[str, ...] = ()
    """About the organization."""
    of_incident: tuple[str, ...] = ()
    """About the incident itself."""
    page: str = ""
    """The name of a page of the desk, with what the link says."""
    page_says: str = ""


_STATUS: Final = Step(
    "Tell customers",
    "One calm sentence on every page a customer opens: what does not work, that nothing is lost, when it is back.",
    of_incident=("post_status", "withdraw_status"),
)

RUNBOOKS: Final[Mapping[str, tuple[Step, ...]]] = MappingProxyType(
    {
        "email": (
            Step(
                "See who is away",
                "Each provider of the chain with its last error. Mail waits and loses nothing meanwhile.",
                page="mail_providers",
                page_says="Mail providers",
            ),
            Step(
                "Switch to the next provider",
                "Let the one in trouble rest until you say otherwise; the next one of the chain takes over at once.",
                page="mail_providers",
                page_says="Rest or use a provider",
            ),
            Step(
                "Prove that the next one delivers",
                "A drill takes the first provider away and times the take-over with a mail to nobody's customer.",
                dialogs=("drill_email",),
            ),
            _STATUS,
            Step(
                "Look after those who were not reached",
                "What came back or never arrived, with the likely typo in the address.",
                page="fulfillment_reach_changelist",
                page_says="Not reached",
            ),
        ),
        "storage": (
            Step(
                "Check the files",
                "Every file on sale is read and compared with its checksum, in every store.",
                dialogs=("verify_assets",),
                page="fulfillment_asset_changelist",
                page_says="Files",
            ),
            Step(
                "Switch to the second store",
                "Downloads and new files go to the second store until you switch back.",
                dialogs=("switch_storage",),
            ),
            Step(
                "Make links anew",
                "Links given out before are replaced where they lead to the store that is away.",
                dialogs=("renew_links",),
            ),
            Step(
                "Let waiting jobs go on",
                "They try again by themselves; a press does it now.",
                page="fulfillment_job_changelist",
                page_says="Jobs",
            ),
            Step(
                "Prove the take-over",
                "A drill takes the first store away and times a download of a file of nobody's customer.",
                dialogs=("drill_storage",),
            ),
            _STATUS,
        ),
        "data": (
            Step(
                "Recount",
                "Every customer's figures are counted afresh from the facts; nothing is changed.",
                dialogs=("recount",),
            ),
            Step(
                "Compare everything",
                "Payments, orders, access, receipts and payouts are compared; what differs stands there with a repair.",
                dialogs=("reconcile_now",),
                page="support_discrepancy_changelist",
                page_says="Reconciliation",
            ),
            Step(
                "Take up what was set aside",
                "Changes that failed too often are tried once more.",
                dialogs=("revive_settlements",),
            ),
            Step(
                "Settle again",
                "Everything that depends on the orders of the last days is made to agree with the facts.",
                dialogs=("settle_again",),
            ),
            _STATUS,
        ),
    }
)
