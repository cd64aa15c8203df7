"""The desk's dialog about conversations: the words, the labels, and how long texts are kept."""

from attribution import enquiries
from attribution.models import Message
from profiles.models import Organization
from tests import talks
from tests.desk import Desk, Sign
from tests.stage import sample


def pressed(desk: Desk, sign: Sign, **data: object) -> Organization:
    policy = enquiries.USUAL
    usual = {
        "keep_days": policy.keep_days,
        **{name: "\n".join(getattr(policy, name)) for name in ("price_words", "price_labels", "product_labels")},
    }
    answer = desk.press(sign("lead"), "conversation_terms", desk.stage.organization.pk, **{**usual, **data})
    assert answer.status_code in (200, 302), answer.content
    with desk.inside():
        return Organization.objects.get(pk=desk.stage.organization.pk)


def test_words_and_days_are_changed_and_texts_go_at_once(desk: Desk, sign: Sign) -> None:
    talks.deliver(desk.stage, talks.connect(desk.stage, "whatsapp"), sample("whatsapp/messages.text.json"))
    desk.stage.work()
    organization = pressed(desk, sign, keep_days=0, price_words="Ár*\n how   much", product_words="kötet")
    assert organization.policies["conversations"] == {
        "keep_days": 0, "price_words": ["Ár*", "how   much"], "product_words": ["kötet"],
    }  # fmt: skip
    policy = enquiries.read(organization.policies)
    assert (policy.keep_days, policy.price_words) == (0, ("Ár*", "how much"))
    with desk.inside():
        assert list(Message.objects.values_list("text", flat=True)) == [""]
    assert len(desk.acts("policy.changed")) == 1


def test_terms_that_cannot_be_used_change_nothing(desk: Desk, sign: Sign) -> None:
    assert "conversations" not in pressed(desk, sign, price_words="***").policies
    assert "conversations" not in pressed(desk, sign).policies


def test_the_channels_page_leads_to_it_for_whom_it_is(desk: Desk, sign: Sign) -> None:
    url, dialog = desk.url("orders_channel_changelist"), desk.act("conversation_terms", desk.stage.organization.pk)
    assert dialog in sign("lead").get(url).content.decode()
    assert dialog not in sign("agent").get(url).content.decode()
    assert sign("agent").get(dialog).status_code == 302 and sign("lead").get(dialog).status_code == 200
