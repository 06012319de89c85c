"""Labelled rows on disk: written as they stream from the engine, read a sample or a part at a time.

A training set of millions of customers at several cut-offs need not fit into memory. Its Parquet
files hold one row per (customer, cut-off) of the set: keys, features, `churned` and
`customer_draw`, a number that samples whole customers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domain.errors import BadInput
from features.engine import Tables, batches_of
from features.labels import churn_labels
from features.settings import LabelSettings
from features.snapshot import iter_features, write_features
from training.rows.dataset import DRAW, TARGET, CutoffPlan, cells_for, steady

Floats = NDArray[np.float64]
Progress = Callable[[str, float], None]
BATCH_ROWS = 100_000
PART_ROWS = 250_000  # of one file, about 120 MB of numbers with 60 features
PAIR = ["customer_id", "as_of"]


class Counts(NamedTuple):
    """Rows and customers of the training cut-offs, all and lost."""

    rows: int
    customers: int
    lost_rows: int
    lost_customers: int


class StoredRows(NamedTuple):
    """Where the rows are: `snapshot` holds everyone, the others who is in the label's set."""

    snapshot: Path
    train: tuple[Path, ...]
    later: tuple[Path, ...]
    counts: Counts


def write_rows(
    tables: Tables,
    cells: pd.DataFrame,
    plan: CutoffPlan,
    label: LabelSettings,
    folder: Path,
    progress: Progress,
    *,
    seed: int = 0,
    buckets: int = 0,
    counting: Sequence[Callable[[pd.DataFrame], None]] = (),
    protected: Sequence[str] = (),
) -> StoredRows:
    """Write the rows of every cut-off of `plan` into `folder`, some customers at a time.

    The files are in order of cut-offs, then of customers. With `buckets`, those to train on are
    spread over so many random groups of customers instead, each in files of its own. All that is
    `counting` is given the rows to train on, in order of customers. Features that are `protected`
    are in the rows that judge, where groups are compared, and not in those to train on.
    """
    days = (*plan.train, *plan.evaluate)
    snapshot = folder / "features.parquet"
    write_features(
        tables, days, snapshot, cells_for(_ids(tables), cells), lambda s, at: progress(s, 0.8 * at)
    )
    labels = [_write_labels(tables, day, label, folder) for day in days]
    train, later, counts = _Parts(folder / "train"), _Parts(folder / "later"), _Counter()
    with needing_room(folder), train, later:
        rows_read, everyone = 0, pq.read_metadata(snapshot).num_rows
        for batch in iter_features(snapshot, BATCH_ROWS):
            progress("labels", 0.8 + 0.2 * rows_read / everyone)
            rows_read += len(batch)
            rows = _drawn(_labelled(batch, labels), seed)
            early = rows["as_of"].isin(plan.train)
            learned = rows[early].drop(columns=list(protected))
            train.add(learned, _buckets(learned, buckets, seed))
            later.add(rows[~early], rows.loc[~early, "as_of"].map(str))
            for count in (counts.add, *counting):
                count(rows[early])
    return StoredRows(snapshot, train.files, later.files, counts.counts)


def read_rows(parts: Sequence[Path], low: float = 0.0, high: float = 1.0) -> pd.DataFrame:
    """Rows of the customers with a draw from `low` to below `high`, in the order of the files."""
    if not parts:  # nobody is in the set of the label
        return pd.DataFrame(columns=[*PAIR, TARGET])
    drawn = (ds.field(DRAW) >= low) & (ds.field(DRAW) < high)
    found = ds.dataset([str(part) for part in parts]).to_table(filter=drawn)
    frame: pd.DataFrame = found.drop_columns(DRAW).to_pandas(split_blocks=True, self_destruct=True)
    return frame


def read_sample(parts: Sequence[Path], customers: int, of: int) -> pd.DataFrame:
    """Rows of about `customers` of the `of` customers, all when there are no more.

    They have the highest draws; a learner that keeps customers aside takes the lowest.
    """
    return read_rows(parts, 1.0 - min(1.0, customers / max(of, 1)))


