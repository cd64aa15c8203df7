"""Signing in with a second factor: the code of an app, or one of the static codes for the day the telephone is lost."""

from typing import Any

from django import forms
from django_otp import devices_for_user
from django_otp.forms import OTPAuthenticationFormMixin
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.forms import AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES


class TokenAuthenticationForm(OTPAuthenticationFormMixin, AuthenticationForm):
    """Name, password and code at once; a code is refused the second time."""

    otp_device = forms.CharField(required=False, widget=forms.HiddenInput)
    otp_challenge = forms.CharField(required=False, widget=forms.HiddenInput)
    otp_token = forms.CharField(
        required=False,
        label="Code",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "class": " ".join(BASE_INPUT_CLASSES)}
        ),
    )

    def clean(self) -> Any:
        self.cleaned_data = super().clean()
        self.clean_otp(self.get_user())
        return self.cleaned_data

    def _chosen_device(self, user: Any) -> Any:
        """Six digits are the app's; anything else is one of the static codes."""
        token = (self.cleaned_data.get("otp_token") or "").strip()
        wants_app = len(token) == 6 and token.isdigit()
        devices = [d for d in devices_for_user(user, for_verify=True) if isinstance(d, TOTPDevice) == wants_app]
        if not devices:
            raise forms.ValidationError("This account has no device for that code. Ask an engineer.", code="no_device")
        return devices[0]
