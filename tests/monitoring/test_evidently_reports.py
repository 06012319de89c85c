"""Evidently's page, drawn by half of its work."""

import re
import warnings
from pathlib import Path

import pandas as pd

from monitoring.evidently_reports import OFFLINE, write_report

RANDOM = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")  # what a page calls its parts


def presets_own(before: pd.DataFrame, after: pd.DataFrame) -> str:
    """The page as a user of Evidently makes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        shape = DataDefinition(numerical_columns=["balance_last"], categorical_columns=["kind"])
        words = {"num_method": "wasserstein", "cat_method": "jensenshannon"}
        months = (Dataset.from_pandas(month, data_definition=shape) for month in (after, before))
        run = Report([DataDriftPreset(**words, include_tests=False)]).run(*months)
        page: str = run.get_html_str(as_iframe=False)
    return page


def test_the_page_is_the_one_of_evidentlys_preset(tmp_path: Path) -> None:
    before = pd.DataFrame({"balance_last": [1.0, 2, 3, 4, 5, 6] * 9, "kind": ["a", "b"] * 27})
    after = before.assign(balance_last=before["balance_last"] * 3, kind=["a", "a", "c"] * 18)
    path = tmp_path / "page.html"
    write_report(before, after, ["balance_last", "kind"], path, rows_max=100, seed=1)
    page = path.read_text("utf-8")
    assert RANDOM.sub("ID", page.replace(OFFLINE, "")) == RANDOM.sub(
        "ID", presets_own(before, after)
    )
    assert OFFLINE in page
