"""What `gridkeep segments` says of who moved."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from gridkeep.segments import _told
from training.segments.lists import Segmented
from training.segments.policies import USUAL


def test_who_came_and_who_left_did_not_move() -> None:
    trees: Any = SimpleNamespace(
        version="1", scheme=SimpleNamespace(names=("a", "b"), policies=USUAL[:2])
    )
    steps = [("a", "a", 5), ("a", "b", 3), ("joined", "a", 2), ("b", "left", 4), ("b", "a", 1)]
    migration = pd.DataFrame(steps, columns=["before", "after", "customers"])
    customers = pd.DataFrame({"segment": ["a"], "borderline": [False]})
    none = pd.DataFrame()
    found = _told(Segmented(customers, migration, none, none), trees, date(2026, 1, 1), Path("out"))
    assert (found.moved, found.joined, found.left) == (4, 2, 4)
