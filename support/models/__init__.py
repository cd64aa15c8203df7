"""The desk for care and for finance: what it remembers of its own work."""

from support.models.alerts import Alert, AlertNotice
from support.models.approvals import Approval
from support.models.checklists import ChecklistTick
from support.models.discrepancies import Discrepancy, DiscrepancyEntry, ReconcileRun
from support.models.incidents import Incident, IncidentEntry
from support.models.tallies import (
    CohortMonth,
    CohortTally,
    ConversationTally,
    ConvertedTally,
    GrowthTally,
    ProductMonth,
    ProductTally,
    RevenueTally,
)

__all__ = [
    "Alert",
    "AlertNotice",
    "Approval",
    "ChecklistTick",
    "CohortMonth",
    "CohortTally",
    "ConversationTally",
    "ConvertedTally",
    "Discrepancy",
    "DiscrepancyEntry",
    "GrowthTally",
    "Incident",
    "IncidentEntry",
    "ProductMonth",
    "ProductTally",
    "ReconcileRun",
    "RevenueTally",
]
