"""Let finance ask the database itself: revenue by platform, customers of high value, how well attribution does.

The views run with the rights of whoever asks, so that the policies of the tables below them hold. Amounts are in major
units with exactly the decimals of the currency beside them (ISO 4217, see orders/money.py).
"""

from django.db import migrations

AMOUNT = """
CREATE FUNCTION support_amount(minor numeric, currency text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE
  WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
                    'XAF', 'XOF', 'XPF') THEN minor
  WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN round(minor / 1000, 3)
  WHEN currency IN ('CLF', 'UYW') THEN round(minor / 10000, 4)
  ELSE round(minor / 100, 2) END
"""
# As orders/actions/statistics.py: COUNTED; a test compares what both count.
COUNTED = "o.payment_status IN ('paid', 'partially_refunded', 'refunded', 'disputed') AND NOT o.test AND o.status <> 'cancelled'"
MONEY = """
       support_amount(sum(o.captured_minor), o.currency) AS gross,
       support_amount(sum(o.refunded_minor + o.disputed_minor), o.currency) AS refunded,
       support_amount(sum(o.captured_minor - o.refunded_minor - o.disputed_minor), o.currency) AS net"""
REVENUE_BY_PLATFORM = f"""
CREATE VIEW revenue_by_platform WITH (security_invoker = true) AS
SELECT o.organization_id, c.kind AS platform, o.currency, count(*) AS orders, {MONEY}
  FROM orders_order o JOIN orders_channel c ON c.organization_id = o.organization_id AND c.id = o.channel_id
 WHERE {COUNTED}
 GROUP BY o.organization_id, c.kind, o.currency
"""
HIGH_VALUE_CUSTOMERS = """
CREATE VIEW high_value_customers WITH (security_invoker = true) AS
SELECT t.organization_id, t.profile_id AS customer_id, p.name, g.currency,
       support_amount(sum(t.base_minor), g.currency) AS lifetime_value, sum(t.orders) AS orders,
       min(t.first_purchase_at) AS first_purchase_at, max(t.last_purchase_at) AS last_purchase_at,
       bool_and(t.base_minor IS NOT NULL) AS every_rate_known
  FROM orders_profiletotal t
  JOIN profiles_profile p ON p.organization_id = t.organization_id AND p.id = t.profile_id
  JOIN profiles_organization g ON g.id = t.organization_id
 GROUP BY t.organization_id, t.profile_id, p.name, g.currency
HAVING support_amount(sum(t.base_minor), g.currency) > 500
"""
ATTRIBUTION_PERFORMANCE = f"""
CREATE VIEW attribution_performance WITH (security_invoker = true) AS
SELECT o.organization_id, a.method,
       CASE WHEN a.confidence_cents >= 85 THEN 'high' WHEN a.confidence_cents >= 65 THEN 'medium'
            WHEN a.confidence_cents >= 50 THEN 'low' ELSE 'none' END AS band,
       o.currency, count(*) AS orders, count(DISTINCT a.conversation_id) AS conversations,
       round(avg(a.confidence_cents) / 100, 4) AS average_confidence, {MONEY}
  FROM orders_order o
  JOIN attribution_attribution a ON a.organization_id = o.organization_id AND a.order_id = o.id AND a.current
 WHERE {COUNTED}
 GROUP BY o.organization_id, a.method, band, o.currency
"""


class Migration(migrations.Migration):
    dependencies = [
        ("attribution", "0005_sources_and_enquiries"),
        ("orders", "0019_sources_of_conversations"),
        ("profiles", "0014_settle_payouts"),
        ("support", "0005_tallies_of_days"),
    ]

    operations = [
        migrations.RunSQL(AMOUNT, "DROP FUNCTION support_amount(numeric, text)"),
        migrations.RunSQL(REVENUE_BY_PLATFORM, "DROP VIEW revenue_by_platform"),
        migrations.RunSQL(HIGH_VALUE_CUSTOMERS, "DROP VIEW high_value_customers"),
        migrations.RunSQL(ATTRIBUTION_PERFORMANCE, "DROP VIEW attribution_performance"),
    ]
