"""Dialogs about files on sale and the stores they lie in: check, switch, withdraw, offer a version, make links anew."""

from datetime import timedelta

from django import forms
from django.http import HttpRequest

from fulfillment import storages
from fulfillment.actions import assets, renewals, stores, verifications
from fulfillment.models import Asset, Entitlement
from profiles.actors import Refusal
from profiles.models import Organization
from support.admin.base import address_of
from support.admin.dialogs import Ask, Dialog, Done, Press, registered, url_of
from support.admin.lists import counted

FILES = "fulfillment_asset_changelist"
HOURS = {"1": "hour", "4": "4 hours", "24": "24 hours", "48": "48 hours", "168": "7 days"}


def _about(asset: Asset) -> str:
    return f"{asset.product.sku} · {asset.filename}, version {asset.version}"


class AskStore(Ask):
    to = forms.ChoiceField(
        label="Downloads and new files go to",
        choices=[(storages.SECOND, "The second store"), (storages.DEFAULT, "The first store, as usual")],
    )


@registered
class SwitchStorage(Dialog):
    name, permission, model = "switch_storage", "connect", Organization
    title, button, danger = "Switch the file store", "Switch the file store", True
    form = AskStore
    inverse = "Switch back here the same way."

    def about(self, subject: Organization) -> str:
        return "For every organization of this installation"

    def cannot(self, subject: Organization) -> str:
        if storages.SECOND in storages.aliases():
            return ""
        return "There is no second store. An engineer sets one by STORAGE_SECOND_BUCKET_NAME or STORAGE_SECOND_FOLDER."

    def prepare(self, form: AskStore, subject: Organization, request: HttpRequest) -> None:
        if not form.is_bound:
            form.initial["to"] = storages.DEFAULT if stores.Health().switched() else storages.SECOND

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        if stores.Health().switched():
            return [
                "Downloads and new files go to the second store now, because a person said so.",
                "Switched back, the first store is asked first again; what it missed meanwhile is copied at the check.",
            ]
        only = stores.only_in_first()
        missing = (
            f"{counted(only, 'file is', 'files are')} in the first only and cannot be delivered meanwhile."
            if only
            else "Every file on sale lies in the second store too: nobody notices."
        )
        return ["Downloads and new files go to the second store at once, until you switch back.", missing]

    def do(self, subject: Organization, press: Press) -> Done:
        if press.data["to"] == storages.SECOND:
            stores.switch(by=press.by, because=press.because)
            only = stores.only_in_first()
            note = f" {counted(only, 'file is', 'files are')} in the first only." if only else ""
            return Done(f"Switched: downloads and new files go to the second store.{note}")
        stores.switch_back(by=press.by, because=press.because)
        return Done("Switched back: downloads and new files go to the first store.")


@registered
class VerifyAssets(Dialog):
    name, permission, model = "verify_assets", "retry", Organization
    title, button = "Check every file on sale", "Check the files"
    inverse = "Not needed: a file is only ever copied to where it is missing."

    def about(self, subject: Organization) -> str:
        return ""

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        count, places = Asset.objects.filter(current=True).count(), len(storages.aliases())
        return [
            f"{counted(count, 'file is', 'files are')} read whole in {counted(places, 'store')}, within minutes.",
            "What one store lacks is copied from the other. A file that is wrong is told, never overwritten.",
        ]

    def do(self, subject: Organization, press: Press) -> Done:
        count = verifications.request(by=press.by, because=press.because)
        said = f"{counted(count, 'file is', 'files are')} being checked. What is wrong stands in the list of files."
        return Done(said, url=url_of(FILES))


class OfFile(Dialog):
    model, related = Asset, ("product", "organization")

    def about(self, subject: Asset) -> str:
        return _about(subject)


