"""Evidently's report of two months, as one HTML file that asks the network for nothing."""

import os
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from monitoring.files import write_text
from monitoring.samples import is_number, numbers, row_weights

# Whatever a bundled library would fetch (map tiles of plotly, say), the browser refuses.
OFFLINE = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "img-src data: blob:; font-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline' 'unsafe-eval'; worker-src blob:; connect-src 'none'; "
    "form-action 'none'\">"
)


def write_report(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    columns: list[str],
    path: Path,
    *,
    rows_max: int,
    seed: int,
) -> Path:
    """Distances between the months for every column, with their distributions, at `path`.

    At most `rows_max` rows a month are drawn, by weight. Distances (normed Wasserstein,
    Jensen-Shannon) rather than Evidently's tests, whose chi-square takes the reference as exact.
    """
    one = _drawn(reference, rows_max, seed)
    two = _drawn(current, rows_max, seed + 1)
    usable = [name for name in columns if one[name].notna().any() and two[name].notna().any()]
    plain = {name for name in usable if is_number(one[name], two[name])}
    before, after = (_values(frame, usable, plain) for frame in (one, two))
    return write_text(path, _html(before, after, sorted(plain), sorted(set(usable) - plain)))


def _drawn(frame: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    if len(frame) <= rows:
        return frame
    weight = row_weights(frame)
    chosen = np.random.default_rng(seed).choice(
        len(frame), size=rows, replace=False, p=weight / weight.sum()
    )
    return frame.iloc[np.sort(chosen)]


def _values(frame: pd.DataFrame, columns: list[str], plain: set[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: numbers(frame[name])
            if name in plain
            else frame[name].astype("string").fillna("(missing)").astype(object)
            for name in columns
        }
    )


def _html(
    before: pd.DataFrame, after: pd.DataFrame, plain: list[str], categories: list[str]
) -> str:
    os.environ.setdefault("DO_NOT_TRACK", "1")  # read by Evidently when it is imported
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own dependencies' deprecations, constant columns
        from evidently import DataDefinition, Dataset, Report

        shape = DataDefinition(numerical_columns=plain, categorical_columns=categories)
        preset = _page_alone()(
            num_method="wasserstein", cat_method="jensenshannon", include_tests=False
        )
        result = Report([preset]).run(
            Dataset.from_pandas(after, data_definition=shape),
            Dataset.from_pandas(before, data_definition=shape),
        )
        html: str = result.get_html_str(as_iframe=False)
    return html.replace("<head>", "<head>" + OFFLINE, 1)


@cache
def _page_alone() -> Any:
    """Evidently's preset without metrics of its own, which draw every column a second time.

    The page shows the preset's table alone, and no metric is asked for.
    """
    from evidently.presets import DataDriftPreset

    class PageAlone(DataDriftPreset):  # type: ignore[misc]
        def generate_metrics(self, context: Any) -> list[Any]:
            return []

    return PageAlone
