"""The built-in words of mails in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fulfillment.wordings import Wording

FRAME: Final[Mapping[str, str]] = {
    "question": "Any question? Write to {{ support_email }}.",
    "question_reply": "Any question? Reply to this e-mail.",
    "because": "{{ organization_name }} sent you this because of your order {{ order_number }}.",
    "because_given": "{{ organization_name }} sent you this because of something you were given.",
    "unsubscribe": "No more mails like this",
    "copy": "If the button does not work, copy this address:",
    "open_download": "Open the download",
    "until": "Works until {{ until }}.",
    "order": "Order {{ order_number }}, {{ date }}",
    "total": "Total",
    "reference": "Reference {{ reference }}",
    "preparing": (
        "Your order is being prepared, and there is nothing you need to do: if it holds a download, the link "
        "follows to this address as soon as it is ready."
    ),
    "because_claim": (
        "Somebody asked {{ organization_name }} for this link. Was it not you? Then there is nothing to do: nobody "
        "gets in without this mail."
    ),
    "because_invitation": "{{ organization_name }} sent you this because of your purchase.",
    "because_claim_reminder": (
        "{{ organization_name }} sent you this because of your purchase. We remind you twice at most."
    ),
    "because_address_code": (
        "Somebody typed this address at {{ organization_name }}. Was it not you? Then there is nothing to do."
    ),
    "because_email_change": (
        "Somebody asked {{ organization_name }} to write here. Was it not you? Then there is nothing to do."
    ),
    "because_email_change_notice": "{{ organization_name }} sent you this to keep your purchases safe.",
    "begun_by_customer": "It was asked for in your library.",
    "begun_by_staff": "Our staff began it at somebody’s request.",
}
MAILS: Final[Mapping[str, Wording]] = {
    "receipt": Wording(
        "Your order {{ order_number }} from {{ organization_name }}",
        "Thank you, {{ customer_name }}.\n\nYour payment has arrived.\n\n{{ downloads }}\n\n"
        "{{ order }}\n\nThis is your receipt; please keep it.\n\n[Keep everything in one place]({{ library }})",
    ),
    "delivery": Wording(
        "Your download from {{ organization_name }}",
        "Hello {{ customer_name }},\n\nhere is what you can download now:\n\n{{ downloads }}\n\nShould a link expire "
        "before you get to it, the page behind it mails you a new one.\n\n"
        "[Keep everything in one place]({{ library }})",
    ),
    "refund": Wording(
        "Your refund for order {{ order_number }} from {{ organization_name }}",
        "Hello {{ customer_name }},\n\nwe have refunded **{{ refunded }}** of your order {{ order_number }}.\n\n"
        "The money goes back the way you paid. Banks usually show it within 5 to 10 working days.",
    ),
    "cancellation": Wording(
        "Your order {{ order_number }} from {{ organization_name }} has been cancelled",
        "Hello {{ customer_name }},\n\nyour order {{ order_number }} has been cancelled. Its downloads no longer "
        "work.\n\nOnce your payment is refunded, a separate e-mail tells you so, and the money goes back the way you "
        "paid. Banks usually show it within 5 to 10 working days.\n\n{{ order }}",
    ),
    "reminder": Wording(
        "{{ product }} is waiting for you",
        "Hello {{ customer_name }},\n\n**{{ product }}** is ready, and you have not opened it yet.\n\n"
        "{{ downloads }}\n\nHas something gone wrong? Just reply, and we will help.",
    ),
    "checkin": Wording(
        "How do you get on with {{ product }}?",
        "Hello {{ customer_name }},\n\nyou opened **{{ product }}** yesterday. Did everything work?\n\n"
        "If anything is missing or unclear, just reply to this mail. A person reads it.",
    ),
    "review": Wording(
        "What do you think of {{ product }}?",
        "Hello {{ customer_name }},\n\nyou have had **{{ product }}** for a while now. What did you like, and what "
        "should be better?\n\nJust reply with a sentence or two. It helps us, and whoever buys next.",
    ),
    "cross_sell": Wording(
        "Something that goes well with {{ product }}",
        "Hello {{ customer_name }},\n\nmany who have **{{ product }}** also like **{{ offered }}**.\n\n"
        "[Have a look]({{ link }})",
    ),
    "upsell": Wording(
        "The next step after {{ product }}",
        "Hello {{ customer_name }},\n\nif you would like to go further than **{{ product }}**, "
        "**{{ offered }}** is made for that.\n\n[Have a look]({{ link }})",
    ),
    "kickoff": Wording(
        "Let us begin: {{ product }}",
        "Hello {{ customer_name }},\n\nthank you for **{{ product }}**. We need a few answers from you, then we can "
        "begin. It takes some minutes.\n\n[Fill in the form]({{ link }})\n\n"
        "You may change your answers until we start.",
    ),
    "intake": Wording(
        "We are waiting for your answers: {{ product }}",
        "Hello {{ customer_name }},\n\nwe would like to begin with **{{ product }}**, and only your answers are "
        "missing.\n\n[Fill in the form]({{ link }})\n\nIs something unclear? Just reply to this mail.",
    ),
    "claim": Wording(
        "Your sign-in link for {{ organization_name }}",
        "Hello {{ customer_name }},\n\nhere is the link to your library at {{ organization_name }}. It works once, "
        "for {{ minutes }} minutes.\n\n[Open my library]({{ link }})",
    ),
    "invitation": Wording(
        "Your library at {{ organization_name }}",
        "Hello {{ customer_name }},\n\nwhat you bought from {{ organization_name }} waits in your library, in every "
        "format and with every new version: **{{ products }}**.\n\nNo password "
        "needed.\n\n[Go to my library]({{ link }})",
    ),
    "claim_reminder": Wording(
        "Your purchase from {{ organization_name }} is waiting for you",
        "Hello {{ customer_name }},\n\nthis is waiting in your library at {{ organization_name }}: "
        "**{{ products }}**.\n\nLinks in our mails end; your library does not. No password "
        "needed.\n\n[Go to my library]({{ link }})",
    ),
    "address_code": Wording(
        "Your code for {{ organization_name }}",
        "Type these digits into your library at {{ organization_name }} to add this address:\n\n{{ code }}\n\nThey "
        "work for {{ minutes }} minutes.",
    ),
    "email_change": Wording(
        "Confirm your new address at {{ organization_name }}",
        "Mail from {{ organization_name }} is to go to this address from now on. This is your "
        "code:\n\n{{ code }}\n\nType it on this page within {{ hours }} hours.\n\n[Enter the code]({{ link }})",
    ),
    "email_change_notice": Wording(
        "Your address at {{ organization_name }} is being changed",
        "Hello {{ customer_name }},\n\nmail from {{ organization_name }} is to go to another address instead of this "
        "one. {{ begun }}\n\nIf that is right, there is nothing to do. Was it not you? Then stop it: the button leads "
        "to a page where you can.\n\n[This was not me]({{ link }})",
    ),
}
