"""A night's scores on Spark: each executor opens the verified models and writes whole parts.

The parts are those of a run on one machine, byte for byte, so that a run that was stopped can
be taken up by either. Only plain values travel: paths, numbers, and the files of the models.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from domain.errors import BadInput
from serving.parts import Crew, Part, PartsJob, score_part
from serving.scoring import Scorer
from serving.sealed import SealedBundle, scorer_of

PlainBundle = tuple[str, str, str, tuple[tuple[str, bytes], ...]]
PlainPart = tuple[str, int, int]


def spark_crew(spark: Any, bundles: Sequence[SealedBundle]) -> Crew:
    """A crew of the executors of `spark` (a `features.spark.session.Spark`).

    The folders of snapshot and score file must be shared with them under the same path;
    BadInput when they are not, when a hash differs there, or when the work is given up.
    """
    plain: tuple[PlainBundle, ...] = tuple(
        (bundle.name, bundle.version, bundle.digest, bundle.files) for bundle in bundles
    )

    def crew(job: PartsJob, scorer: Scorer, done: Callable[[int], None]) -> None:
        if not job.parts:
            return
        parts = tuple((str(part.path.absolute()), part.first, part.rows) for part in job.parts)
        snapshot = str(job.snapshot.absolute())
        work = partial(
            _work, plain, scorer.reasons, scorer.language, snapshot, job.grid_version, parts
        )
        count = len(parts)
        frame = spark.session.range(0, count, 1, count).mapInArrow(work, "id bigint")
        spark.run(frame.toArrow, lambda: done(_written(job)))
        _require_parts(job)
        done(count)

    return crew


def _work(
    bundles: tuple[PlainBundle, ...],
    reasons: int,
    language: str,
    snapshot: str,
    grid_version: str,
    parts: tuple[PlainPart, ...],
    batches: Iterator[pa.RecordBatch],
) -> Iterator[pa.RecordBatch]:
    """On an executor: the parts whose numbers come in."""
    for batch in batches:
        for at in batch.column(0).to_pylist():
            path, first, rows = parts[at]
            part = Part(Path(path), first, rows)
            score_part(Path(snapshot), grid_version, part, _scorer(bundles, reasons, language))
        yield batch


@lru_cache(maxsize=1)
def _scorer(bundles: tuple[PlainBundle, ...], reasons: int, language: str) -> Scorer:
    """Opened once in a worker process; a task has one core."""
    return scorer_of([SealedBundle(*bundle) for bundle in bundles], 1, reasons, language)


def _written(job: PartsJob) -> int:
    return sum(part.path.exists() for part in job.parts)


def _require_parts(job: PartsJob) -> None:
    if (found := _written(job)) < len(job.parts):
        raise BadInput(
            f"Spark finished {len(job.parts)} parts, {found} reached "
            f"'{job.parts[0].path.parent}': that folder must be shared with every worker under "
            "the same path"
        )
