"""Runs of the store: how they end, those nested in them, and those that a kill left open."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from domain.model_store import StoreFailure
from training.boosting.trials import Trial
from training.store.champions import now
from training.store.processes import PROCESS_TAG, is_gone, this_process

SWEPT_TAG = "gridkeep.swept"  # of a run that was closed because its process was gone: when
PARENT_TAG = "mlflow.parentRunId"  # MLflow's own, by which its pages nest one run in another

TRIAL_TAG = "gridkeep.trial"  # of a nested run: the number of its trial


@contextmanager
def ending(client: Any, run_id: str) -> Iterator[str]:
    """End the run FINISHED when the block does, else FAILED, or KILLED when it was stopped."""
    try:
        yield run_id
    except BaseException as error:
        status = "FAILED" if isinstance(error, Exception) else "KILLED"
        with suppress(StoreFailure):  # what ended the run is what the user must hear
            client.set_terminated(run_id, status)
        raise
    client.set_terminated(run_id, "FINISHED")


class TrialRuns:
    """Trials of the search as runs nested in a training's; each is written once."""

    def __init__(self, client: Any, experiment: str, run_id: str) -> None:
        self.client, self.run_id, self._experiment = client, run_id, experiment
        self._written: set[str] | None = None  # not asked for yet

    def write(self, trials: Sequence[Trial]) -> None:
        """A run for every trial that has none yet."""
        if self._written is None and trials:
            self._written = self._in_store()
        for trial in trials:
            if self._written is not None and str(trial.number) not in self._written:
                self._write(trial)
                self._written.add(str(trial.number))

    def try_to_write(self, trials: Sequence[Trial]) -> None:
        """The same; a store that does not answer gets them with the next trial."""
        with suppress(StoreFailure):
            self.write(trials)

    def _in_store(self) -> set[str]:
        nested = _all_runs(self.client, self._experiment, f"tags.`{PARENT_TAG}` = '{self.run_id}'")
        whole = [run for run in nested if run.info.status == "FINISHED"]
        # nobody else writes those of this run: one that is open was cut short
        _close(self.client, [run for run in nested if run.info.status == "RUNNING"])
        return {run.data.tags.get(TRIAL_TAG, "") for run in whole}

    def _write(self, trial: Trial) -> None:
        marks = {PARENT_TAG: self.run_id, PROCESS_TAG: this_process()}
        marks |= {TRIAL_TAG: str(trial.number), f"{TRIAL_TAG}_state": trial.state}
        run = self.client.create_run(self._experiment, tags=marks, run_name=f"trial {trial.number}")
        with ending(self.client, run.info.run_id) as nested:
            for name, value in trial.parameters.items():
                self.client.log_param(nested, name, str(value))
            self.client.log_metric(nested, "rounds", trial.rounds)
            if trial.log_loss is not None:
                self.client.log_metric(nested, "out_of_fold_log_loss", trial.log_loss)


def close_left_open(client: Any, experiment: str) -> list[str]:
    """End every run, nested ones too, whose process is gone as KILLED; their ids."""
    running = _all_runs(client, experiment, "attributes.status = 'RUNNING'")
    left = [run for run in running if _is_left(run)]
    _close(client, left)
    return [run.info.run_id for run in left]


def _close(client: Any, runs: Sequence[Any]) -> None:
    for run in runs:
        client.set_tag(run.info.run_id, SWEPT_TAG, now())
        client.set_terminated(run.info.run_id, "KILLED")


def _all_runs(client: Any, experiment: str, wanted: str) -> list[Any]:
    """Every run that is `wanted`; a store tells them a page at a time."""
    found: list[Any] = []
    token = None
    while True:
        page = client.search_runs([experiment], wanted, page_token=token)
        found, token = [*found, *page], page.token
        if not token:
            return found


def _is_left(run: Any) -> bool:
    return is_gone(run.data.tags.get(PROCESS_TAG, '{"host": ""}'))
