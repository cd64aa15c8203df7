"""How they receive it: assets, entitlements, jobs, links, e-mail, claims and libraries."""

from fulfillment.models.assets import Asset
from fulfillment.models.claims import Claim, ClaimRoute, LibrarySession, Unclaimed
from fulfillment.models.email_changes import AddressProof, EmailChange
from fulfillment.models.emails import Circuit, Email
from fulfillment.models.entitlements import Entitlement
from fulfillment.models.jobs import Job
from fulfillment.models.links import DownloadLink, DownloadSession, LinkRoute

__all__ = [
    "AddressProof",
    "Asset",
    "Circuit",
    "Claim",
    "ClaimRoute",
    "DownloadLink",
    "DownloadSession",
    "Email",
    "EmailChange",
    "Entitlement",
    "Job",
    "LibrarySession",
    "LinkRoute",
    "Unclaimed",
]
