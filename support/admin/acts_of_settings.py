"""Dialogs about who and what gets in: members with their roles, and API tokens."""

from typing import Any

from django import forms
from django.http import HttpRequest

from profiles.actions import organizations
from profiles.models import ApiToken, Membership, Organization, Role
from support.admin.dialogs import Ask, Dialog, Done, Press, registered


class AskMember(Ask):
    username = forms.RegexField(
        r"^[\w.@+-]+$",
        label="Login",
        max_length=150,
        help_text="Their e-mail, or the login they have in this installation.",
        error_messages={"invalid": "Letters, digits and @ . + - _ only."},
    )
    person = forms.CharField(label="Name", max_length=200, required=False, help_text="For a new login.")
    role = forms.ChoiceField(label="Role", choices=Role.choices)


@registered
class AddMember(Dialog):
    name, permission, model = "add_member", "manage_staff", Organization
    title, button = "Add a member", "Add member"
    form = AskMember
    inverse = "Give them another role; an engineer of the installation can switch the login off."

    def about(self, subject: Organization) -> str:
        return subject.name

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return ["1 person may work in this organization.", "A new login gets a first password, shown to you once."]

    def do(self, subject: Organization, press: Press) -> Done:
        data = press.data
        member, password = organizations.invite(
            subject,
            username=data["username"],
            name=data["person"],
            role=data["role"],
            by=press.by,
            because=press.because,
        )
        said = f"{member.user.get_username()} is a member now: {member.get_role_display().lower()}."
        note = "Their first password. It is not shown again; they change it after signing in."
        return Done(said, shown=password, note=note)


class AskRole(Ask):
    role = forms.ChoiceField(label="Role", choices=Role.choices)


@registered
class ChangeRole(Dialog):
    name, permission, model, related = "change_role", "manage_staff", Membership, ("user",)
    title, button = "Give another role", "Change role"
    form = AskRole

    def about(self, subject: Membership) -> str:
        return f"{subject.user.get_full_name() or subject.user.get_username()}, {subject.get_role_display().lower()}"

    def prepare(self, form: AskRole, subject: Membership, request: HttpRequest) -> None:
        if not form.is_bound:
            form.initial["role"] = subject.role

    def will(self, subject: Membership, request: HttpRequest) -> list[str]:
        return ["What 1 person may see and do changes with their next page."]

    def do(self, subject: Membership, press: Press) -> Done:
        member = organizations.change_role(subject, press.data["role"], by=press.by, because=press.because)
        return Done(f"{member.user.get_username()} is {member.get_role_display().lower()} now.")


class AskToken(Ask):
    label = forms.CharField(label="Name", max_length=100, help_text="What uses it, such as “warehouse sync”.")
    scopes = forms.MultipleChoiceField(
        label="May", choices=[(scope, scope) for scope in sorted(organizations.SCOPES)], widget=forms.SelectMultiple
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["scopes"].widget.attrs["size"] = 8
        self.fields["scopes"].help_text = "Several with Ctrl or ⌘. Give what it needs and no more; * is everything."


@registered
class IssueToken(Dialog):
    name, permission, model = "issue_token", "manage_tokens", Organization
    title, button = "Issue an API token", "Issue token"
    form = AskToken
    inverse = "Revoke the token."

    def about(self, subject: Organization) -> str:
        return subject.name

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return ["1 token opens the API with these scopes, until it is revoked.", "It is shown to you once."]

    def do(self, subject: Organization, press: Press) -> Done:
        secret = organizations.issue_token(
            subject,
            name=press.data["label"],
            scopes=press.data["scopes"],
            by=press.by,
            because=press.because,
        )
        note = "Only its hash is stored, so that it cannot be shown again. Send it as “Authorization: Bearer …”."
        return Done("1 token issued.", shown=secret, note=note)


@registered
class RevokeToken(Dialog):
    name, permission, model = "revoke_token", "manage_tokens", ApiToken
    title, button, danger = "Revoke the token", "Revoke", True
    inverse = "Not possible: issue another token."

    def about(self, subject: ApiToken) -> str:
        return f"{subject.name}, ending in {subject.hint}"

    def cannot(self, subject: ApiToken) -> str:
        return "It was revoked before." if subject.revoked_at else ""

    def will(self, subject: ApiToken, request: HttpRequest) -> list[str]:
        return ["1 token opens nothing any more, from the next call on.", "What it did stays."]

    def do(self, subject: ApiToken, press: Press) -> Done:
        organizations.revoke_token(subject, by=press.by, because=press.because)
        return Done(f"1 token revoked: {subject.name}.")
