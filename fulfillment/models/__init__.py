"""How they receive it: assets, entitlements, jobs, links, e-mail, claims, libraries, coupons, missions."""

from fulfillment.models.assets import Asset
from fulfillment.models.claims import Claim, ClaimRoute, LibrarySession, Unclaimed
from fulfillment.models.coupons import Coupon, Redemption
from fulfillment.models.email_changes import AddressProof, EmailChange
from fulfillment.models.emails import Circuit, Email
from fulfillment.models.entitlements import Entitlement
from fulfillment.models.followups import Followup, Offer, PageRoute
from fulfillment.models.jobs import Job
from fulfillment.models.links import DownloadLink, DownloadSession, LinkRoute
from fulfillment.models.mail_templates import MailTemplate
from fulfillment.models.missions import FormerTerms, Mission, MissionCompletion, MissionEntry, MissionReward
from fulfillment.models.reach import Reach, Suppression
from fulfillment.models.renewals import Renewal
from fulfillment.models.services import IntakeForm, Service
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
    "Followup",
    "FormerTerms",
    "IntakeForm",
    "Job",
    "LibrarySession",
    "LinkRoute",
    "MailTemplate",
    "Mission",
    "MissionCompletion",
    "MissionEntry",
    "MissionReward",
    "Offer",
    "PageRoute",
    "Reach",
    "Redemption",
    "Renewal",
    "Service",
    "Suppression",
    "Unclaimed",
]
