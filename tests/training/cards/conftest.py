"""Versions as the store would tell them, with names that a bank may really have, or an enemy."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from domain.bundle import ModelCard
from training.cards.about import Setting
from training.cards.reading import VersionFacts
from training.report import beside
from training.store.history import Entry

HOSTILE = (
    "<script>alert(1)</script>",
    "a|b\nc",
    "*bold* _it_ `code` ~gone~ $x$",
    '[link](javascript:alert(1)) "quoted"',
    "![](https://example.com/spy.png)",
    "evil \u202etxt.exe\u202c &amp; &lt;b&gt;",
    "# title",
    "- item",
    "1. one",
    "\\| back",
)
LABEL = {"kind": "closed", "observation_days": 90, "gap_days": 30, "outcome_days": 90}


def estimates(names: list[str], seed: int, of: type = tuple) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    values = random.uniform(0.1, 0.9, (len(names), 3))
    return {name: tuple(map(float, row)) for name, row in zip(names, values, strict=True)}


def metrics_of(names: list[str], rivals: list[str]) -> dict[str, float]:
    """Figures as a training seals them, no two of them alike."""
    theirs = {rival: estimates(names, at + 10) for at, rival in enumerate(rivals)}
    less = {rival: estimates(names, at + 20) for at, rival in enumerate(rivals)}
    return {**beside(estimates(names, 1), theirs, less), "churn_rate": 0.0345, "threshold": 0.1642}


RETENTION = metrics_of(
    ["auc", "log_loss", "average_precision", "a_figure_of_tomorrow"],
    ["recency rule", "logistic regression", "champion"],
)


def tables_of_retention(names: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    size = len(names)
    cells = pd.DataFrame({"cell_id": names, "customers": 68, "lost": 14})
    cells = cells.assign(auc=np.linspace(0.6, 0.9, size), low=0.55, high=0.95)
    groups = pd.DataFrame(
        {
            "attribute": "sex",
            "group": ["women", "men"],
            "customers": [1043, 968],
            "observed": [0.031, 0.042],
            "predicted": [0.033, 0.041],
        }
    ).assign(ratio=1.1, ratio_low=0.7, ratio_high=1.4, listed=0.05)
    groups = groups.assign(gap=0.01, gap_low=-0.02, gap_high=0.03, told=True)
    tenths = np.linspace(0.01, 0.2, 10)
    bins = {"n": 200, "predicted": tenths, "observed": tenths, "low": tenths / 2}
    return {
        "cells": cells,
        "fairness": groups,
        "calibration": pd.DataFrame({**bins, "high": 1.5 * tenths}),
        "why": pd.DataFrame(
            {"feature": names, "meaning": names[::-1], "push": 0.1, "strength": 0.2}
        ),
    }


@pytest.fixture
def known() -> Callable[..., VersionFacts]:
    """A version of the retention model; keyword arguments change its card or its facts."""

    def make(**changes: Any) -> VersionFacts:
        card = ModelCard(
            name="retention",
            grid_version="grid-1",
            trained_as_of=(date(2025, 1, 1), date(2025, 2, 1)),
            evaluated_as_of=(date(2025, 8, 1),),
            profile_as_of=date(2025, 8, 1),
            git_revision="abc",
            features_hash="f" * 64,
            data_hashes={HOSTILE[0]: "d" * 64},
            settings={
                "label": LABEL,
                "retention": {"cell_auc_customers": 60},
                "profit": {"currency": "CNY"},
                "publication": {"customers_min": 10},
            },
            metrics=RETENTION,
            judged_on="2025-08-01 (closed)",
            compared_with="1",
            notes=("a campaign to 10 customers would earn much", *HOSTILE),
            table_hashes={"cells.csv": "0"},
        )
        own = {key: changes.pop(key) for key in list(changes) if key in ModelCard.model_fields}
        entry = Entry("champion", "override", "1", "2", "2025-12-01T10:00:00", HOSTILE[1])
        facts = VersionFacts(
            name="retention",
            version="2",
            aliases=("champion",),
            trained_by=HOSTILE[4],
            trained_on=date(2025, 11, 30),
            run_id="1f",
            digest="e" * 64,
            card=card.model_copy(update=own),
            tables=tables_of_retention(HOSTILE),
            verdict=None,
            moves=(entry._replace(validator=HOSTILE[2], reason=HOSTILE[3]),),
        )
        return facts._replace(**changes)

    return make


@pytest.fixture
def setting() -> Setting:
    return Setting(HOSTILE[0], date(2026, 1, 1), 10, frozenset(HOSTILE), "grid-1")
