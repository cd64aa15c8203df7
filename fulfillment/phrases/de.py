"""The built-in words of mails in German."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fulfillment.wordings import Wording

FRAME: Final[Mapping[str, str]] = {
    "question": "Noch eine Frage? Schreiben Sie an {{ support_email }}.",
    "question_reply": "Noch eine Frage? Antworten Sie einfach auf diese E-Mail.",
    "because": "{{ organization_name }} schreibt Ihnen wegen Ihrer Bestellung {{ order_number }}.",
    "because_given": "{{ organization_name }} schreibt Ihnen wegen etwas, das Sie bekommen haben.",
    "unsubscribe": "Keine solchen E-Mails mehr",
    "copy": "Falls die Schaltfläche nicht funktioniert, kopieren Sie diese Adresse:",
    "open_download": "Download öffnen",
    "until": "Gültig bis {{ until }}.",
    "order": "Bestellung {{ order_number }}, {{ date }}",
    "total": "Summe",
}
MAILS: Final[Mapping[str, Wording]] = {
    "receipt": Wording(
        "Ihre Bestellung {{ order_number }} bei {{ organization_name }}",
        "Vielen Dank, {{ customer_name }}.\n\nIhre Zahlung ist eingegangen. Das haben Sie gekauft:\n\n"
        "{{ downloads }}\n\n{{ order }}\n\nDies ist Ihr Beleg; bitte bewahren Sie ihn auf.\n\n"
        "[Alles an einem Ort aufbewahren]({{ library }})",
    ),
    "delivery": Wording(
        "Ihr Download von {{ organization_name }}",
        "Guten Tag {{ customer_name }},\n\nhier ist er:\n\n{{ downloads }}\n\n"
        "[Alles an einem Ort aufbewahren]({{ library }})",
    ),
    "refund": Wording(
        "Ihre Erstattung zur Bestellung {{ order_number }} bei {{ organization_name }}",
        "Guten Tag {{ customer_name }},\n\nwir haben **{{ refunded }}** Ihrer Bestellung {{ order_number }} "
        "erstattet.\n\nDas Geld kommt auf dem Weg zurück, auf dem Sie bezahlt haben. Meist ist es nach 5 bis 10 "
        "Werktagen da.",
    ),
    "cancellation": Wording(
        "Ihre Bestellung {{ order_number }} bei {{ organization_name }} wurde storniert",
        "Guten Tag {{ customer_name }},\n\nIhre Bestellung {{ order_number }} wurde storniert. Die Downloads "
        "funktionieren nicht mehr.\n\n{{ order }}",
    ),
    "reminder": Wording(
        "{{ product }} wartet auf Sie",
        "Guten Tag {{ customer_name }},\n\n**{{ product }}** liegt bereit, und Sie haben es noch nicht geöffnet.\n\n"
        "{{ downloads }}\n\nHat etwas nicht geklappt? Antworten Sie einfach, wir helfen gern.",
    ),
    "checkin": Wording(
        "Kommen Sie gut zurecht mit {{ product }}?",
        "Guten Tag {{ customer_name }},\n\ngestern haben Sie **{{ product }}** geöffnet. Hat alles geklappt?\n\n"
        "Falls etwas fehlt oder unklar ist, antworten Sie einfach auf diese E-Mail. Ein Mensch liest sie.",
    ),
    "review": Wording(
        "Wie gefällt Ihnen {{ product }}?",
        "Guten Tag {{ customer_name }},\n\nSie haben **{{ product }}** nun eine Weile. Was gefällt Ihnen, und was "
        "könnte besser sein?\n\nAntworten Sie einfach mit ein, zwei Sätzen. Das hilft uns und allen, die nach Ihnen "
        "kommen.",
    ),
    "cross_sell": Wording(
        "Das passt gut zu {{ product }}",
        "Guten Tag {{ customer_name }},\n\nvielen, die **{{ product }}** haben, gefällt auch **{{ offered }}**.\n\n"
        "[Ansehen]({{ link }})",
    ),
    "upsell": Wording(
        "Der nächste Schritt nach {{ product }}",
        "Guten Tag {{ customer_name }},\n\nwenn Sie über **{{ product }}** hinaus weitergehen möchten: "
        "**{{ offered }}** ist dafür gemacht.\n\n[Ansehen]({{ link }})",
    ),
    "kickoff": Wording(
        "Es kann losgehen: {{ product }}",
        "Guten Tag {{ customer_name }},\n\nvielen Dank für **{{ product }}**. Wir brauchen noch ein paar Angaben von "
        "Ihnen, dann können wir beginnen. Es dauert nur wenige Minuten.\n\n[Formular ausfüllen]({{ link }})\n\n"
        "Sie können Ihre Angaben ändern, bis wir anfangen.",
    ),
    "intake": Wording(
        "Wir warten noch auf Ihre Angaben: {{ product }}",
        "Guten Tag {{ customer_name }},\n\nwir möchten gern mit **{{ product }}** beginnen, es fehlen nur noch Ihre "
        "Angaben.\n\n[Formular ausfüllen]({{ link }})\n\nIst etwas unklar? Antworten Sie einfach auf diese E-Mail.",
    ),
}
