"""How they receive it: assets, entitlements, jobs, links, e-mail, claims, libraries, coupons, missions."""

from fulfillment.models.assets import Asset
from fulfillment.models.claims import Claim, ClaimRoute, LibrarySession, Unclaimed
from fulfillment.models.coupons import Coupon, Redemption
from fulfillment.models.email_changes import AddressProof, EmailChange
from fulfillment.models.emails import Circuit, Email
from fulfillment.models.entitlements import Entitlement
from fulfillment.models.jobs import Job
from fulfillment.models.links import DownloadLink, DownloadSession, LinkRoute
from fulfillment.models.missions import Mission, MissionCompletion, MissionEntry, MissionReward
from fulfillment.models.reach import Reach, Suppression
from fulfillment.models.tracking import EmailEcho, EmailEvent, EmailRoute

__all__ = [
    "AddressProof",
    "Asset",
    "Circuit",
    "Claim",
    "ClaimRoute",
    "Coupon",
    "DownloadLink",
    "DownloadSession",
    "Email",
    "EmailChange",
    "EmailEcho",
    "EmailEvent",
    "EmailRoute",
    "Entitlement",
    "Job",
    "LibrarySession",
    "LinkRoute",
    "Mission",
    "MissionCompletion",
    "MissionEntry",
    "MissionReward",
    "Reach",
    "Redemption",
    "Suppression",
    "Unclaimed",
]
