"""Labelled rows as numbers: the manifest from one pass over files, the matrix a batch at a time."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from features.manifest import FeatureColumn, FeatureManifest
from training.rows.dataset import DRAW, TARGET, feature_names
from training.rows.mixed_table import BadRows

Floats = NDArray[np.float64]
BATCH_ROWS = 65_536


class Encoded(NamedTuple):
    """Rows a model learns from: coded features, classes, and which rows belong together."""

    manifest: FeatureManifest
    matrix: Floats
    y: NDArray[Any]
    groups: ArrayLike


def manifest_of(parts: Sequence[Path]) -> FeatureManifest:
    """The manifest of rows in Parquet files, columns in order of their names.

    Of each category only the known values are held.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "rows.parquet"
    >>> pd.DataFrame({"a": [1.0, 2.0], "b": ["y", "x"], "churned": [0, 1]}).to_parquet(file)
    >>> [(column.name, column.vocabulary) for column in manifest_of([file]).columns]
    [('a', ()), ('b', ('x', 'y'))]
    """
    schema = pq.read_schema(parts[0])
    names = sorted(feature_names(pd.DataFrame(columns=schema.names)))
    words = [name for name in names if _is_text(schema.field(name).type)]
    known: dict[str, set[str]] = {name: set() for name in words}
    for batch in _batches(parts, words) if words else ():
        for name in words:
            known[name].update(batch[name].unique().drop_null().to_pylist())
    return FeatureManifest(columns=tuple(_column(name, known.get(name)) for name in names))


def encoded(parts: Sequence[Path], rows: int, file: Path) -> Encoded:
    """The rows of Parquet files in order, as a matrix that lives in `file` and not in memory.

    `rows` is how many there are. The system keeps of the file what fits and reads the rest again.
    """
    manifest = manifest_of(parts)
    shape = (rows, len(manifest.names))
    with file.open("wb") as room:
        # a disk that fills while it is written to through memory would kill this process
        os.posix_fallocate(room.fileno(), 0, 8 * rows * shape[1])
    matrix = np.memmap(file, np.float64, "r+", shape=shape)
    target, groups = np.empty(rows, dtype=np.int8), np.empty(rows)
    at = 0
    for batch in _batches(parts, [*manifest.names, TARGET, DRAW]):
        here = slice(at, at + len(batch))
        matrix[here] = manifest.encode(batch.to_pandas())
        target[here], groups[here] = batch[TARGET], batch[DRAW]
        at += len(batch)
    return Encoded(manifest, np.asarray(matrix), target, groups)


def two_classes(y: ArrayLike) -> tuple[NDArray[Any], Floats]:
    """The two classes in order, and 0 or 1 for each row; BadInput when there are not two.

    >>> two_classes(["lost", "kept"])[1].tolist()
    [1.0, 0.0]
    """
    classes, codes, counts = np.unique(np.asarray(y), return_inverse=True, return_counts=True)
    if len(classes) != 2:
        seen = ", ".join(f"{n} x {c}" for c, n in zip(classes.tolist(), counts, strict=True))
        raise BadRows(
            f"the label holds {len(classes)} class{'' if len(classes) == 1 else 'es'} "
            f"({seen or 'no rows'}) and retention needs 2; choose other cut-offs or another "
            "[label], or deliver more customers. Only binary classification is supported."
        )
    return classes, codes.astype(np.float64)


def tree_names(names: list[str]) -> list[str] | str:
    """The names for LightGBM; its text has no quoting, so others are left to it to number.

    >>> tree_names(["spend_90d", "two words"])
    'auto'
    """
    return names if all(name.isascii() and name.isidentifier() for name in names) else "auto"


def _batches(parts: Sequence[Path], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for part in parts:
        with pq.ParquetFile(part) as file:
            yield from file.iter_batches(BATCH_ROWS, columns=list(columns))


def _is_text(kind: pa.DataType) -> bool:
    return not (
        pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    )


def _column(name: str, known: set[str] | None) -> FeatureColumn:
    if known is None:
        return FeatureColumn(name=name, kind="number")
    return FeatureColumn(name=name, kind="category", vocabulary=tuple(sorted(known)))
