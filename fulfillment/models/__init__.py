"""How they receive it: assets, entitlements, jobs, links and e-mail."""

from fulfillment.models.assets import Asset
from fulfillment.models.emails import Circuit, Email
from fulfillment.models.entitlements import Entitlement
from fulfillment.models.jobs import Job
from fulfillment.models.links import DownloadLink, DownloadSession, LinkRoute

__all__ = ["Asset", "Circuit", "DownloadLink", "DownloadSession", "Email", "Entitlement", "Job", "LinkRoute"]
