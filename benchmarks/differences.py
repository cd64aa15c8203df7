"""Among 10,000 clean orders, are at least 30 discrepancies of every kind found, none invented, the safe ones repaired?

Orders are settled by the real pipeline; `CLEAN` and `SPOILT` say how many. No race: what counts is that all is found.
"""

import os
import time
from typing import Any

from benchmarks import rig

CLEAN = int(os.environ.get("CLEAN", "10000"))
SPOILT = int(os.environ.get("SPOILT", "30"))


def main() -> None:
    with rig.installation():
        from datetime import timedelta

        from profiles import clock
        from support.actions import reconciliation
        from support.models import Discrepancy
        from tests.books import Books
        from tests.stage import BY, Stage

        stage = Stage()
        books = Books(stage.organization, stage.channels["stripe"])
        began = time.perf_counter()
        books.clean(CLEAN)
        books.spoil(SPOILT)
        books.bundle_lacks_a_part(SPOILT)
        made = time.perf_counter() - began
        with books.inside():
            until = clock.now() + timedelta(minutes=1)

        def compare(*, repair: bool = False) -> tuple[dict[str, int], dict[str, Any], float]:
            began = time.perf_counter()
            run = reconciliation.now(
                books.organization.pk, since=books.first - timedelta(days=1), until=until, by=BY, repair=repair
            )
            took = time.perf_counter() - began
            new = {kind: counts["new"] for kind, counts in reconciliation.counted(run).items()}
            return new, run.counts.get(reconciliation.REPAIR, {}), took

        first, _, seconds = compare()
        with books.inside():
            rows = Discrepancy.objects.values_list("kind", "external_id")
            found = set(rows)
        expected = {(kind, name) for kind, names in books.wrong.items() for name in names}
        again, _, _ = compare()
        _, repaired, _ = compare(repair=True)
        books.work()
        last, _, _ = compare()
        with books.inside():
            left = Discrepancy.objects.filter(status=Discrepancy.Status.OPEN).count()
        rig.emit(
            question=f"all of {SPOILT} discrepancies of each kind and of bundles lacking a part, {CLEAN} clean orders",
            made_s=round(made, 1),
            compared_s=round(seconds, 2),
            found=first,
            missed=len(expected - found),
            invented=len(found - expected),
            new_in_a_second_run=sum(again.values()),
            repaired=repaired,
            open_after_repair=left,
            new_after_repair=sum(last.values()),
            goals="missed 0; invented 0; new_in_a_second_run 0",
        )


if __name__ == "__main__":
    main()
