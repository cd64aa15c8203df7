"""Who acts: a member of staff, an API token, or the system itself; and what each role may do (SPEC SUP-5)."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

AGENT = frozenset(
    {"view", "view_pii", "resend", "temporary_link", "retry", "change_delivery_email", "grant", "revoke", "restore"}
    | {"acknowledge", "change_email", "lift_suppression", "check_off"}
)
LEAD = AGENT | {
    "merge",
    "undo_merge",
    "link",
    "replay",
    "dismiss",
    "map_product",
    "manual_order",
    "override_attribution",
    "manage_identity",
    "manage_policies",
    "manage_coupons",
    "manage_incidents",
    "approve",
    "approve_refund",
    "refund",
    "reconcile",
    "import_files",
    "see_analytics",
}
PERMISSIONS: Mapping[str, frozenset[str]] = {
    "agent": AGENT,
    "lead": LEAD | {"export", "view_audit"},
    "finance": frozenset(
        {"view", "view_pii", "export", "view_audit", "refund", "approve_refund"}
        | {"manage_finance", "reconcile", "write_off", "import_files", "check_off", "see_analytics"}
    ),
    "engineer": LEAD
    | {"connect", "manage_tokens", "manage_staff", "export", "view_audit", "act_across", "manage_finance", "write_off"},
    "auditor": frozenset({"view", "view_audit", "export", "see_analytics"}),
}


class Refusal(Exception):
    """Something that was asked for and is not done, with the sentence that says why.

    A red line in the admin, a problem document with `status` in the API, a log line; never a 500.
    """

    status = 409
    title = "Not possible"


class NotPermitted(Refusal):
    """The actor's role does not include this."""

    status = 403
    title = "Not permitted"


class Invalid(Refusal):
    """What was given cannot be used."""

    status = 400
    title = "Invalid"


class NotFound(Refusal):
    """Nothing here by that name."""

    status = 404
    title = "Not found"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Whoever presses the button. `act` ties all effects of one press together (SPEC SUP-16)."""

    label: str
    role: str = ""
    user_id: int | None = None
    token_id: int | None = None
    request_id: str = ""
    scopes: frozenset[str] = frozenset()
    act: uuid.UUID = field(default_factory=uuid.uuid4)

    @classmethod
    def system(cls, label: str) -> "Actor":
        return cls(label=label, role="system")

    @classmethod
    def customer(cls) -> "Actor":
        """The customer, by what they proved to be theirs: acts on their own things only, and holds no permission."""
        return cls(label="The customer", role="customer")

    @property
    def is_person(self) -> bool:
        return self.role != "system"

    def may(self, permission: str) -> bool:
        """Whether the role includes this permission; a token's power is its scopes, checked at its door."""
        return self.role in {"system", "token"} or permission in PERMISSIONS.get(self.role, frozenset())

    def require(self, permission: str) -> None:
        if not self.may(permission):
            raise NotPermitted(f"Your role ({self.role or 'none'}) may not do this: {permission.replace('_', ' ')}.")
