"""Payouts that do not add up, fees that differ, and lines that belong to nothing: each by one statement."""

from support.queries.findings import Finder, instant, side, sum_of, within

# Complete lines against the deposit, what the provider says of the whole against itself, and the bank against both.
PAYOUT_DIFFERS = Finder(
    kind="payout_differs",
    of="payout",
    places={"scope": within("o.at", "o.id")},
    sign="EXISTS (SELECT FROM orders_payout o WHERE {scope})",
    found="""
  FROM orders_payout o
  LEFT JOIN LATERAL (SELECT count(*) AS lines, sum(l.net_minor) AS net_minor, sum(l.amount_minor) AS gross_minor,
                            bool_or(l.currency <> o.currency) AS mixed
                       FROM orders_payoutline l
                      WHERE l.organization_id = o.organization_id AND l.payout_id = o.id) l ON true
  CROSS JOIN LATERAL (
    SELECT CASE WHEN o.complete AND NOT coalesce(l.mixed, false)
                THEN coalesce(l.net_minor, 0) - o.amount_minor ELSE 0 END AS by_lines,
           CASE WHEN o.gross_minor IS NOT NULL AND o.fee_minor IS NOT NULL
                THEN o.gross_minor - o.fee_minor - o.amount_minor ELSE 0 END AS by_itself,
           CASE WHEN o.bank_minor IS NOT NULL THEN o.bank_minor - o.amount_minor ELSE 0 END AS by_bank) d
 WHERE {scope} AND o.status <> 'failed' AND (d.by_lines <> 0 OR d.by_itself <> 0 OR d.by_bank <> 0)
""",
    columns={
        "subject": "'payout:' || o.id",
        "amount_minor": "greatest(abs(d.by_lines), abs(d.by_itself), abs(d.by_bank))",
        "currency": "o.currency",
        "test": "o.test",
        "at": "o.at",
        "channel_id": "o.channel_id",
        "payout_id": "o.id",
        "external_id": "o.external_id",
        "ours": side(
            Lines="l.lines::text",
            All_lines_known="CASE WHEN o.complete THEN 'yes' ELSE 'no' END",
            Net_of_lines=sum_of("coalesce(l.net_minor, 0)", "o.currency"),
            At_the_bank=f"CASE WHEN o.bank_minor IS NULL THEN '\"not entered\"'::jsonb"
            f" ELSE {sum_of('o.bank_minor', 'o.currency')} END",
        ),
        "theirs": side(
            Payout="o.external_id",
            Deposit=sum_of("o.amount_minor", "o.currency"),
            Gross=f"CASE WHEN o.gross_minor IS NULL THEN '\"not told\"'::jsonb"
            f" ELSE {sum_of('o.gross_minor', 'o.currency')} END",
            Fees=f"CASE WHEN o.fee_minor IS NULL THEN '\"not told\"'::jsonb"
            f" ELSE {sum_of('o.fee_minor', 'o.currency')} END",
            Made=instant("o.at"),
        ),
    },
)

# By the payment the lines name; a payment captured in parts has several.
FEE_DIFFERS = Finder(
    kind="fee_differs",
    of="payment",
    places={"scope": within("l.at", "p.id")},
    sign="EXISTS (SELECT FROM orders_payoutline l WHERE {scope})",
    found="""
  FROM (SELECT DISTINCT p.organization_id, p.id
          FROM orders_payoutline l
          JOIN orders_payment p ON p.organization_id = l.organization_id AND p.external_id = l.payment_reference
                               AND p.channel_id = l.channel_id
         WHERE {scope} AND l.kind = 'captured' AND l.payment_reference <> '' AND l.currency = p.currency
           AND p.fee_minor <> l.fee_minor) f
  JOIN orders_payment p ON p.organization_id = f.organization_id AND p.id = f.id
  CROSS JOIN LATERAL (SELECT min(l.id) AS line_id, sum(l.fee_minor) AS fee_minor, min(l.at) AS at
                        FROM orders_payoutline l
                       WHERE l.organization_id = p.organization_id AND l.payment_reference = p.external_id
                         AND l.channel_id = p.channel_id AND l.kind = 'captured' AND l.currency = p.currency) l
  JOIN orders_payoutline line ON line.organization_id = p.organization_id AND line.id = l.line_id
 WHERE l.fee_minor <> p.fee_minor
""",
    columns={
        "subject": "'payment:' || p.id",
        "amount_minor": "abs(l.fee_minor - p.fee_minor)",
        "currency": "p.currency",
        "test": "p.test",
        "at": "l.at",
        "channel_id": "p.channel_id",
        "order_id": "p.order_id",
        "payment_id": "p.id",
        "payout_id": "line.payout_id",
        "payout_line_id": "line.id",
        "external_id": "p.external_id",
        "ours": side(
            Payment="p.external_id",
            Taken=sum_of("p.amount_minor", "p.currency"),
            Fee=sum_of("p.fee_minor", "p.currency"),
        ),
        "theirs": side(
            Payout_line="line.external_id",
            Amount=sum_of("line.amount_minor", "line.currency"),
            Fee=sum_of("l.fee_minor", "line.currency"),
            At=instant("l.at"),
        ),
    },
)

# A file is a whole statement: what it names and we do not know is unknown at once. Of a provider's own list, what
# happened a moment ago may still be on its way to us.
UNKNOWN_PAYOUT_LINE = Finder(
    kind="unknown_payout_line",
    of="payout_line",
    places={"scope": within("l.at", "l.id")},
    sign="EXISTS (SELECT FROM orders_payoutline l WHERE {scope})",
    found="""
  FROM orders_payoutline l
  LEFT JOIN orders_payout o ON o.organization_id = l.organization_id AND o.id = l.payout_id
 WHERE {scope}
   AND (l.kind = 'unknown'
        OR (l.order_id IS NULL AND l.kind IN ('captured', 'refund', 'refund_failed', 'dispute', 'dispute_reversed')
            AND (l.at < %(before)s OR coalesce(o.from_file, false))))
""",
    columns={
        "subject": "'line:' || l.id",
        "amount_minor": "abs(l.amount_minor)",
        "currency": "l.currency",
        "test": "l.test",
        "at": "l.at",
        "channel_id": "l.channel_id",
        "order_id": "l.order_id",
        "payout_id": "l.payout_id",
        "payout_line_id": "l.id",
        "external_id": "l.external_id",
        "ours": side(
            Order="'none'",
            Named="coalesce(nullif(l.order_external_id, ''), nullif(l.payment_reference, ''),"
            " nullif(l.source_reference, ''), 'names nothing')",
        ),
        "theirs": side(
            Payout_line="l.external_id",
            Sort="replace(l.kind, '_', ' ')",
            Amount=sum_of("l.amount_minor", "l.currency"),
            Payout="coalesce(o.external_id, nullif(l.payout_external_id, ''), 'still in transit')",
            Described="coalesce(nullif(l.described, ''), 'nothing')",
            At=instant("l.at"),
        ),
    },
)
