"""How the desk looks: its name, its one accent, its navigation grouped by purpose. Read by unfold from the settings."""

from typing import Any

from django.templatetags.static import static

# Pine, as on the customers' pages.
ACCENT = {
    "50": "#eef7f5",
    "100": "#dcefeb",
    "200": "#b5ddd4",
    "300": "#84c8ba",
    "400": "#4fac9b",
    "500": "#279080",
    "600": "#0d6a5a",
    "700": "#0a574a",
    "800": "#09463c",
    "900": "#083a32",
    "950": "#04211d",
}
GREY = {
    "50": "#f8faf9",
    "100": "#f0f3f2",
    "200": "#e1e6e4",
    "300": "#c9d1ce",
    "400": "#93a09b",
    "500": "#63716c",
    "600": "#45514d",
    "700": "#35403c",
    "800": "#222b28",
    "900": "#161d1b",
    "950": "#0e1312",
}
FONT = {
    "subtle-light": "#5a6863",
    "subtle-dark": "#a3b0ab",
    "default-light": "#35403c",
    "default-dark": "#c9d1ce",
    "important-light": "#0e1312",
    "important-dark": "#f0f3f2",
}

# Purpose → (words, icon, name of the address, what the role must include). What no address leads to is not drawn.
NAVIGATION: tuple[tuple[str, tuple[tuple[str, str, str, str], ...]], ...] = (
    (
        "Today",
        (
            ("What needs me now", "bolt", "index", "view"),
            ("Search", "search", "search", "view"),
            ("Checklists", "checklist", "checklists", "view"),
            ("Alerts", "notifications", "support_alert_changelist", "view"),
            ("Incidents", "emergency", "support_incident_changelist", "view"),
            ("Approvals", "approval", "support_approval_changelist", "view"),
        ),
    ),
    (
        "Customers",
        (
            ("Customers", "group", "profiles_profile_changelist", "view"),
            ("Merges", "merge", "profiles_merge_changelist", "view"),
            ("Likely the same", "group_add", "profiles_suggestion_changelist", "view"),
            ("Reviews", "rule", "profiles_review_changelist", "view"),
            ("Set aside", "do_not_disturb_on", "profiles_identifier_changelist", "view"),
            ("Unattached", "person_off", "unattached", "view"),
            ("Store alerts", "storefront", "attribution_storealert_changelist", "view"),
            ("Conversations", "forum", "attribution_conversation_changelist", "view"),
        ),
    ),
    (
        "Orders",
        (
            ("Orders", "receipt_long", "orders_order_changelist", "view"),
            ("Refunds", "undo", "orders_refundrequest_changelist", "view"),
        ),
    ),
    (
        "Know why",
        (
            ("Revenue", "insights", "board", "see_analytics"),
            ("Cohorts", "grid_on", "cohorts", "see_analytics"),
            ("Growth", "trending_up", "growth", "see_analytics"),
            ("Funnel", "filter_alt", "funnel", "see_analytics"),
            ("Clicks and checkouts", "ads_click", "profiles_event_changelist", "see_analytics"),
        ),
    ),
    (
        "Finance",
        (
            ("Month report", "monitoring", "month_report", "view"),
            ("Reconciliation", "balance", "support_discrepancy_changelist", "view"),
            ("Reconciliation runs", "event_repeat", "support_reconcilerun_changelist", "view"),
            ("Payouts", "account_balance", "orders_payout_changelist", "view"),
            ("Months", "calendar_month", "orders_period_changelist", "view"),
            ("Ledger", "menu_book", "orders_ledgerentry_changelist", "view"),
        ),
    ),
    (
        "Delivery",
        (
            ("Entitlements", "key", "fulfillment_entitlement_changelist", "view"),
            ("Jobs", "conveyor_belt", "fulfillment_job_changelist", "view"),
            ("E-mails", "mail", "fulfillment_email_changelist", "view"),
            ("Follow-ups", "forward_to_inbox", "fulfillment_followup_changelist", "view"),
            ("Services", "handyman", "fulfillment_service_changelist", "view"),
            ("Unclaimed", "person_alert", "fulfillment_unclaimed_changelist", "view"),
            ("Not reached", "unsubscribe", "fulfillment_reach_changelist", "view"),
            ("Silenced addresses", "notifications_off", "fulfillment_suppression_changelist", "view"),
            ("Mail providers", "outgoing_mail", "mail_providers", "view"),
        ),
    ),
    (
        "Inbox",
        (
            ("Deliveries", "inbox", "orders_delivery_changelist", "view"),
            ("Read from providers", "cloud_download", "orders_lookup_changelist", "view"),
            ("Imports", "upload_file", "orders_import_changelist", "import_files"),
        ),
    ),
    (
        "Catalogue",
        (
            ("Products", "menu_book", "orders_product_changelist", "view"),
            ("Files", "draft", "fulfillment_asset_changelist", "view"),
            ("Coupons", "redeem", "fulfillment_coupon_changelist", "view"),
            ("Missions", "flag", "fulfillment_mission_changelist", "view"),
            ("Unmapped lines", "link_off", "orders_line_changelist", "view"),
            ("Shop pages", "storefront", "orders_storefrontpage_changelist", "view"),
        ),
    ),
    (
        "Settings",
        (
            ("Channels", "hub", "orders_channel_changelist", "view"),
            ("Webhooks", "webhook", "profiles_webhookendpoint_changelist", "view"),
            ("Webhook log", "outbox", "profiles_webhookdelivery_changelist", "view"),
            ("Streams", "stream", "profiles_streamentry_changelist", "view"),
            ("Mail templates", "edit_note", "mail_templates", "manage_policies"),
            ("Staff", "badge", "profiles_membership_changelist", "manage_staff"),
            ("API tokens", "vpn_key", "profiles_apitoken_changelist", "manage_tokens"),
            ("Audit log", "history", "profiles_auditentry_changelist", "view_audit"),
            ("Organization", "apartment", "profiles_organization_changelist", "view"),
        ),
    ),
)


def environment(request: Any) -> list[str] | None:
    """The badge in the header: which installation this is, so that nobody takes the demo for the real one."""
    from django.conf import settings

    organization = getattr(request, "organization", None)
    if organization is not None and organization.is_demo:
        return ["Demo", "info"]
    return None if settings.PRODUCTION else ["Development", "warning"]


def subheader(request: Any) -> str:
    organization = getattr(request, "organization", None)
    return organization.name if organization is not None else "Back office"


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Aftersale",
    "SITE_HEADER": "Aftersale",
    "SITE_SUBHEADER": subheader,
    "SITE_URL": None,
    "SITE_ICON": lambda request: static("fulfillment/mark.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("fulfillment/mark.svg")}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "7px",
    "ENVIRONMENT": environment,
    "COLORS": {"base": GREY, "primary": ACCENT, "font": FONT},
    "STYLES": [
        lambda request: static("support/desk.css"),
        lambda request: static("support/lists.css"),
        lambda request: static("support/why.css"),
        lambda request: static("support/boards.css"),
    ],
    "SCRIPTS": [lambda request: static("support/desk.js")],
    "COMMAND": {"search_models": False, "show_history": False},
    "SIDEBAR": {"show_search": False, "show_all_applications": False},
}
