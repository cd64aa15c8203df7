"""Making an organization and letting people and programs into it."""

import secrets
from collections.abc import Sequence
from zoneinfo import available_timezones

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from profiles import tenancy
from profiles.actions import audit
from profiles.actors import Actor, Invalid, NotFound, Refusal
from profiles.models import ApiToken, Membership, Organization, OrganizationRoute, Role, StaffRoute, TokenRoute
from profiles.tokens import digest

SCOPES = {
    f"{resource}:{verb}"
    for resource in ("orders", "profiles", "entitlements", "conversations", "events", "merges", "channels", "analytics")
    for verb in ("read", "write")
} | {"*"}


class SlugTaken(Refusal):
    title = "Name taken"


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
    if timezone not in available_timezones():
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


def add_member(organization: Organization, user: User, role: str, *, by: Actor) -> Membership:
    """Let a user into the organization, or change their role."""
    if role not in Role.values:
        raise Invalid(f"{role} is no role; choose one of {', '.join(Role.values)}.")
    StaffRoute.objects.get_or_create(user=user, organization_id=organization.pk)
    member, _ = Membership.objects.update_or_create(organization=organization, user=user, defaults={"role": role})
    audit.record("member.added", by=by, subject=member, details={"user": user.pk, "role": role})
    return member


def issue_token(organization: Organization, *, name: str, scopes: Sequence[str], by: Actor) -> str:
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
    audit.record("token.issued", by=by, subject=token, details={"name": name, "scopes": sorted(set(scopes))})
    return secret
