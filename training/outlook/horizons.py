"""Lost by when: a discrete-time hazard, whose probabilities never fall as the horizon grows."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.calibration import Calibration
from features.outlook import INTERVAL, HorizonsSpec
from features.settings import LabelKind
from training.boosting.calibrating import fit_calibration
from training.boosting.search import classifier
from training.evaluation.metrics import Estimate, evaluate
from training.report import flat
from training.retention import RetentionClassifier
from training.settings import RetentionSettings

Floats = NDArray[np.float64]
FEWEST = 5  # lost customers of an interval that has a calibration of its own
TELLING = 10  # customers lost, and as many kept, below whom a figure is about single ones


class Hazard(RetentionClassifier):
    """A classifier that keeps each row's margin by who did not learn it."""

    def adopt(self, *grown: Any) -> Self:
        """Take grown trees."""
        self.out_of_fold_ = np.asarray(grown[3], dtype=np.float64)
        return super().adopt(*grown)


class KindModel(NamedTuple):
    """One definition of loss: what the bundle says of it, and its trees."""

    spec: HorizonsSpec
    model: RetentionClassifier

    def probability(self, features: pd.DataFrame) -> Floats:
        """Rows x horizons."""
        return self.spec.lost_by(self.model.booster_, features)

    def files(self) -> dict[str, str]:
        """Its files of the bundle."""
        trees = self.spec.texts()["trees"]
        spec = self.spec.model_dump_json(indent=1)
        return {trees: self.model.booster_.model_to_string(), trees.replace(".txt", ".json"): spec}


class Intervals(NamedTuple):
    """One row per customer, cut-off and interval that began with the customer."""

    features: pd.DataFrame
    lost: NDArray[np.int64]
    row: NDArray[np.int64]  # of the table that was cut into intervals


def intervals(features: pd.DataFrame, lost: pd.DataFrame) -> Intervals:
    """Cut what became of customers (`lost` by each horizon, 0 or 1) into intervals.

    >>> lost = pd.DataFrame({"lost_30d": [1, 0], "lost_90d": [1, 0]})
    >>> intervals(pd.DataFrame({"f": [7.0, 8.0]}), lost).row.tolist()  # the first one left
    [0, 1, 1]
    """
    until = lost.to_numpy(np.int64)
    began = np.column_stack([np.zeros(len(lost), dtype=np.int64), until[:, :-1]]) == 0
    row, interval = np.nonzero(began)
    stacked = features.iloc[row].assign(**{INTERVAL: interval.astype(np.float64)})
    return Intervals(stacked.reset_index(drop=True), until[row, interval], row)


def fit_kind(
    kind: LabelKind,
    features: pd.DataFrame,
    lost: pd.DataFrame,
    customers: pd.Series,
    days: Sequence[int],
    settings: RetentionSettings,
) -> KindModel:
    """Learn who of the rows was `lost` by each horizon of `days`; customers stay in one fold.

    Raises BadInput where nobody, or next to nobody, was lost.
    """
    cut = intervals(features, lost)
    model = Hazard(**classifier(settings).get_params())
    model.fit(cut.features, cut.lost, customers.to_numpy()[cut.row])
    tables = calibrations(model, cut, len(days))
    spec = HorizonsSpec(
        kind=kind,
        days=tuple(days),
        manifest=model.manifest_,
        raw=tuple(table.raw for table in tables),
        probability=tuple(table.probability for table in tables),
    )
    return KindModel(spec, model)


def calibrations(model: Hazard, cut: Intervals, days: int) -> list[Calibration]:
    """Of each interval's margins, by who did not learn the row; of all where few were lost.

    Together the rare first interval would be foretold by what is usual in the longer ones.
    """
    at, found = cut.features[INTERVAL].to_numpy(), []
    for interval in range(days):
        here, lost = at == interval, cut.lost.astype(np.float64)
        enough = min(lost[here].sum(), (1 - lost[here]).sum()) >= FEWEST
        margin = model.out_of_fold_
        own = fit_calibration(margin[here], lost[here]) if enough else model.calibration_
        found.append(own)
    return found


def judged_kind(
    model: KindModel,
    features: pd.DataFrame,
    lost: pd.DataFrame,
    customers: pd.Series,
    settings: RetentionSettings,
) -> pd.DataFrame:
    """One row per horizon: figures on later cut-offs, each with its 95 % interval over customers.

    `foretold` and `seen` are the mean probability and the share that was lost. There are no figures
    where fewer than TELLING customers were lost or kept.
    """
    found = []
    for at, p in enumerate(model.probability(features).T):
        y = lost.iloc[:, at].to_numpy(np.float64)
        figures = {}
        if min(customers[y == side].nunique() for side in (0, 1)) >= TELLING:
            figures = evaluate(y, p, customers, {}, settings.bootstrap, settings.seed).metrics
        seen = {"foretold": float(p.mean()), "seen": float(y.mean())}
        told = {"kind": model.spec.kind, "horizon_days": model.spec.days[at]}
        found.append({**told, "rows": len(y), "lost": int(y.sum()), **seen, **flat(figures)})
    return pd.DataFrame(found)


def metrics_of(table: pd.DataFrame) -> dict[str, float]:
    """The figures of a card: AUC and log-loss of each kind and horizon, with their intervals."""
    found: dict[str, Estimate] = {}
    for row in table.to_dict("records"):
        for name in ("auc", "log_loss"):
            values = [row.get(f"{name}{end}", np.nan) for end in ("", "_low", "_high")]
            found[f"{row['kind']}_{row['horizon_days']}d_{name}"] = Estimate(*values)
    return flat(found, "lost_by_")
