"""The parts of a night's scores: rows of a snapshot in, one file out, whoever does the work."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import BadInput
from features.arrow import rebatched
from features.atomic import replacing
from serving.score_table import score_table
from serving.scoring import Scorer


class Part(NamedTuple):
    """`rows` rows of the snapshot from row `first` on, and the file that their scores go to."""

    path: Path
    first: int
    rows: int


class PartsJob(NamedTuple):
    """What is left to do of one score file."""

    snapshot: Path
    grid_version: str
    parts: tuple[Part, ...]


# does the job and tells, as it goes, how many of its parts are done
Crew = Callable[[PartsJob, Scorer, Callable[[int], None]], None]


def alone(job: PartsJob, scorer: Scorer, done: Callable[[int], None]) -> None:
    """The crew of this process: one part after the other."""
    for at, part in enumerate(job.parts, 1):
        score_part(job.snapshot, job.grid_version, part, scorer)
        done(at)


def score_part(snapshot: Path, grid_version: str, part: Part, scorer: Scorer) -> None:
    """Score the rows of a part into its file, which is there whole or not at all."""
    for rows in rebatched(_slice(snapshot, part.first, part.rows), part.rows):
        scores = score_table(scorer.score(rows.to_pandas(), grid_version))
        with replacing(part.path) as temporary:
            pq.write_table(scores, temporary)


def _slice(snapshot: Path, first: int, rows: int) -> Iterator[pa.RecordBatch]:
    """The rows from `first` on, read from the row groups that hold them and no others."""
    try:
        with pq.ParquetFile(snapshot) as source:
            groups, skip = _groups(source, first, rows)
            wanted = rows
            for batch in source.iter_batches(row_groups=groups, use_threads=False):
                found = batch.slice(min(skip, batch.num_rows), wanted)
                skip -= min(skip, batch.num_rows)
                wanted -= found.num_rows
                yield found
    except (OSError, pa.ArrowException) as error:
        raise BadInput(
            f"the feature snapshot cannot be read to its end ({error}); make it again with "
            "`gridkeep features`"
        ) from error


def _groups(source: pq.ParquetFile, first: int, rows: int) -> tuple[list[int], int]:
    """The row groups that hold the rows, and how many of their rows come before `first`."""
    groups: list[int] = []
    before = start = 0
    for at in range(source.num_row_groups):
        end = start + source.metadata.row_group(at).num_rows
        if end > first and start < first + rows:
            before = before if groups else first - start
            groups.append(at)
        start = end
    return groups, before
