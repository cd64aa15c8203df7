"""The built-in words of mails in Spanish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fulfillment.wordings import Wording

FRAME: Final[Mapping[str, str]] = {
    "question": "¿Alguna pregunta? Escriba a {{ support_email }}.",
    "question_reply": "¿Alguna pregunta? Responda a este correo.",
    "because": "{{ organization_name }} le escribe por su pedido {{ order_number }}.",
    "because_given": "{{ organization_name }} le escribe por algo que ha recibido.",
    "unsubscribe": "No quiero más correos como este",
    "copy": "Si el botón no funciona, copie esta dirección:",
    "open_download": "Abrir la descarga",
    "until": "Válido hasta el {{ until }}.",
    "order": "Pedido {{ order_number }}, {{ date }}",
    "total": "Total",
}
MAILS: Final[Mapping[str, Wording]] = {
    "receipt": Wording(
        "Su pedido {{ order_number }} de {{ organization_name }}",
        "Gracias, {{ customer_name }}.\n\nHemos recibido su pago. Esto es lo que ha comprado:\n\n{{ downloads }}\n\n"
        "{{ order }}\n\nEste es su recibo; consérvelo.\n\n[Guardarlo todo en un solo lugar]({{ library }})",
    ),
    "delivery": Wording(
        "Su descarga de {{ organization_name }}",
        "Hola, {{ customer_name }}:\n\naquí la tiene:\n\n{{ downloads }}\n\n"
        "[Guardarlo todo en un solo lugar]({{ library }})",
    ),
    "refund": Wording(
        "Su reembolso del pedido {{ order_number }} de {{ organization_name }}",
        "Hola, {{ customer_name }}:\n\nhemos reembolsado **{{ refunded }}** de su pedido {{ order_number }}.\n\n"
        "El dinero vuelve por el mismo medio con el que pagó. Los bancos suelen mostrarlo en 5 a 10 días laborables.",
    ),
    "cancellation": Wording(
        "Su pedido {{ order_number }} de {{ organization_name }} ha sido cancelado",
        "Hola, {{ customer_name }}:\n\nsu pedido {{ order_number }} ha sido cancelado. Sus descargas ya no "
        "funcionan.\n\n{{ order }}",
    ),
    "reminder": Wording(
        "{{ product }} le está esperando",
        "Hola, {{ customer_name }}:\n\n**{{ product }}** está listo y todavía no lo ha abierto.\n\n"
        "{{ downloads }}\n\n¿Algo no ha funcionado? Responda a este correo y le ayudaremos.",
    ),
    "checkin": Wording(
        "¿Qué tal con {{ product }}?",
        "Hola, {{ customer_name }}:\n\nayer abrió **{{ product }}**. ¿Ha funcionado todo?\n\n"
        "Si falta algo o no está claro, responda a este correo. Lo lee una persona.",
    ),
    "review": Wording(
        "¿Qué le parece {{ product }}?",
        "Hola, {{ customer_name }}:\n\nya hace un tiempo que tiene **{{ product }}**. ¿Qué le ha gustado y qué "
        "podría ser mejor?\n\nResponda con una o dos frases. Nos ayuda a nosotros y a quienes compren después.",
    ),
    "cross_sell": Wording(
        "Algo que va bien con {{ product }}",
        "Hola, {{ customer_name }}:\n\na muchos de los que tienen **{{ product }}** también les gusta "
        "**{{ offered }}**.\n\n[Echar un vistazo]({{ link }})",
    ),
    "upsell": Wording(
        "El siguiente paso después de {{ product }}",
        "Hola, {{ customer_name }}:\n\nsi quiere ir más allá de **{{ product }}**, **{{ offered }}** está hecho para "
        "eso.\n\n[Echar un vistazo]({{ link }})",
    ),
    "kickoff": Wording(
        "Empecemos: {{ product }}",
        "Hola, {{ customer_name }}:\n\ngracias por **{{ product }}**. Necesitamos algunas respuestas suyas y después "
        "podremos empezar. Son solo unos minutos.\n\n[Rellenar el formulario]({{ link }})\n\n"
        "Puede cambiar sus respuestas hasta que empecemos.",
    ),
    "intake": Wording(
        "Esperamos sus respuestas: {{ product }}",
        "Hola, {{ customer_name }}:\n\nnos gustaría empezar con **{{ product }}** y solo faltan sus respuestas.\n\n"
        "[Rellenar el formulario]({{ link }})\n\n¿Hay algo que no esté claro? Responda a este correo.",
    ),
}
