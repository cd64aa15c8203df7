"""How many of the pairs that are one person are suggested, how many suggestions are wrong, and how long does it take?

Public test data first (FEBRL 1 to 4; `tests/records.py` says how their fields map to ours), then made-up customers in a
database, found by the same action that the workers run.
"""

import os
import time
from collections import Counter, defaultdict
from itertools import combinations
from typing import Any

from profiles import likeness
from profiles.likeness import Band
from tests import records

ROWS = int(os.environ.get("ROWS", "100000"))
TWINS = 20  # one customer in so many comes a second time, misspelled
CROWD = 50


def judged(data: records.DataSet) -> dict[str, Any]:
    """Precision and recall over a data set, its candidates found by the same keys as in the database."""
    began = time.perf_counter()
    blocks: dict[int, list[int]] = defaultdict(list)
    for number, person in enumerate(data.people):
        for key in likeness.keys(person):
            blocks[key].append(number)
    candidates = {pair for block in blocks.values() if len(block) <= CROWD for pair in combinations(block, 2)}
    bands: dict[tuple[int, int], Band] = {}
    for one, other in candidates:
        if band := likeness.compare(data.people[one], data.people[other]).band:
            bands[one, other] = band
    true = data.pairs & bands.keys()
    false = Counter(band for pair, band in bands.items() if pair not in data.pairs)
    return {
        "records": len(data.people),
        "true_pairs": len(data.pairs),
        "compared": len(candidates),
        "reachable": round(len(data.pairs & candidates) / len(data.pairs), 4),
        "suggested": len(bands),
        "bands": {str(band): count for band, count in sorted(Counter(bands.values()).items())},
        "recall": round(len(true) / len(data.pairs), 4),
        "recall_almost_certain": round(
            sum(1 for pair in true if bands[pair] is Band.ALMOST_CERTAIN) / len(data.pairs), 4
        ),
        "precision": round(len(true) / max(len(bands), 1), 4),
        "false": sum(false.values()),
        "false_almost_certain": false[Band.ALMOST_CERTAIN],
        "seconds": round(time.perf_counter() - began, 2),
    }
