"""The app config: the wiring, which holds no rule of the business."""

import gc

from django.apps import AppConfig

COLLECT_AFTER = 50_000, 20, 100
"""Objects, and rounds of the younger ones, before the collector of reference cycles looks: a batch makes that many."""


class WiringConfig(AppConfig):
    name = "config"
    verbose_name = "Wiring"

    def ready(self) -> None:
        from config import checks, moments  # noqa: F401 (importing the first registers its checks)

        moments.install()
        # What is loaded stays: looked through again with every batch it was 8 % of settling an order.
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        gc.enable()
