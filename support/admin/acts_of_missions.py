"""Dialogs about missions: a new one, other terms, stopping and starting it, and a reward issued again."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django import forms
from django.http import HttpRequest

from fulfillment.actions import mission_terms, missions
from fulfillment.models import Mission, MissionCompletion, MissionReward
from profiles.models import Organization
from support.admin.base import address_of, masked
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.lists import counted

MOMENT = partial(forms.DateTimeInput, attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class AskMission(Ask):
    title = forms.CharField(label="Title", max_length=200)
    slug = forms.SlugField(label="Short name", max_length=60, help_text="Other systems report it by this name.")
    rule = forms.ChoiceField(label="What completes it", choices=Mission.Rule.choices)
    event_type = forms.CharField(
        label="Kind of event", max_length=60, required=False, help_text="Such as review; only for doing something."
    )
    times = forms.IntegerField(label="How often", min_value=1, max_value=1000, initial=1)
    period = forms.ChoiceField(label="Counted", choices=Mission.Period.choices)
    rewards = forms.CharField(label="Rewards", max_length=2000, help_text="SKUs with commas between.")
    keeps = forms.BooleanField(label="The reward stays when what earned it is taken back", required=False)


@registered
class AddMission(Dialog):
    name, permission, model = "add_mission", "manage_coupons", Organization
    title, button = "Add a mission", "Add mission"
    form = AskMission
    inverse = "Stop it: who completed it keeps the reward."

    def about(self, subject: Organization) -> str:
        return ""

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return [
            "1 mission begins now; what customers do from now on counts.",
            "Whoever completes it gets its rewards by 1 e-mail each, once a period.",
        ]

    def do(self, subject: Organization, press: Press) -> Done:
        data = press.data
        made = mission_terms.add(
            organization=subject,
            slug=data["slug"].lower(),
            title=data["title"],
            rule=data["rule"],
            event_type=data["event_type"],
            times=data["times"],
            period=data["period"],
            rewards=data["rewards"].split(","),
            keeps=data["keeps"],
            by=press.by,
            because=press.because,
        )
        return Done(f"1 mission added: {made.title}.", url=address_of(Mission, made.pk))


class AskMissionTerms(Ask):
    title = forms.CharField(label="Title", max_length=200)
    times = forms.IntegerField(label="How often", min_value=1, max_value=mission_terms.MOST_TIMES)
    rewards = forms.CharField(label="Rewards", max_length=2000, help_text="SKUs with commas between.")
    starts_at = forms.DateTimeField(
        label="Starts", widget=MOMENT(), help_text="UTC. What was done before does not count."
    )
    ends_at = forms.DateTimeField(label="Ends", required=False, widget=MOMENT(), help_text="UTC. Empty: never.")


@registered
class ChangeMission(Dialog):
    name, permission, model = "change_mission", "manage_coupons", Mission
    title, button = "Change the terms", "Change terms"
    form = AskMissionTerms
    look, press = "See what will happen", "Change the terms"
    inverse = "Change them back: what was earned meanwhile stays too."

    def prepare(self, form: AskMissionTerms, subject: Mission, request: HttpRequest) -> None:
        if not form.is_bound:
            for name in ("title", "times", "starts_at", "ends_at"):
                form.initial[name] = getattr(subject, name)
            form.initial["rewards"] = ", ".join(_rewards(subject))

    def will(self, subject: Mission, request: HttpRequest) -> list[str]:
        return [
            _standing(subject),
            "What completes it, and once in which period, cannot be changed: that is another mission.",
            "The next page says what the new terms do; nothing is changed before you press there.",
        ]

    def foretell(self, subject: Mission, data: Mapping[str, Any]) -> list[str]:
        starts = _starts(subject, data)
        told = [_standing(subject)]
        if data["times"] != subject.times:
            told.append(f"From now on it takes {data['times']} instead of {subject.times}.")
        if (now := _skus(data)) != (was := _rewards(subject)):
            told.append(f"Whoever completes it from now on gets {', '.join(now)} instead of {', '.join(was)}.")
        if starts != subject.starts_at:
            told.append(f"What was done since {starts:%-d %b %Y, %H:%M} UTC counts.")
        if data["ends_at"] != subject.ends_at:
            ends = data["ends_at"]
            told.append(f"It ends on {ends:%-d %b %Y, %H:%M} UTC." if ends else "It has no end.")
        number = len(mission_terms.concerned(subject, since=starts)) if subject.active else 0
        again = f"{counted(number, 'customer')} who did something it counts are looked at again"
        told.append(f"{again}; whoever meets the new terms is rewarded once.")
        return told

    def do(self, subject: Mission, press: Press) -> Done:
        number = mission_terms.change(
            subject,
            title=press.data["title"],
            times=press.data["times"],
            starts_at=_starts(subject, press.data),
            ends_at=press.data["ends_at"],
            rewards=_skus(press.data),
            by=press.by,
            because=press.because,
        )
        return Done(f"1 mission changed. {counted(number, 'customer')} looked at again, 0 rewards taken back.")


@registered
class StopMission(Dialog):
    name, permission, model, danger = "stop_mission", "manage_coupons", Mission, True
    title, button = "Stop the mission", "Stop"
    inverse = "Start it again; what was done meanwhile counts then."

    def cannot(self, subject: Mission) -> str:
        return "" if subject.active else "It is stopped already."

    def will(self, subject: Mission, request: HttpRequest) -> list[str]:
        return ["Nobody completes it from now on.", "Whoever completed it keeps the reward."]

    def do(self, subject: Mission, press: Press) -> Done:
        mission_terms.stop(subject, by=press.by, because=press.because)
        return Done("1 mission stopped. 0 rewards were taken back.")


@registered
class StartMission(Dialog):
    name, permission, model = "start_mission", "manage_coupons", Mission
    title, button = "Start the mission again", "Start"
    inverse = "Stop it."

    def cannot(self, subject: Mission) -> str:
        return "It is running already." if subject.active else ""

    def will(self, subject: Mission, request: HttpRequest) -> list[str]:
        return ["Everybody who did something it counts is looked at again, and rewarded once."]

    def do(self, subject: Mission, press: Press) -> Done:
        mission_terms.start(subject, by=press.by, because=press.because)
        return Done("1 mission is running.")


@registered
class ReissueReward(Dialog):
    name, permission, model = "reissue_reward", "manage_coupons", MissionCompletion
    related = ("mission", "profile")
    title, button, danger = "Reissue the reward", "Reissue reward", True
    inverse = "Revoke the new entitlement."

    def about(self, subject: MissionCompletion) -> str:
        return f"{subject.mission.title}, completed {subject.completed_at:%-d %b %Y}"

    def cannot(self, subject: MissionCompletion) -> str:
        stands = subject.state in missions.HOLDS
        return "" if stands else f"It does not stand: {subject.get_state_display().lower()}."

    def will(self, subject: MissionCompletion, request: HttpRequest) -> list[str]:
        count = len(missions.granted([subject]))
        return [
            f"{counted(count, 'entitlement')} of {masked(str(subject.profile), request)} revoked, their links die.",
            "The rewards are granted anew, with 1 e-mail each. It stands in the mission's log.",
        ]

    def do(self, subject: MissionCompletion, press: Press) -> Done:
        count = missions.reissue(subject, by=press.by, because=press.because)
        return Done(f"{counted(count, 'reward')} issued again. The mail follows.")


def _standing(mission: Mission) -> str:
    stands = MissionCompletion.objects.filter(mission=mission, state__in=missions.HOLDS).count()
    if not stands:
        return "Nobody has completed it yet."
    return f"{counted(stands, 'completion')} so far and what was given for them stay as they are."


def _rewards(mission: Mission) -> list[str]:
    return list(MissionReward.objects.filter(mission=mission).order_by("sku").values_list("sku", flat=True))


def _skus(data: Mapping[str, Any]) -> list[str]:
    return sorted({sku.strip() for sku in data["rewards"].split(",") if sku.strip()})


def _starts(mission: Mission, data: Mapping[str, Any]) -> datetime:
    """The start that was entered; a form has no seconds, which are no change."""
    entered: datetime = data["starts_at"]
    return mission.starts_at if entered == mission.starts_at.replace(second=0, microsecond=0) else entered