def everyone_at(
    snapshot: Path,
    as_of: date,
    columns: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Rows of all customers at one cut-off, in the label's set or not, numbers to nine digits.

    `ids` narrows them to those customers.
    """
    wanted = ds.field("as_of") == as_of
    if ids is not None:
        wanted = wanted & ds.field("customer_id").isin(list(ids))
    rows = ds.dataset(str(snapshot)).to_table(columns, filter=wanted)
    return steady(rows.to_pandas(split_blocks=True, self_destruct=True))


@contextmanager
def needing_room(folder: Path) -> Iterator[None]:
    """BadInput instead of an error of the disk that `folder` is on."""
    try:
        yield
    except OSError as error:
        raise BadInput(
            f"cannot write the training rows in '{folder.parent}': {error.strerror or error}; "
            "make room there, or set output.folder to another disk"
        ) from error


def customer_draws(ids: pd.Series, seed: int) -> Floats:
    """A number in [0, 1) for each id, evenly spread; one id and seed always give the same one.

    >>> draws = customer_draws(pd.Series(["a", "b", "a"]), seed=0)
    >>> draws[0] == draws[2] != draws[1]
    np.True_
    """
    # 53 bits are what a float64 holds
    return np.asarray((_hashes(ids, seed) >> np.uint64(11)) / 2.0**53)


def _hashes(ids: pd.Series, seed: int) -> NDArray[np.uint64]:
    key = f"{seed:016d}"[-16:]  # pandas wants sixteen bytes
    # one by one: pandas would take an id with a NUL for the one before it
    values = ids.to_numpy(object)
    return np.asarray(pd.util.hash_array(values, hash_key=key, categorize=False))


def _buckets(rows: pd.DataFrame, buckets: int, seed: int) -> pd.Series:
    if not buckets:
        return rows["as_of"].map(str)
    # the low bits, which the draw does not use
    codes = (_hashes(rows["customer_id"], seed) & np.uint64(0x7FF)) % np.uint64(buckets)
    return pd.Series(codes, rows.index).map("bucket-{:04d}".format)


def _ids(tables: Tables) -> pd.Series:
    ids: pd.Series = tables.customers.select("customer_id").distinct().execute()["customer_id"]
    return ids


def _write_labels(tables: Tables, day: date, label: LabelSettings, folder: Path) -> Path:
    file = folder / f"labels-{day}.parquet"
    rows = churn_labels(tables, day, label).order_by("customer_id")
    schema = pa.schema({"customer_id": pa.string(), "as_of": pa.date32(), TARGET: pa.int64()})
    with pq.ParquetWriter(file, schema) as writer:
        for batch in batches_of(rows):
            writer.write_table(batch.select(schema.names).cast(schema))
    return file


def _labelled(batch: pd.DataFrame, labels: Sequence[Path]) -> pd.DataFrame:
    # both are in order of customers: only the stretch between the first and the last is read
    ids = ds.field("customer_id")
    first, last = batch["customer_id"].iloc[0], batch["customer_id"].iloc[-1]
    near = ds.dataset([str(file) for file in labels]).to_table(
        filter=(ids >= first) & (ids <= last)
    )
    return batch.merge(near.to_pandas(), on=PAIR, how="inner", validate="1:1")


def _drawn(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    return steady(rows).assign(**{DRAW: customer_draws(rows["customer_id"], seed)})


class _Counter:
    """Counts customers by their changes: the rows come in order of customers."""

    def __init__(self) -> None:
        self.counts = Counts(0, 0, 0, 0)
        self._last = ["", ""]

    def add(self, rows: pd.DataFrame) -> None:
        lost = rows[rows[TARGET] == 1]
        found = (len(rows), self._new(rows, 0), len(lost), self._new(lost, 1))
        self.counts = Counts(*(was + more for was, more in zip(self.counts, found, strict=True)))

    def _new(self, rows: pd.DataFrame, which: int) -> int:
        ids = rows["customer_id"]
        changes = int((ids != ids.shift(fill_value=self._last[which])).sum())
        self._last[which] = ids.iloc[-1] if len(ids) else self._last[which]
        return changes


class _Parts:
    """Parquet files that grow side by side, one a key; a full one is followed by the next."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder, self._open = folder, ExitStack()
        self._writers: dict[str, tuple[Any, int]] = {}  # and rows written
        self._count: dict[str, int] = {}

    @property
    def files(self) -> tuple[Path, ...]:
        """In order of keys, then of writing."""
        return tuple(sorted(self._folder.glob("*.parquet")))

    def add(self, rows: pd.DataFrame, keys: pd.Series) -> None:
        """Append each row to the file of its key."""
        for key, part in rows.groupby(keys.to_numpy(), sort=True):
            self._append(str(key), pa.Table.from_pandas(part, preserve_index=False))

    def _append(self, key: str, rows: pa.Table) -> None:
        writer, written = self._writers.get(key, (None, PART_ROWS))
        if written >= PART_ROWS:
            writer, written = self._next(key, writer, rows.schema), 0
        writer.write_table(rows.cast(writer.schema))
        self._writers[key] = (writer, written + len(rows))

    def _next(self, key: str, full: Any, schema: pa.Schema) -> Any:
        if full is not None:
            full.close()
        at = self._count[key] = self._count.get(key, -1) + 1
        file = self._folder / f"{key}-{at:05d}.parquet"
        return self._open.enter_context(pq.ParquetWriter(file, schema, compression="zstd"))

    def __enter__(self) -> "_Parts":
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()
