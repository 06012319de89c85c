"""A Dask cluster for one training: processes of this machine, or those of a scheduler elsewhere.

Whatever goes wrong with it ends the training with one message; nothing waits for ever.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from domain.errors import BadInput
from training.settings import RetentionSettings

Client = Any  # distributed's, which has no types
Answer = TypeVar("Answer")
REACH_SECONDS = 20.0  # for a scheduler to answer, and its workers to be there
WATCH_SECONDS = 0.5  # between two looks at the workers


class Cluster:
    """A client and the workers that it began with; losing one of them ends the work."""

    def __init__(self, client: Client) -> None:
        self.client = client
        _mute()
        self.workers = tuple(sorted(client.nthreads()))

    def run(self, work: Callable[[], Answer]) -> Answer:
        """The answer of `work`; BadInput when the scheduler or a worker is lost meanwhile."""
        answer: Future[Answer] = Future()
        # a daemon: work that hangs on a lost worker must not keep this process alive
        threading.Thread(target=_settle, args=(answer, work), daemon=True).start()
        while not _is_settled(answer):
            self._require_workers()
        error = answer.exception()
        if error is None:
            return answer.result()
        self._require_workers()
        raise _told(error) from error

    def require_visible(self, files: Sequence[Path]) -> None:
        """BadInput unless every worker can read every file."""
        paths = [str(file) for file in files]
        found = self.run(lambda: self.client.run(_unreadable, paths))
        blind = {worker: missing for worker, missing in found.items() if missing}
        if blind:
            worker, missing = next(iter(blind.items()))
            raise BadInput(
                f"the Dask worker {worker} cannot read {missing}; set output.folder to a folder "
                "that this machine and all workers have under the same path"
            )

    def _require_workers(self) -> None:
        try:
            present = set(self.client.nthreads()) if self.client.status == "running" else None
        except (OSError, TimeoutError) as error:
            raise BadInput(_lost("scheduler", str(error))) from error
        if present is None:
            raise BadInput(_lost("scheduler", "the connection is closed"))
        if gone := sorted(set(self.workers) - present):
            raise BadInput(_lost(f"worker {gone[0]}", "its process ended or its machine is away"))


@contextmanager
def cluster(settings: RetentionSettings, folder: Path) -> Iterator[Cluster]:
    """The cluster that the settings name, closed afterwards; local workers use `folder`.

    Raises BadInput when Dask is not installed, or the scheduler or its workers do not answer.
    """
    distributed = _distributed()
    with ExitStack() as stack:
        if settings.scheduler:
            client = _remote(settings.scheduler)
        else:
            local = stack.enter_context(_processes(settings, folder))
            client = distributed.Client(local)
            client.run(_be_silent)
        stack.callback(_quietly, client.close)
        _require(client, settings)
        yield Cluster(client)


@contextmanager
def _processes(settings: RetentionSettings, folder: Path) -> Iterator[Any]:
    """Workers of this machine that only it can reach, without a dashboard."""
    local = _distributed().LocalCluster(
        n_workers=settings.workers,
        threads_per_worker=settings.threads,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",  # of the health pages; none of them is a dashboard
        scheduler_kwargs={"dashboard": False},
        local_directory=str(folder),
        silence_logs="CRITICAL",
    )
    try:
        yield local
    finally:
        _quietly(local.close)


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise BadInput(
            'retention.learner = "dask" needs the extra: pip install "gridkeep[dask]"'
        ) from error
    return distributed


def _remote(address: str) -> Client:
    try:
        return _distributed().Client(address, timeout=REACH_SECONDS)
    except (OSError, ValueError, TypeError, TimeoutError) as error:
        raise BadInput(
            f"the Dask scheduler at {address!r} does not answer ({_first_line(error)}); start one "
            "with `dask scheduler`, correct retention.scheduler, or leave it out to use processes "
            "of this machine"
        ) from error


def _require(client: Client, settings: RetentionSettings) -> None:
    try:
        client.wait_for_workers(settings.workers, timeout=REACH_SECONDS)
    except TimeoutError as error:
        raise BadInput(
            f"the Dask scheduler has {len(client.nthreads())} workers and retention.workers asks "
            f"for {settings.workers}; start them with `dask worker ADDRESS`, or lower "
            "retention.workers"
        ) from error


def _settle(answer: "Future[Answer]", work: Callable[[], Answer]) -> None:
    try:
        answer.set_result(work())
    except BaseException as error:  # noqa: BLE001 (raised again where it is waited for)
        answer.set_exception(error)


def _is_settled(answer: "Future[Answer]") -> bool:
    with suppress(TimeoutError):
        answer.exception(timeout=WATCH_SECONDS)
    return answer.done()


def _be_silent() -> None:
    """Workers of this machine share its standard output, where the command's answer goes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _mute() -> None:
    """LightGBM tells of ports on standard output too; errors it raises anyway."""
    import lightgbm

    errors = logging.getLogger("gridkeep.lightgbm")
    errors.setLevel(logging.ERROR)
    lightgbm.register_logger(errors)


def _unreadable(files: Sequence[str]) -> str:
    """The first file that this process cannot read, or nothing; runs on the workers."""
    return next((file for file in files if not os.access(file, os.R_OK)), "")


def _told(error: BaseException) -> BaseException:
    """A cluster's own trouble in words a user can act on; any other error as it is."""
    from lightgbm.basic import LightGBMError

    if isinstance(error, ImportError):
        return BadInput(
            f"a Dask worker lacks a package ({error}); install the same release of gridkeep[dask] "
            "on every worker as here"
        )
    if isinstance(error, _distributed().scheduler.KilledWorker | MemoryError):
        return BadInput(
            f"Dask workers ran out of memory or died again and again ({_first_line(error)}); "
            "give them more memory, or add workers"
        )
    if isinstance(error, LightGBMError | OSError | TimeoutError):
        return BadInput(
            f"the distributed learner failed ({_first_line(error)}); look at the logs of the "
            "workers, then train again"
        )
    return error


def _lost(what: str, why: str) -> str:
    return (
        f"the Dask {what} was lost while the model was trained ({why}); nothing was registered; "
        "see that every worker has memory enough, then train again"
    )


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _quietly(close: Callable[[], object]) -> None:
    # what is left of a broken cluster must not hide why it broke
    with suppress(Exception):
        close()
