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
    "reference": "Referenz {{ reference }}",
    "preparing": (
        "Ihre Bestellung wird vorbereitet, Sie brauchen nichts zu tun: Gehört ein Download dazu, kommt der Link "
        "an diese Adresse, sobald er bereit ist."
    ),
    "because_claim": (
        "Jemand hat {{ organization_name }} um diesen Link gebeten. Waren Sie das nicht? Dann brauchen Sie nichts zu "
        "tun: Ohne diese E-Mail kommt niemand hinein."
    ),
    "because_invitation": "{{ organization_name }} schreibt Ihnen wegen Ihres Kaufs.",
    "because_claim_reminder": (
        "{{ organization_name }} schreibt Ihnen wegen Ihres Kaufs. Wir erinnern Sie höchstens zweimal."
    ),
    "because_address_code": (
        "Jemand hat diese Adresse bei {{ organization_name }} eingegeben. Waren Sie das nicht? Dann brauchen Sie "
        "nichts zu tun."
    ),
    "because_email_change": (
        "Jemand hat {{ organization_name }} gebeten, an diese Adresse zu schreiben. Waren Sie das nicht? Dann "
        "brauchen Sie nichts zu tun."
    ),
    "because_email_change_notice": "{{ organization_name }} schreibt Ihnen, damit Ihre Käufe sicher sind.",
    "begun_by_customer": "Darum wurde in Ihrer Bibliothek gebeten.",
    "begun_by_staff": "Unser Team hat das auf eine Anfrage hin begonnen.",
}
MAILS: Final[Mapping[str, Wording]] = {
    "receipt": Wording(
        "Ihre Bestellung {{ order_number }} bei {{ organization_name }}",
        "Vielen Dank, {{ customer_name }}.\n\nIhre Zahlung ist eingegangen.\n\n"
        "{{ downloads }}\n\n{{ order }}\n\nDies ist Ihr Beleg; bitte bewahren Sie ihn auf.\n\n"
        "[Alles an einem Ort aufbewahren]({{ library }})",
    ),
    "delivery": Wording(
        "Ihr Download von {{ organization_name }}",
        "Guten Tag {{ customer_name }},\n\ndas können Sie jetzt herunterladen:\n\n{{ downloads }}\n\n"
        "Sollte ein Link ablaufen, bevor Sie dazu kommen, schickt Ihnen die Seite dahinter einen neuen.\n\n"
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
        "funktionieren nicht mehr.\n\nSobald Ihre Zahlung erstattet ist, sagt Ihnen das eine eigene E-Mail, und das "
        "Geld kommt auf dem Weg zurück, auf dem Sie bezahlt haben. Meist ist es nach 5 bis 10 Werktagen da."
        "\n\n{{ order }}",
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
    "claim": Wording(
        "Ihr Anmeldelink für {{ organization_name }}",
        "Guten Tag {{ customer_name }},\n\nhier ist der Link zu Ihrer Bibliothek bei {{ organization_name }}. Er "
        "funktioniert nur einmal, {{ minutes }} Minuten lang.\n\n[Meine Bibliothek öffnen]({{ link }})",
    ),
    "invitation": Wording(
        "Ihre Bibliothek bei {{ organization_name }}",
        "Guten Tag {{ customer_name }},\n\nwas Sie bei {{ organization_name }} gekauft haben, liegt in Ihrer "
        "Bibliothek bereit, in jedem Format und mit jeder neuen Version: **{{ products }}**.\n\nEin Passwort brauchen "
        "Sie nicht.\n\n[Zu meiner Bibliothek]({{ link }})",
    ),
    "claim_reminder": Wording(
        "Ihr Kauf bei {{ organization_name }} wartet auf Sie",
        "Guten Tag {{ customer_name }},\n\nin Ihrer Bibliothek bei {{ organization_name }} liegt für Sie bereit: "
        "**{{ products }}**.\n\nDie Links in unseren E-Mails laufen ab, Ihre Bibliothek bleibt. Ein Passwort brauchen "
        "Sie nicht.\n\n[Zu meiner Bibliothek]({{ link }})",
    ),
    "address_code": Wording(
        "Ihr Code für {{ organization_name }}",
        "Geben Sie diese Ziffern in Ihrer Bibliothek bei {{ organization_name }} ein, um diese Adresse "
        "hinzuzufügen:\n\n{{ code }}\n\nSie gelten {{ minutes }} Minuten lang.",
    ),
    "email_change": Wording(
        "Bestätigen Sie Ihre neue Adresse bei {{ organization_name }}",
        "E-Mails von {{ organization_name }} sollen künftig an diese Adresse gehen. Das ist Ihr "
        "Code:\n\n{{ code }}\n\nGeben Sie ihn innerhalb von {{ hours }} Stunden auf dieser Seite ein.\n\n[Code "
        "eingeben]({{ link }})",
    ),
    "email_change_notice": Wording(
        "Ihre Adresse bei {{ organization_name }} wird geändert",
        "Guten Tag {{ customer_name }},\n\nE-Mails von {{ organization_name }} sollen künftig nicht mehr an diese, "
        "sondern an eine andere Adresse gehen. {{ begun }}\n\nWenn das so stimmt, brauchen Sie nichts zu tun. Waren "
        "Sie das nicht? Dann halten Sie die Änderung auf: Die Schaltfläche führt zu einer Seite, auf der das "
        "geht.\n\n[Das war ich nicht]({{ link }})",
    ),
}
