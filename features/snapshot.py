"""Feature snapshots: Parquet files of features, their cells, and what they were made of.

A snapshot has one row per (customer, cut-off): `customer_id, as_of, cell_id`, then the
features, sorted by customer. The file's own metadata names the grid version, the hash of the
feature definitions, the hashes of the source tables and the bank's time zone.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import BadInput
from features.atomic import replacing
from features.registry import FEATURES, features_hash

if TYPE_CHECKING:
    from features.engine import Tables
    from features.run import Range

KEY = ("customer_id", "as_of", "cell_id")
METADATA = b"gridkeep"
# text repeats itself, numbers do not: a dictionary of them costs time and saves nothing
WORDS = ["as_of", "cell_id", *(name for name, one in FEATURES.items() if one.kind == "category")]

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class SnapshotInfo:
    """What a snapshot holds and what it was made of."""

    path: Path
    rows: int
    as_of: tuple[date, ...]
    grid_version: str
    features: tuple[str, ...]
    features_hash: str
    data_hashes: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "UTC"  # in which the cut-offs are midnights


def quiet(step: str, share: float) -> None:
    """Progress that nobody watches."""


def write_features(
    tables: "Tables",
    as_of: Sequence[date],
    out: Path,
    cells: pd.DataFrame,
    progress: Progress = quiet,
    *,
    grid_version: str = "",
    data_hashes: Mapping[str, str] | None = None,
) -> SnapshotInfo:
    """Write the features of every customer at each cut-off, atomically, and say what it is.

    `cells` has `customer_id` and `cell_id`. The customers are worked through in ranges, so that
    memory does not grow with the bank; where `data_hashes` say what the tables are, a run that
    was killed goes on after its last finished range. Raises BadInput for a cut-off before all
    data or far behind them, a customer without a cell, nobody to write, or a file that cannot
    be written.
    """
    from features.history import days_of, require_history

    days = days_of(as_of)
    require_history(tables, days)
    info = SnapshotInfo(
        out,
        0,
        tuple(days),
        grid_version,
        tuple(FEATURES),
        features_hash(),
        dict(data_hashes or {}),
        tables.timezone,
    )
    placed = pa.table({name: _text(cells[name]) for name in ("customer_id", "cell_id")})
    with replacing(out) as file:
        rows = _write(file, tables, info, placed, progress)
    return replace(info, rows=rows)


def _text(values: pd.Series) -> pa.Array:
    return pa.Array.from_pandas(values, type=pa.string())


def snapshot_info(path: Path) -> SnapshotInfo:
    """What the snapshot at `path` holds; BadInput when it is not one of ours."""
    parquet = _open(path)
    stored = (parquet.schema_arrow.metadata or {}).get(METADATA)
    if stored is None:
        raise BadInput(f"file '{path}' is not a feature snapshot; write one by `gridkeep features`")
    words = json.loads(stored)
    return SnapshotInfo(
        path,
        parquet.metadata.num_rows,
        tuple(date.fromisoformat(day) for day in words["as_of"]),
        words["grid_version"],
        tuple(words["features"]),
        words["features_hash"],
        words["data_hashes"],
        words.get("timezone", ""),  # older snapshots do not say
    )


def is_fresh(
    path: Path, *, grid_version: str, data_hashes: Mapping[str, str], timezone: str
) -> bool:
    """Whether a snapshot is there and was made of this grid, these data, features and zone."""
    if not path.is_file():
        return False
    try:
        info = snapshot_info(path)
    except BadInput:
        return False
    made_of = (info.grid_version, dict(info.data_hashes), info.features_hash, info.timezone)
    return made_of == (grid_version, dict(data_hashes), features_hash(), timezone)


def read_features(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The rows of a snapshot: `as_of` a `datetime.date`, numbers float64, words str or None."""
    return _frame(_open(path).read(columns=_columns(path, columns)))


