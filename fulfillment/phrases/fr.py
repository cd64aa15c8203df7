"""The built-in words of mails in French."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fulfillment.wordings import Wording

FRAME: Final[Mapping[str, str]] = {
    "question": "Une question ? Écrivez à {{ support_email }}.",
    "question_reply": "Une question ? Répondez à cet e-mail.",
    "because": "{{ organization_name }} vous écrit au sujet de votre commande {{ order_number }}.",
    "because_given": "{{ organization_name }} vous écrit au sujet de quelque chose que vous avez reçu.",
    "unsubscribe": "Ne plus recevoir d’e-mails de ce genre",
    "copy": "Si le bouton ne fonctionne pas, copiez cette adresse :",
    "open_download": "Ouvrir le téléchargement",
    "until": "Valable jusqu’au {{ until }}.",
    "order": "Commande {{ order_number }}, {{ date }}",
    "total": "Total",
    "reference": "Référence {{ reference }}",
    "preparing": (
        "Votre commande est en préparation et vous n’avez rien à faire : si elle comprend un téléchargement, le "
        "lien arrivera à cette adresse dès qu’il sera prêt."
    ),
    "because_claim": (
        "Quelqu’un a demandé ce lien à {{ organization_name }}. Ce n’était pas vous ? Alors vous n’avez rien à faire "
        ": personne n’entre sans cet e-mail."
    ),
    "because_invitation": "{{ organization_name }} vous écrit au sujet de votre achat.",
    "because_claim_reminder": (
        "{{ organization_name }} vous écrit au sujet de votre achat. Vous recevrez deux rappels au plus."
    ),
    "because_address_code": (
        "Quelqu’un a saisi cette adresse chez {{ organization_name }}. Ce n’était pas vous ? Alors vous n’avez rien à "
        "faire."
    ),
    "because_email_change": (
        "Quelqu’un a demandé à {{ organization_name }} d’écrire à cette adresse. Ce n’était pas vous ? Alors vous "
        "n’avez rien à faire."
    ),
    "because_email_change_notice": "{{ organization_name }} vous écrit pour protéger vos achats.",
    "begun_by_customer": "La demande a été faite dans votre bibliothèque.",
    "begun_by_staff": "Notre équipe a lancé ce changement à la demande de quelqu’un.",
}
MAILS: Final[Mapping[str, Wording]] = {
    "receipt": Wording(
        "Votre commande {{ order_number }} chez {{ organization_name }}",
        "Merci, {{ customer_name }}.\n\nVotre paiement nous est bien parvenu.\n\n"
        "{{ downloads }}\n\n{{ order }}\n\nCeci est votre reçu ; conservez-le.\n\n"
        "[Tout garder au même endroit]({{ library }})",
    ),
    "delivery": Wording(
        "Votre téléchargement de {{ organization_name }}",
        "Bonjour {{ customer_name }},\n\nvoici ce que vous pouvez télécharger maintenant :\n\n{{ downloads }}\n\n"
        "Si un lien expire avant que vous ne l’utilisiez, la page correspondante vous en enverra un nouveau.\n\n"
        "[Tout garder au même endroit]({{ library }})",
    ),
    "refund": Wording(
        "Votre remboursement pour la commande {{ order_number }} chez {{ organization_name }}",
        "Bonjour {{ customer_name }},\n\nnous avons remboursé **{{ refunded }}** de votre commande "
        "{{ order_number }}.\n\nL’argent revient par le moyen de paiement utilisé. Il apparaît en général sous 5 à "
        "10 jours ouvrés.",
    ),
    "cancellation": Wording(
        "Votre commande {{ order_number }} chez {{ organization_name }} a été annulée",
        "Bonjour {{ customer_name }},\n\nvotre commande {{ order_number }} a été annulée. Ses téléchargements ne "
        "fonctionnent plus.\n\nDès que votre paiement sera remboursé, un autre e-mail vous le dira, et l’argent "
        "reviendra par le moyen de paiement utilisé. Il apparaît en général sous 5 à 10 jours ouvrés."
        "\n\n{{ order }}",
    ),
    "reminder": Wording(
        "{{ product }} vous attend",
        "Bonjour {{ customer_name }},\n\n**{{ product }}** est prêt, et vous ne l’avez pas encore ouvert.\n\n"
        "{{ downloads }}\n\nUn problème ? Répondez à cet e-mail et nous vous aiderons.",
    ),
    "checkin": Wording(
        "Tout va bien avec {{ product }} ?",
        "Bonjour {{ customer_name }},\n\nvous avez ouvert **{{ product }}** hier. Tout a-t-il bien fonctionné ?\n\n"
        "S’il manque quelque chose ou si un point n’est pas clair, répondez à cet e-mail. Une vraie personne le lit.",
    ),
    "review": Wording(
        "Que pensez-vous de {{ product }} ?",
        "Bonjour {{ customer_name }},\n\nvous avez **{{ product }}** depuis quelque temps. Qu’avez-vous aimé, et que "
        "pourrions-nous améliorer ?\n\nRépondez en une phrase ou deux. Cela nous aide, ainsi que les prochains "
        "acheteurs.",
    ),
    "cross_sell": Wording(
        "Ce qui va bien avec {{ product }}",
        "Bonjour {{ customer_name }},\n\nbeaucoup de ceux qui ont **{{ product }}** aiment aussi **{{ offered }}**.\n\n"
        "[Y jeter un œil]({{ link }})",
    ),
    "upsell": Wording(
        "L’étape suivante après {{ product }}",
        "Bonjour {{ customer_name }},\n\nsi vous souhaitez aller plus loin que **{{ product }}**, **{{ offered }}** "
        "est fait pour cela.\n\n[Y jeter un œil]({{ link }})",
    ),
    "kickoff": Wording(
        "Commençons : {{ product }}",
        "Bonjour {{ customer_name }},\n\nmerci pour **{{ product }}**. Il nous faut quelques réponses de votre part, "
        "puis nous pourrons commencer. Cela prend quelques minutes.\n\n[Remplir le formulaire]({{ link }})\n\n"
        "Vous pouvez modifier vos réponses jusqu’à ce que nous commencions.",
    ),
    "intake": Wording(
        "Nous attendons vos réponses : {{ product }}",
        "Bonjour {{ customer_name }},\n\nnous aimerions commencer **{{ product }}** ; il ne manque que vos "
        "réponses.\n\n[Remplir le formulaire]({{ link }})\n\nUn point n’est pas clair ? Répondez à cet e-mail.",
    ),
    "claim": Wording(
        "Votre lien de connexion pour {{ organization_name }}",
        "Bonjour {{ customer_name }},\n\nvoici le lien vers votre bibliothèque chez {{ organization_name }}. Il "
        "fonctionne une seule fois, pendant {{ minutes }} minutes.\n\n[Ouvrir ma bibliothèque]({{ link }})",
    ),
    "invitation": Wording(
        "Votre bibliothèque chez {{ organization_name }}",
        "Bonjour {{ customer_name }},\n\nce que vous avez acheté chez {{ organization_name }} vous attend dans votre "
        "bibliothèque, dans tous les formats et avec chaque nouvelle version : **{{ products }}**.\n\nAucun mot de "
        "passe n’est nécessaire.\n\n[Aller à ma bibliothèque]({{ link }})",
    ),
    "claim_reminder": Wording(
        "Votre achat chez {{ organization_name }} vous attend",
        "Bonjour {{ customer_name }},\n\nvoici ce qui vous attend dans votre bibliothèque chez "
        "{{ organization_name }} : **{{ products }}**.\n\nLes liens de nos e-mails expirent ; votre bibliothèque "
        "reste. Aucun mot de passe n’est nécessaire.\n\n[Aller à ma bibliothèque]({{ link }})",
    ),
    "address_code": Wording(
        "Votre code pour {{ organization_name }}",
        "Saisissez ces chiffres dans votre bibliothèque chez {{ organization_name }} pour ajouter cette adresse "
        ":\n\n{{ code }}\n\nIls sont valables {{ minutes }} minutes.",
    ),
    "email_change": Wording(
        "Confirmez votre nouvelle adresse chez {{ organization_name }}",
        "Les e-mails envoyés par {{ organization_name }} doivent désormais arriver à cette adresse. Voici votre code "
        ":\n\n{{ code }}\n\nSaisissez-le sur cette page dans les {{ hours }} heures.\n\n[Saisir le code]({{ link }})",
    ),
    "email_change_notice": Wording(
        "Votre adresse chez {{ organization_name }} est en cours de modification",
        "Bonjour {{ customer_name }},\n\nles e-mails envoyés par {{ organization_name }} doivent désormais arriver à "
        "une autre adresse que celle-ci. {{ begun }}\n\nSi c’est bien ce que vous souhaitez, vous n’avez rien à "
        "faire. Ce n’était pas vous ? Alors arrêtez le changement : le bouton mène à une page qui le permet.\n\n[Ce "
        "n’était pas moi]({{ link }})",
    ),
}