@registered
class CopyFile(OfFile):
    name, permission = "copy_file", "retry"
    title, button = "Check this file and copy it", "Check and copy"
    inverse = "Not needed: it is only copied to where it is missing."

    def will(self, subject: Asset, request: HttpRequest) -> list[str]:
        places = counted(len(storages.aliases()), "store")
        return [f"1 file is read whole in {places}, and copied to where it is missing."]

    def do(self, subject: Asset, press: Press) -> Done:
        verifications.request([subject], by=press.by, because=press.because)
        return Done("1 file is being checked and copied.")


@registered
class WithdrawFile(OfFile):
    name, permission = "withdraw_file", "map_product"
    title, button, danger = "Withdraw this version", "Withdraw", True
    inverse = "Upload it again as a new version."

    def cannot(self, subject: Asset) -> str:
        return "" if subject.current else "It is not the version that is given out."

    def will(self, subject: Asset, request: HttpRequest) -> list[str]:
        owners = Entitlement.objects.filter(product=subject.product_id, status__in=Entitlement.DOWNLOADABLE).count()
        return [
            "Links and libraries give out the version before it from now on.",
            f"{counted(owners, 'owner')} can no longer download version {subject.version}; what was fetched stays.",
        ]

    def do(self, subject: Asset, press: Press) -> Done:
        former = assets.withdraw(subject, by=press.by, because=press.because)
        return Done(f"1 version withdrawn. {former.filename}, version {former.version}, is given out again.")


@registered
class OfferVersion(OfFile):
    name, permission = "offer_version", "map_product"
    title, button = "Offer this version to owners", "Offer to owners"
    inverse = "Not possible: mail cannot be called back."

    def cannot(self, subject: Asset) -> str:
        if not subject.current:
            return "It is not the version that is given out."
        found = renewals.owners(subject)
        return "" if found.owners else "Nobody owned the product before this version: there is nobody to offer it to."

    def will(self, subject: Asset, request: HttpRequest) -> list[str]:
        found = renewals.owners(subject)
        fresh = max(0, found.owners - found.told)
        return [
            f"{counted(fresh, 'e-mail')} with a new link to {counted(found.owners, 'owner')}, each once.",
            *([f"{found.told} of them were offered it before and are left in peace."] if found.told else []),
            *([f"{found.left_out} whose access was taken back or rests get nothing."] if found.left_out else []),
            *([f"{found.kept} bought in a made-up shop: their mail is kept, never sent."] if found.kept else []),
            "Links given out before go on working, and give the new version too.",
        ]

    def do(self, subject: Asset, press: Press) -> Done:
        count = renewals.offer(subject, by=press.by, because=press.because)
        if not count:
            raise Refusal("Every owner was offered this version before: nobody is written to twice.")
        return Done(
            f"{counted(count, 'owner')} will get 1 e-mail each, a few hundred a minute.",
            url=address_of(subject.product, subject.product_id),
        )


class AskHours(Ask):
    hours = forms.ChoiceField(
        label="Links mailed within the last", choices=list(HOURS.items()), initial="48", help_text="Only live ones."
    )


@registered
class RenewLinks(Dialog):
    name, permission, model = "renew_links", "manage_incidents", Organization
    title, button, danger = "Make links anew", "Make links anew", True
    form = AskHours
    inverse = "Not possible: the former links are dead and mail cannot be called back."
    look, press = "Look what it would do", "Make them anew"

    def about(self, subject: Organization) -> str:
        return ""

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return [
            "Each mailed link of that age that still works dies, and its owner gets 1 e-mail with a new one.",
            "Links that staff gave out, and the library, are left alone. Nobody without an address loses a link.",
        ]

    def foretell(self, subject: Organization, data: dict[str, str]) -> list[str]:  # type: ignore[override]
        count = renewals.given_out(timedelta(hours=int(data["hours"]))).count()
        return [f"{counted(count, 'link dies', 'links die')} and {counted(count, 'e-mail')} with a new one go out."]

    def do(self, subject: Organization, press: Press) -> Done:
        within = timedelta(hours=int(press.data["hours"]))
        count = renewals.renew(within, by=press.by, because=press.because, key=press.key)
        return Done(f"{counted(count, 'link is', 'links are')} being made anew and mailed, a few hundred a minute.")
