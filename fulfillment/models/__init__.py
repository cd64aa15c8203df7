"""How they receive it: assets, entitlements, jobs, links and e-mail."""

from fulfillment.models.assets import Asset
from fulfillment.models.emails import Circuit, Email
from fulfillment.models.entitlements import Entitlement
from fulfillment.models.jobs import Job
from fulfillment.models.links import DownloadLink, DownloadSession, LinkRoute
from fulfillment.models.reach import Reach, Suppression
from fulfillment.models.tracking import EmailEcho, EmailEvent, EmailRoute

__all__ = [
    "Asset",
    "Circuit",
    "DownloadLink",
    "DownloadSession",
    "Email",
    "EmailEcho",
    "EmailEvent",
    "EmailRoute",
    "Entitlement",
    "Job",
    "LinkRoute",
    "Reach",
    "Suppression",
]
