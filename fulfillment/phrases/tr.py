"""The built-in words of mails in Turkish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fulfillment.wordings import Wording

FRAME: Final[Mapping[str, str]] = {
    "question": "Bir sorunuz mu var? {{ support_email }} adresine yazın.",
    "question_reply": "Bir sorunuz mu var? Bu e-postayı yanıtlayın.",
    "because": "{{ organization_name }} size {{ order_number }} numaralı siparişiniz nedeniyle yazıyor.",
    "because_given": "{{ organization_name }} size verilen bir ürün nedeniyle yazıyor.",
    "unsubscribe": "Böyle e-postalar almak istemiyorum",
    "copy": "Düğme çalışmazsa bu adresi kopyalayın:",
    "open_download": "İndirmeyi aç",
    "until": "Son geçerlilik: {{ until }}.",
    "order": "Sipariş {{ order_number }}, {{ date }}",
    "total": "Toplam",
    "reference": "Referans: {{ reference }}",
    "preparing": (
        "Siparişiniz hazırlanıyor, yapmanız gereken bir şey yok: İçinde bir indirme varsa bağlantısı hazır olur "
        "olmaz bu adrese gelir."
    ),
    "because_claim": (
        "Birisi bu bağlantıyı {{ organization_name }} üzerinden istedi. Siz değil miydiniz? O zaman yapmanız gereken "
        "bir şey yok: bu e-posta olmadan kimse giremez."
    ),
    "because_invitation": "{{ organization_name }} size alışverişiniz nedeniyle yazıyor.",
    "because_claim_reminder": (
        "{{ organization_name }} size alışverişiniz nedeniyle yazıyor. En fazla iki kez hatırlatırız."
    ),
    "because_address_code": (
        "Birisi bu adresi {{ organization_name }} sitesinde girdi. Siz değil miydiniz? O zaman yapmanız gereken bir "
        "şey yok."
    ),
    "because_email_change": (
        "Birisi {{ organization_name }} e-postalarının bu adrese gönderilmesini istedi. Siz değil miydiniz? O zaman "
        "yapmanız gereken bir şey yok."
    ),
    "because_email_change_notice": "{{ organization_name }} size satın aldıklarınızı korumak için yazıyor.",
    "begun_by_customer": "Bu istek kitaplığınızdan yapıldı.",
    "begun_by_staff": "Değişikliği bir istek üzerine ekibimiz başlattı.",
}
MAILS: Final[Mapping[str, Wording]] = {
    "receipt": Wording(
        "{{ organization_name }} siparişiniz: {{ order_number }}",
        "Teşekkür ederiz, {{ customer_name }}.\n\nÖdemeniz ulaştı.\n\n{{ downloads }}\n\n"
        "{{ order }}\n\nBu sizin makbuzunuzdur; lütfen saklayın.\n\n[Hepsini tek yerde saklayın]({{ library }})",
    ),
    "delivery": Wording(
        "{{ organization_name }} indirmeniz hazır",
        "Merhaba {{ customer_name }},\n\nşimdi indirebilecekleriniz:\n\n{{ downloads }}\n\n"
        "Bir bağlantının süresi siz kullanmadan dolarsa, açtığı sayfa size yenisini gönderir.\n\n"
        "[Hepsini tek yerde saklayın]({{ library }})",
    ),
    "refund": Wording(
        "{{ organization_name }}: {{ order_number }} numaralı siparişinizin iadesi",
        "Merhaba {{ customer_name }},\n\n{{ order_number }} numaralı siparişiniz için **{{ refunded }}** iade ettik."
        "\n\nPara, ödediğiniz yolla geri gelir. Bankalar bunu genellikle 5 ila 10 iş günü içinde gösterir.",
    ),
    "cancellation": Wording(
        "{{ organization_name }}: {{ order_number }} numaralı siparişiniz iptal edildi",
        "Merhaba {{ customer_name }},\n\n{{ order_number }} numaralı siparişiniz iptal edildi. İndirmeleri artık "
        "çalışmıyor.\n\nÖdemeniz iade edildiğinde bunu ayrı bir e-postayla bildiririz; para, ödediğiniz yolla geri "
        "gelir. Bankalar bunu genellikle 5 ila 10 iş günü içinde gösterir.\n\n{{ order }}",
    ),
    "reminder": Wording(
        "{{ product }} sizi bekliyor",
        "Merhaba {{ customer_name }},\n\n**{{ product }}** hazır, ama henüz açmadınız.\n\n"
        "{{ downloads }}\n\nBir sorun mu oldu? Bu e-postayı yanıtlayın, yardımcı olalım.",
    ),
    "checkin": Wording(
        "{{ product }} nasıl gidiyor?",
        "Merhaba {{ customer_name }},\n\ndün **{{ product }}** ürününü açtınız. Her şey yolunda mı?\n\n"
        "Eksik ya da anlaşılmayan bir şey varsa bu e-postayı yanıtlayın. Yanıtınızı bir insan okur.",
    ),
    "review": Wording(
        "{{ product }} hakkında ne düşünüyorsunuz?",
        "Merhaba {{ customer_name }},\n\n**{{ product }}** bir süredir sizde. Neyi beğendiniz, ne daha iyi "
        "olabilirdi?\n\nBir iki cümleyle yanıtlamanız yeter. Hem bize hem de sizden sonra alacaklara yardımcı olur.",
    ),
    "cross_sell": Wording(
        "{{ product }} ile iyi giden bir şey",
        "Merhaba {{ customer_name }},\n\n**{{ product }}** alanların çoğu **{{ offered }}** ürününü de beğeniyor.\n\n"
        "[Göz atın]({{ link }})",
    ),
    "upsell": Wording(
        "{{ product }} sonrasındaki adım",
        "Merhaba {{ customer_name }},\n\n**{{ product }}** ürününden sonra bir adım ileri gitmek isterseniz "
        "**{{ offered }}** bunun için hazırlandı.\n\n[Göz atın]({{ link }})",
    ),
    "kickoff": Wording(
        "Başlayalım: {{ product }}",
        "Merhaba {{ customer_name }},\n\n**{{ product }}** için teşekkür ederiz. Sizden birkaç yanıt almamız "
        "gerekiyor, sonra başlayabiliriz. Yalnızca birkaç dakika sürer.\n\n[Formu doldurun]({{ link }})\n\n"
        "Biz başlayana kadar yanıtlarınızı değiştirebilirsiniz.",
    ),
    "intake": Wording(
        "Yanıtlarınızı bekliyoruz: {{ product }}",
        "Merhaba {{ customer_name }},\n\n**{{ product }}** için başlamak istiyoruz, yalnızca yanıtlarınız eksik.\n\n"
        "[Formu doldurun]({{ link }})\n\nAnlaşılmayan bir şey mi var? Bu e-postayı yanıtlayın.",
    ),
    "claim": Wording(
        "{{ organization_name }} giriş bağlantınız",
        "Merhaba {{ customer_name }},\n\n{{ organization_name }} kitaplığınızın bağlantısı burada. Yalnızca bir kez "
        "ve {{ minutes }} dakika boyunca çalışır.\n\n[Kitaplığımı aç]({{ link }})",
    ),
    "invitation": Wording(
        "{{ organization_name }} kitaplığınız",
        "Merhaba {{ customer_name }},\n\n{{ organization_name }} alışverişlerinizde satın aldıklarınız, her biçimde "
        "ve her yeni sürümüyle kitaplığınızda sizi bekliyor: **{{ products }}**.\n\nParola "
        "gerekmez.\n\n[Kitaplığıma git]({{ link }})",
    ),
    "claim_reminder": Wording(
        "{{ organization_name }} alışverişiniz sizi bekliyor",
        "Merhaba {{ customer_name }},\n\n{{ organization_name }} kitaplığınızda sizi bekleyenler: "
        "**{{ products }}**.\n\nE-postalarımızdaki bağlantıların süresi dolar; kitaplığınızın dolmaz. Parola "
        "gerekmez.\n\n[Kitaplığıma git]({{ link }})",
    ),
    "address_code": Wording(
        "{{ organization_name }} kodunuz",
        "Bu adresi eklemek için şu rakamları {{ organization_name }} kitaplığınıza "
        "yazın:\n\n{{ code }}\n\n{{ minutes }} dakika boyunca geçerlidir.",
    ),
    "email_change": Wording(
        "{{ organization_name }}: yeni adresinizi onaylayın",
        "{{ organization_name }} e-postalarının bundan böyle bu adrese gönderilmesi istendi. "
        "Kodunuz:\n\n{{ code }}\n\nKodu {{ hours }} saat içinde bu sayfada girin.\n\n[Kodu gir]({{ link }})",
    ),
    "email_change_notice": Wording(
        "{{ organization_name }}: adresiniz değiştiriliyor",
        "Merhaba {{ customer_name }},\n\n{{ organization_name }} e-postalarının bundan böyle bu adres yerine başka "
        "bir adrese gönderilmesi istendi. {{ begun }}\n\nBu doğruysa yapmanız gereken bir şey yok. Siz istemediyseniz "
        "değişikliği durdurun: düğme, bunu yapabileceğiniz bir sayfaya götürür.\n\n[Bunu ben istemedim]({{ link }})",
    ),
}
