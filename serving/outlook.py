"""The time ahead, as a bundle foretells it: lost by when, and how much money is at risk."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.bundle import ModelCard
from domain.errors import BadInput
from features.outlook import HORIZONS, VALUE, HorizonsSpec, ValueSpec
from serving.parsed import parsed

Floats = NDArray[np.float64]
Grow = Callable[[str, Any, str], Any]  # text, manifest and name of a file -> booster
MARGIN = ("expected_margin", "value_at_risk_low", "value_at_risk_high")


@dataclass(frozen=True)
class Outlook:
    """What a retention model says beside the probability of [label]; often nothing."""

    horizons: tuple[tuple[HorizonsSpec, Any], ...] = ()  # each with its trees
    value: ValueSpec | None = None
    value_trees: Mapping[str, Any] | None = None
    label: str = ""  # the kind of [label], whose columns have the short names

    @property
    def columns(self) -> list[str]:
        """The columns that it adds at the end of the scores."""
        found = [name for spec, _ in self.horizons for name in spec.columns(self.label)]
        return found + (list(MARGIN) if self.value else [])

    @property
    def features(self) -> list[str]:
        """The features that it reads."""
        specs = [spec for spec, _ in self.horizons] + ([self.value] if self.value else [])
        return list(dict.fromkeys(name for spec in specs for name in spec.features))

    def scores(self, frame: pd.DataFrame, churn: Floats, threads: int) -> dict[str, Floats]:
        """Its columns; with a margin model `value_at_risk` too, of the probabilities `churn`."""
        found: dict[str, Floats] = {}
        for spec, trees in self.horizons:
            lost = spec.lost_by(trees, frame, threads)
            found |= dict(zip(spec.columns(self.label), lost.T, strict=True))
        if self.value and self.value_trees:
            expected, low, high = self.value.margins(self.value_trees, frame, threads)
            found |= dict(zip(MARGIN, (expected, churn * low, churn * high), strict=True))
            found["value_at_risk"] = churn * expected
        return found


def outlook_texts(files: Mapping[str, bytes]) -> dict[str, str]:
    """The texts of trees that a bundle holds for the time ahead, by file."""
    names = [name for name in files if name.startswith((HORIZONS, f"{VALUE}_"))]
    return {name: files[name].decode("utf-8") for name in names if name.endswith(".txt")}


def outlook_of(files: Mapping[str, bytes], card: ModelCard, grow: Grow) -> Outlook:
    """The outlook of verified files, whose trees `grow` makes; BadInput where a file is missing."""
    texts, horizons = outlook_texts(files), []
    for name in sorted(files):
        if name.startswith(HORIZONS) and name.endswith(".json"):
            spec = parsed(HorizonsSpec, files, name)
            horizons.append((spec, _grown(spec, texts, grow)["trees"]))
    label = str(card.settings.get("label", {}).get("kind", ""))
    horizons.sort(key=lambda one: one[0].kind != label)  # that of [label] first, else by names
    if f"{VALUE}.json" not in files:
        return Outlook(tuple(horizons), label=label)
    value = parsed(ValueSpec, files, f"{VALUE}.json")
    return Outlook(tuple(horizons), value, _grown(value, texts, grow), label)


def _grown(spec: HorizonsSpec | ValueSpec, texts: Mapping[str, str], grow: Grow) -> dict[str, Any]:
    missing = [name for name in spec.texts().values() if name not in texts]
    if missing:
        raise BadInput(f"the model bundle has no {missing[0]}; train and register the model again")
    return {part: grow(texts[name], spec.manifest, name) for part, name in spec.texts().items()}
