"""A night's scores: a feature snapshot in, a score file out, part by part.

Finished parts wait in `OUT.parts/`, named by a key of everything that decides their content.
A run that was stopped, however hard, goes on behind the last finished part, and the score file
appears whole or not at all.
"""

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import BadInput
from domain.scores import RISK_BANDS
from features.atomic import replacing
from serving.parts import Crew, Part, PartsJob, alone
from serving.score_table import score_schema
from serving.scoring import Scorer

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class ScoreSummary:
    """What a batch wrote; `resumed_parts` were found finished and not computed again.

    `value_unknown` customers have no value to be at risk: they are not in `value_at_risk`.
    """

    out: Path
    customers: int
    risk_bands: dict[str, int]
    value_at_risk: float
    value_unknown: int
    parts: int
    resumed_parts: int


def _silent(step: str, share: float) -> None:
    """No progress shown."""


def score_snapshot(
    snapshot: Path,
    scorer: Scorer,
    out: Path,
    grid_version: str,
    progress: Progress = _silent,
    rows: int = 50_000,
    crew: Crew = alone,
) -> ScoreSummary:
    """Score every row of a feature snapshot into the Parquet file `out`, `rows` at a time.

    `crew` does the work: this process by itself, or the executors of Spark. Raises BadInput
    when the snapshot cannot be read, a model knows another grid or `out` cannot be written;
    finished parts are kept for the next run then, and `out` is as it was.
    """
    source = _opened(snapshot)
    scorer.require_grid(grid_version)
    try:
        with _parts_folder(out) as folder:
            key = _key(snapshot, scorer, grid_version, rows)
            _forget_others(folder, key)
            parts = _parts(folder, key, source.metadata.num_rows, rows)
            left = tuple(part for part in parts if not part.path.exists())
            resumed = len(parts) - len(left)
            told = _telling(progress, resumed, len(parts))
            told(0)
            crew(PartsJob(snapshot, grid_version, left), scorer, told)
            summary = _joined(
                [part.path for part in parts], out, resumed, score_schema(scorer.columns)
            )
    except OSError as error:
        raise BadInput(f"cannot write '{out}': {error.strerror or error}") from error
    shutil.rmtree(_parts_path(out), ignore_errors=True)
    progress("scoring customers", 1.0)
    return summary


def _opened(snapshot: Path) -> pq.ParquetFile:
    try:
        source = pq.ParquetFile(snapshot)
    except FileNotFoundError as error:
        raise BadInput(
            f"feature snapshot {snapshot} is not there; run `gridkeep features` first"
        ) from error
    except (OSError, pa.ArrowInvalid) as error:
        raise BadInput(f"feature snapshot {snapshot} is not a Parquet file: {error}") from error
    names = source.schema_arrow.names
    if absent := [name for name in ("customer_id", "as_of", "cell_id") if name not in names]:
        raise BadInput(f"feature snapshot {snapshot} has no column {', '.join(absent)}")
    return source


def _parts_path(out: Path) -> Path:
    return out.with_name(out.name + ".parts")


@contextmanager
def _parts_folder(out: Path) -> Iterator[Path]:
    """The folder of the parts, ours alone: the lock dies with its process, kill -9 included."""
    folder = _parts_path(out)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadInput(f"another run is writing {out}; wait for it or stop it") from error
        yield folder


def _key(snapshot: Path, scorer: Scorer, grid_version: str, rows: int) -> str:
    with snapshot.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256")
    models = [scorer.retention, *([scorer.segmentation] if scorer.segmentation else [])]
    versions = [f"{model.card.name} {model.version} {model.digest}" for model in models]
    told = [
        *versions,
        grid_version,
        str(rows),
        str(scorer.reasons),
        scorer.language,
        score_schema(scorer.columns).to_string(),
    ]
    digest.update("\n".join(told).encode())
    return digest.hexdigest()[:16]


def _forget_others(folder: Path, key: str) -> None:
    """Remove parts of other runs and what a killed run left half-written."""
    for found in folder.iterdir():
        finished = found.name.startswith(f"{key}-") and found.suffix == ".parquet"
        if found.name != "lock" and not finished:
            found.unlink()


def _parts(folder: Path, key: str, total: int, rows: int) -> list[Part]:
    starts = range(0, total, rows)
    return [
        Part(folder / f"{key}-{at:06d}.parquet", first, min(rows, total - first))
        for at, first in enumerate(starts)
    ]


def _telling(progress: Progress, resumed: int, total: int) -> Callable[[int], None]:
    """Progress of the parts; the last step is to join them."""
    return lambda done: progress("scoring customers", (resumed + done) / (total + 1))


def _joined(parts: list[Path], out: Path, resumed: int, schema: pa.Schema) -> ScoreSummary:
    bands = dict.fromkeys(RISK_BANDS, 0)
    customers, value, unknown = 0, 0.0, 0
    joined = _parts_path(out) / "joined"  # a run killed here leaves nothing beside `out`
    with replacing(joined) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for part in parts:
            table = pq.read_table(part)
            writer.write_table(table, row_group_size=max(table.num_rows, 1))
            customers += table.num_rows
            value += table["value_at_risk"].to_pandas().sum()
            unknown += table["value_at_risk"].null_count
            for band in table["risk_band"].to_pylist():
                bands[band] += 1
    joined.replace(out)
    return ScoreSummary(out, customers, bands, float(value), unknown, len(parts), resumed)
