"""A mail about the library or its addresses: in its customer's language, and in the organization's own words."""

from collections.abc import Mapping

from fulfillment.actions import own_words, phrasing
from fulfillment.actions.letters import Letter
from fulfillment.actions.phrasing import Saying
from profiles.models import Organization, Profile


def write(
    sort: str,
    profile: Profile,
    *,
    link: str = "",
    secrets: Mapping[str, str],
    values: Mapping[str, str] | None = None,
    phrase: Mapping[str, str] | None = None,
    code: str = "",
    unsubscribe_url: str = "",
) -> Letter:
    """The mail of this sort. `link` and `code` are as the kept copy shows them, `secrets` maps masks to what they hide.

    `phrase` names values that are the house's own phrases in that language.
    """
    organization = Organization.objects.get(pk=profile.organization_id)
    language = phrasing.language_of_customer(profile, organization)
    told = {name: phrasing.said(language, one) for name, one in (phrase or {}).items()}
    return own_words.write(
        Saying(
            sort,
            organization,
            language,
            values={"customer_name": profile.name[:60], "link": link, **(values or {}), **told},
            secrets=secrets,
            unsubscribe_url=unsubscribe_url,
            code=code,
        )
    )
