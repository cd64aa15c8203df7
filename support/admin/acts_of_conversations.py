"""The dialog about conversations: which words mean an enquiry, and how long what was written is kept."""

from typing import Any

from django import forms
from django.http import HttpRequest

from attribution import enquiries
from attribution.actions import messages
from attribution.models import Message
from profiles.models import Organization
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.lists import counted

LISTS = ("price_words", "product_words", "price_labels", "product_labels")


def _lines(label: str, help_text: str) -> Any:
    return forms.CharField(
        label=label,
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=f"{help_text} One a line.",
    )


class AskConversations(Ask):
    keep_days = forms.IntegerField(
        label="Keep what was written for (days)",
        min_value=0,
        max_value=enquiries.LONGEST_KEEPING,
        help_text="0: no text is kept, not even the sentence that asked. The count of messages always stays.",
    )
    price_words = _lines(
        "Words that ask for the price", "A * stands for any ending; a leading - says what means something else."
    )
    product_words = _lines("Words that ask about a product", "Besides the names and SKUs of the catalogue.")
    price_labels = _lines("Labels that mean a price check", "As Chatwoot or Intercom tags a conversation.")
    product_labels = _lines("Labels that mean a product enquiry", "As Chatwoot or Intercom tags a conversation.")


@registered
class ConversationTerms(Dialog):
    name, permission, model = "conversation_terms", "manage_policies", Organization
    title, button = "What is recognised in conversations, and how long texts are kept", "Conversations: words and texts"
    form = AskConversations
    inverse = "Change them back: what stood before is in the audit log. Texts that were taken away stay away."

    def about(self, subject: Organization) -> str:
        return subject.name

    def prepare(self, form: Any, subject: Organization, request: HttpRequest) -> None:
        if not form.is_bound:
            policy = enquiries.read(subject.policies)
            form.initial["keep_days"] = policy.keep_days
            form.initial.update({name: "\n".join(getattr(policy, name)) for name in LISTS})

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        kept = Message.objects.exclude(text="").order_by()[:1001].count()
        shown = "More than 1,000 texts" if kept > 1000 else counted(kept, "text")
        return [
            f"{shown} kept now; those older than the days below go at once and for good.",
            "Messages from now on are read by these words; what was recognised before stays.",
            "Deliveries in the inbox keep their own time and are not touched.",
        ]

    def do(self, subject: Organization, press: Press) -> Done:
        given: dict[str, Any] = {"keep_days": press.data["keep_days"]}
        for name in LISTS:
            given[name] = [line.strip() for line in press.data[name].splitlines() if line.strip()]
        usual = enquiries.USUAL
        values = {
            name: value
            for name, value in given.items()
            if value != (list(getattr(usual, name)) if name in LISTS else usual.keep_days)
        }
        gone = messages.change_terms(subject, values, by=press.by, because=press.because)
        return Done(
            f"Kept: {len(values)} of {len(given)} terms differ from the usual. {counted(gone, 'text')} taken away."
        )
