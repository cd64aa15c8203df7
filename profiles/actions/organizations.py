"""Making an organization and letting people and programs into it."""

import secrets
from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from profiles import clock, tenancy, zones
from profiles.actions import audit
from profiles.actors import Actor, Invalid, NotFound, Refusal
from profiles.models import ApiToken, Membership, Organization, OrganizationRoute, Role, StaffRoute, TokenRoute
from profiles.tokens import digest

RESOURCES = (
    *("orders", "profiles", "entitlements", "conversations", "events", "merges"),
    *("discrepancies", "analytics", "customers", "jobs", "webhooks", "channels", "coupons"),
)
SCOPES = {f"{resource}:{verb}" for resource in RESOURCES for verb in ("read", "write")} | {"*"}


class SlugTaken(Refusal):
    title = "Name taken"


class TokenDead(Refusal):
    title = "Already revoked"


def create(
    slug: str,
    *,
    name: str,
    currency: str,
    region: str,
    timezone: str,
    by: Actor,
    support_email: str = "",
    demo: bool = False,
) -> Organization:
    """A new tenant. Raises SlugTaken or Invalid."""
    if timezone not in zones.known():
        raise Invalid(f"{timezone} is no IANA time zone.")
    if len(region) != 2 or not region.isalpha():
        raise Invalid(f"{region} is no ISO 3166 country.")
    try:
        with transaction.atomic():
            route = OrganizationRoute.objects.create(slug=slug)
    except IntegrityError as error:
        raise SlugTaken(f"There is an organization {slug} already.") from error
    with tenancy.organization(route.pk):
        organization = Organization.objects.create(
            id=route.pk,
            slug=slug,
            name=name,
            currency=currency.upper(),
            region=region.upper(),
            timezone=timezone,
            support_email=support_email,
            is_demo=demo,
        )
        audit.record("organization.created", by=by, subject=organization, organization_id=route.pk)
    return organization


def find(slug: str) -> int:
    """The id of the organization of this slug; raises NotFound."""
    found = OrganizationRoute.objects.filter(slug=slug).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound(f"There is no organization {slug}.")
    return found


def add_member(organization: Organization, user: User, role: str, *, by: Actor, because: str = "") -> Membership:
    """Let a user into the organization, or change their role."""
    by.require("manage_staff")
    if role not in Role.values:
        raise Invalid(f"{role} is no role; choose one of {', '.join(Role.values)}.")
    StaffRoute.objects.get_or_create(user=user, organization_id=organization.pk)
    member, _ = Membership.objects.update_or_create(organization=organization, user=user, defaults={"role": role})
    audit.record("member.added", by=by, subject=member, because=because, details={"user": user.pk, "role": role})
    return member


def invite(
    organization: Organization, *, username: str, name: str, role: str, by: Actor, because: str
) -> tuple[Membership, str]:
    """Let somebody in by their login; who has none gets one with a first password, which is returned this once."""
    by.require("manage_staff")
    reason = audit.require_reason(because)
    username = username.strip().lower()
    user = User.objects.filter(username__iexact=username).first()
    password = ""
    if user is None:
        password = secrets.token_urlsafe(12)
        user = User.objects.create_user(username, email=username if "@" in username else "", password=password)
        first, _, last = name.strip().partition(" ")
        user.first_name, user.last_name, user.is_staff = first[:150], last[:150], True
        user.save(update_fields=["first_name", "last_name", "is_staff"])
    elif not (user.is_active and user.is_staff):
        raise Invalid(f"{username} is not staff of this installation, or is switched off.")
    elif Membership.objects.filter(user=user).exists():
        raise Invalid(f"{username} is a member already: change the role in the list.")
    return add_member(organization, user, role, by=by, because=reason), password


def change_role(member: Membership, role: str, *, by: Actor, because: str) -> Membership:
    """Give a member another role. Nobody changes their own, so that no organization locks itself out."""
    by.require("manage_staff")
    reason = audit.require_reason(because)
    if member.user_id == by.user_id:
        raise Invalid("Nobody changes their own role: ask another engineer.")
    if role not in Role.values:
        raise Invalid(f"{role} is no role; choose one of {', '.join(Role.values)}.")
    former = member.role
    member.role = role
    member.save(update_fields=["role"])
    audit.record(
        "member.role_changed",
        by=by,
        subject=member,
        because=reason,
        details={"user": member.user_id, "former": former, "role": role},
    )
    return member


def issue_token(organization: Organization, *, name: str, scopes: Sequence[str], by: Actor, because: str = "") -> str:
    """A new API token, shown this once; raises Invalid for an unknown scope."""
    by.require("manage_tokens")
    if unknown := sorted(set(scopes) - SCOPES):
        raise Invalid(f"Unknown scope {', '.join(unknown)}; choose from {', '.join(sorted(SCOPES))}.")
    if not scopes:
        raise Invalid("A token needs at least one scope.")
    secret = f"as_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        organization=organization, name=name, scopes=sorted(set(scopes)), digest=digest(secret), hint=secret[-6:]
    )
    TokenRoute.objects.create(digest=digest(secret), organization_id=organization.pk, token_id=token.pk)
    audit.record(
        "token.issued", by=by, subject=token, because=because, details={"name": name, "scopes": sorted(set(scopes))}
    )
    return secret


def revoke_token(token: ApiToken, *, by: Actor, because: str) -> None:
    """The token opens nothing from now on; it cannot be brought back. Raises TokenDead."""
    by.require("manage_tokens")
    reason = audit.require_reason(because)
    token = ApiToken.objects.select_for_update(no_key=True).get(pk=token.pk)
    if token.revoked_at:
        raise TokenDead("This token was revoked before.")
    token.revoked_at = clock.now()
    token.save(update_fields=["revoked_at"])
    TokenRoute.objects.filter(digest=bytes(token.digest)).delete()
    audit.record("token.revoked", by=by, subject=token, because=reason, details={"name": token.name})
