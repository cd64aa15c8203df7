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
    "reference": "Referencia {{ reference }}",
    "preparing": (
        "Su pedido se está preparando y no tiene que hacer nada: si incluye una descarga, el enlace llegará a "
        "esta dirección en cuanto esté listo."
    ),
    "because_claim": (
        "Alguien ha pedido este enlace a {{ organization_name }}. ¿No ha sido usted? Entonces no tiene que hacer "
        "nada: nadie entra sin este correo."
    ),
    "because_invitation": "{{ organization_name }} le escribe por su compra.",
    "because_claim_reminder": (
        "{{ organization_name }} le escribe por su compra. Le enviaremos como máximo dos recordatorios."
    ),
    "because_address_code": (
        "Alguien ha escrito esta dirección en {{ organization_name }}. ¿No ha sido usted? Entonces no tiene que hacer "
        "nada."
    ),
    "because_email_change": (
        "Alguien ha pedido a {{ organization_name }} que escriba a esta dirección. ¿No ha sido usted? Entonces no "
        "tiene que hacer nada."
    ),
    "because_email_change_notice": "{{ organization_name }} le escribe para proteger sus compras.",
    "begun_by_customer": "Se ha pedido en su biblioteca.",
    "begun_by_staff": "Nuestro equipo lo ha iniciado a petición de alguien.",
}
MAILS: Final[Mapping[str, Wording]] = {
    "receipt": Wording(
        "Su pedido {{ order_number }} de {{ organization_name }}",
        "Gracias, {{ customer_name }}.\n\nHemos recibido su pago.\n\n{{ downloads }}\n\n"
        "{{ order }}\n\nEste es su recibo; consérvelo.\n\n[Guardarlo todo en un solo lugar]({{ library }})",
    ),
    "delivery": Wording(
        "Su descarga de {{ organization_name }}",
        "Hola, {{ customer_name }}:\n\nesto es lo que ya puede descargar:\n\n{{ downloads }}\n\n"
        "Si un enlace caduca antes de que lo use, la página que hay detrás le enviará uno nuevo.\n\n"
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
        "funcionan.\n\nCuando se reembolse su pago, se lo diremos en otro correo, y el dinero volverá por el mismo "
        "medio con el que pagó. Los bancos suelen mostrarlo en 5 a 10 días laborables.\n\n{{ order }}",
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
    "claim": Wording(
        "Su enlace de acceso a {{ organization_name }}",
        "Hola, {{ customer_name }}:\n\naquí tiene el enlace a su biblioteca de {{ organization_name }}. Funciona una "
        "sola vez, durante {{ minutes }} minutos.\n\n[Abrir mi biblioteca]({{ link }})",
    ),
    "invitation": Wording(
        "Su biblioteca de {{ organization_name }}",
        "Hola, {{ customer_name }}:\n\nlo que ha comprado en {{ organization_name }} le espera en su biblioteca, en "
        "todos los formatos y con cada nueva versión: **{{ products }}**.\n\nNo necesita "
        "contraseña.\n\n[Ir a mi biblioteca]({{ link }})",
    ),
    "claim_reminder": Wording(
        "Su compra en {{ organization_name }} le está esperando",
        "Hola, {{ customer_name }}:\n\nesto le espera en su biblioteca de {{ organization_name }}: "
        "**{{ products }}**.\n\nLos enlaces de nuestros correos caducan; su biblioteca, no. No necesita "
        "contraseña.\n\n[Ir a mi biblioteca]({{ link }})",
    ),
    "address_code": Wording(
        "Su código para {{ organization_name }}",
        "Escriba estos dígitos en su biblioteca de {{ organization_name }} para añadir esta "
        "dirección:\n\n{{ code }}\n\nSon válidos durante {{ minutes }} minutos.",
    ),
    "email_change": Wording(
        "Confirme su nueva dirección en {{ organization_name }}",
        "En adelante, los correos de {{ organization_name }} deben llegar a esta dirección. Este es su "
        "código:\n\n{{ code }}\n\nEscríbalo en esta página en un plazo de {{ hours }} horas.\n\n[Introducir el "
        "código]({{ link }})",
    ),
    "email_change_notice": Wording(
        "Se está cambiando su dirección en {{ organization_name }}",
        "Hola, {{ customer_name }}:\n\nen adelante, los correos de {{ organization_name }} deben llegar a otra "
        "dirección en lugar de a esta. {{ begun }}\n\nSi es correcto, no tiene que hacer nada. ¿No ha sido usted? "
        "Entonces detenga el cambio: el botón lleva a una página donde puede hacerlo.\n\n[No he sido yo]({{ link }})",
    ),
}
