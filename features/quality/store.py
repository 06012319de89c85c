"""`quality.parquet`: the measures of the tables in place, and what they were measured on."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from domain.layout import Layout
from features.atomic import replacing
from features.quality.measured import MEASURE_COLUMNS, Freshness, Measured
from features.quality.report import QualityReport

MEASURES_FILE = "quality.parquet"
PAGE_FILE = "quality.html"
METADATA = b"gridkeep"
FORM_OF_MEASURES = 2  # raised when the same tables would give other measures


def measured_on(
    data_hashes: dict[str, str], grid_version: str, late_days: float, door: QualityReport | None
) -> str:
    """A mark that changes whenever the measures could.

    >>> mark = measured_on({"customers": "a"}, "g1", 3, None)
    >>> mark == measured_on({"customers": "b"}, "g1", 3, None)
    False
    """
    counts = door.model_dump_json() if door is not None else None
    said = [FORM_OF_MEASURES, sorted(data_hashes.items()), grid_version, late_days, counts]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def stored_or_measured(layout: Layout, mark: str, make: Callable[[], Measured]) -> Measured:
    """The stored measures when they have this mark, else new ones, which are stored."""
    found = _stored(measures_path(layout), mark)
    if found is None:
        found = make()
        _store(found, measures_path(layout), mark)
    return found


def measures_path(layout: Layout) -> Path:
    """Where the measures lie: beside the tables."""
    return layout.root / MEASURES_FILE


def page_path(layout: Layout) -> Path:
    """Where the page lies."""
    return layout.root / PAGE_FILE


def write_page(page: str, layout: Layout) -> Path:
    """Write the page, whole or not at all."""
    with replacing(page_path(layout)) as file:
        file.write_text(page, encoding="utf-8")
    return page_path(layout)


def _store(measured: Measured, path: Path, mark: str) -> None:
    words = {
        "mark": mark,
        "notes": measured.notes,
        "freshness": [
            [one.table, one.last.isoformat(), one.days_behind] for one in measured.freshness
        ],
    }
    rows = pa.Table.from_pandas(measured.rows, preserve_index=False)
    with replacing(path) as file:
        pq.write_table(rows.replace_schema_metadata({METADATA: json.dumps(words)}), file)


def _stored(path: Path, mark: str) -> Measured | None:
    try:
        rows = pq.read_table(path)
        words = json.loads(rows.schema.metadata[METADATA])
        if words["mark"] != mark:
            return None
        freshness = [
            Freshness(table, pd.Timestamp(last).date(), behind)
            for table, last, behind in words["freshness"]
        ]
    except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError):
        return None  # absent, of another time or damaged: measured again
    return Measured(
        rows.to_pandas()[list(MEASURE_COLUMNS)], tuple(freshness), tuple(words["notes"])
    )
