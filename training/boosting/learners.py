"""Where the trees grow: in this process, or in those of a Dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.boosting.search import Fit
from training.rows.encoding import encoded
from training.rows.store import StoredRows, needing_room
from training.settings import RetentionSettings

FEWEST_BUCKETS = 16  # so that every worker holds several


def buckets(settings: RetentionSettings) -> int:
    """Random groups of customers that the rows are written in; 0 for one process.

    >>> buckets(RetentionSettings()), buckets(RetentionSettings(learner="dask", workers=8))
    (0, 32)
    """
    return 0 if settings.learner == "local" else max(FEWEST_BUCKETS, 4 * settings.workers)


@contextmanager
def learner(rows: StoredRows, settings: RetentionSettings, folder: Path) -> Iterator[Fit]:
    """A function that fits a classifier on the stored rows; `folder` takes its working files.

    Raises BadInput when a cluster is asked for and cannot be used, before or while it learns.
    """
    if settings.learner == "dask":
        # heavy, and an extra of the installation
        from training.boosting.distributed import distributed

        with distributed(rows, settings, folder) as fit:
            yield fit
    else:
        with needing_room(folder):
            numbers = encoded(rows.train, rows.counts.rows, folder / "matrix.f64")
        yield lambda model, watch=None: model.fit_encoded(numbers, watch)