def iter_features(
    path: Path, rows: int = 50_000, columns: Sequence[str] | None = None
) -> Iterator[pd.DataFrame]:
    """The rows of a snapshot in order, at most `rows` at a time."""
    chosen = _columns(path, columns)
    for batch in _open(path).iter_batches(batch_size=rows, columns=chosen):
        yield _frame(pa.Table.from_batches([batch]))


def _frame(rows: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = rows.to_pandas()
    return frame


def _columns(path: Path, columns: Sequence[str] | None) -> list[str] | None:
    if columns is None:
        return None
    absent = sorted(set(columns) - set(_open(path).schema_arrow.names))
    if absent:
        raise BadInput(f"file '{path}' lacks the columns {', '.join(absent)}")
    return list(columns)


def _open(path: Path) -> pq.ParquetFile:
    if not path.is_file():
        raise BadInput(f"snapshot '{path}' is missing; write it by `gridkeep features`")
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"file '{path}' cannot be read as Parquet: {error}") from error


def _write(
    file: Path, tables: "Tables", info: SnapshotInfo, cells: pa.Table, progress: Progress
) -> int:
    schema, rows = _schema(info), 0
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=WORDS) as writer:
        progress("features", 0.0)
        for part in _computed(tables, info, cells):
            writer.write_table(_checked(part.rows, info).cast(schema))
            rows += len(part.rows)
            progress("features", part.number / (part.of + 1))
    if rows == 0:
        raise BadInput(
            f"no customer was with the bank at {', '.join(map(str, info.as_of))}; "
            "choose a later --as-of"
        )
    progress("features", 1.0)
    return rows


def _computed(tables: "Tables", info: SnapshotInfo, cells: pa.Table) -> "Iterator[Range]":
    """The rows in order: on this machine range by range, on Spark by one query, which spills."""
    from features.run import Range, run

    if tables.settings.kind == "duckdb":
        yield from run(tables, info.as_of, cells, _parts_of(info, cells))
        return
    import ibis

    from features.customer import customer_features
    from features.engine import batches_of

    rows = customer_features(tables, info.as_of)
    rows = rows.left_join(ibis.memtable(cells), "customer_id").drop("customer_id_right")
    ordered = rows.select(*KEY, *FEATURES).order_by("customer_id", "as_of")
    for number, batch in enumerate(batches_of(ordered), 1):
        yield Range(batch, number, number)  # nobody knows how many will come


def _parts_of(info: SnapshotInfo, cells: pa.Table) -> Path | None:
    """Where parts of a run wait for the rest; None when nobody knows what they are made of."""
    if not info.data_hashes:
        return None
    placed = pa.BufferOutputStream()
    with pa.ipc.new_stream(placed, cells.schema) as stream:
        stream.write_table(cells)
    made_of = hashlib.sha256(json.dumps(_words(info), sort_keys=True).encode())
    made_of.update(placed.getvalue())
    return info.path.with_name(f"{_parts_prefix(info.path)}{made_of.hexdigest()[:16]}")


def _parts_prefix(out: Path) -> str:
    return f".{out.name}-parts-"


def _checked(batch: pa.Table, info: SnapshotInfo) -> pa.Table:
    lost = batch.filter(batch["cell_id"].is_null())
    if len(lost):
        raise BadInput(
            f"{len(lost)} customers have no cell in grid {info.grid_version or '(unnamed)'} "
            f"(first: {lost['customer_id'][0]}); run `gridkeep partition`"
        )
    return batch


def _schema(info: SnapshotInfo) -> pa.Schema:
    kinds = {"number": pa.float64(), "category": pa.string()}
    key = [("customer_id", pa.string()), ("as_of", pa.date32()), ("cell_id", pa.string())]
    columns = [(known.name, kinds[known.kind]) for known in FEATURES.values()]
    return pa.schema([*key, *columns], metadata={METADATA: json.dumps(_words(info)).encode()})


def _words(info: SnapshotInfo) -> dict[str, Any]:
    return {
        "as_of": [day.isoformat() for day in info.as_of],
        "grid_version": info.grid_version,
        "features": list(info.features),
        "features_hash": info.features_hash,
        "data_hashes": dict(info.data_hashes),
        "timezone": info.timezone,
    }
