"""Search for the parameters of the retention model: Optuna's TPE, hopeless trials stopped early.

Trial n is drawn by a sampler whose seed is that of the settings and n, from what the trials before
it showed. So the trials are the same whether or not the search was killed and taken up again.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import clone

from training.boosting.parameters import SHRINKAGE
from training.boosting.trials import Keep, Trial, best_of
from training.retention import RetentionClassifier
from training.settings import RetentionSettings

if TYPE_CHECKING:
    import optuna

Fit = Callable[..., RetentionClassifier]  # of a classifier and, by name, a Watch or None
Progress = Callable[[str, float], None]
FEW_ROUNDS = 100
STARTUP = 5  # whole trials before one is stopped
WARMUP = 5  # steps before one is stopped


class Hopeless(Exception):  # noqa: N818 (no error: it ends a trial)
    """The trial is worse than half of those before it were at the same step."""


class Found(NamedTuple):
    """The best classifier, and every trial, of which there is none when nothing was searched."""

    model: RetentionClassifier
    trials: tuple[Trial, ...]


def classifier(settings: RetentionSettings, **changes: Any) -> RetentionClassifier:
    """The classifier that the settings describe.

    >>> classifier(RetentionSettings(num_leaves=7)).num_leaves
    7
    >>> told = RetentionSettings(monotone_constraints={"recency_days": 1})
    >>> classifier(told).monotone_constraints
    {'recency_days': 1}
    """
    parameters: dict[str, Any] = {
        "learning_rate": settings.learning_rate,
        "rounds": settings.rounds,
        "num_leaves": settings.num_leaves,
        "min_data_in_leaf": settings.min_data_in_leaf,
        "feature_fraction": settings.feature_fraction,
        "lambda_l2": settings.lambda_l2,
        "monotone_constraints": settings.monotone_constraints,
        "folds": settings.folds,
        "seed": settings.seed,
        "threads": settings.threads,
    }
    return RetentionClassifier(**parameters | changes)


def search(
    settings: RetentionSettings,
    fit: Fit,
    progress: Progress,
    known: Sequence[Trial] = (),
    keep: Keep = lambda trials: None,
) -> Found:
    """The settings and `settings.trials` other sets tried; lowest out-of-fold log-loss wins.

    `known` are trials of a search that was interrupted, `keep` is told all of them after each.
    """
    trials: list[Trial] = list(known[: settings.trials + 1])
    best: RetentionClassifier | None = None
    for number in range(len(trials), settings.trials + 1):
        told = f"fitting trial {number} of {settings.trials}" if number else "fitting"
        progress(told, number / (settings.trials + 1))
        model, trial = _tried(settings, fit, number, trials)
        trials.append(trial)
        best = model if best_of(trials) is trial else best
        keep(trials)
    won = best_of(trials)
    if best is None:  # it was found before the kill
        progress("fitting the best again", 0.99)
        best = fit(classifier(settings, **won.parameters))
    return Found(best, tuple(trials) if settings.trials else ())


def _tried(
    settings: RetentionSettings, fit: Fit, number: int, before: Sequence[Trial]
) -> tuple[RetentionClassifier | None, Trial]:
    if number == 0:
        model = fit(classifier(settings))
        return model, Trial(0, {}, {}, model.out_of_fold_log_loss_, model.rounds_)
    trial = _study(settings, before).ask(_space())
    model = classifier(settings, **trial.params)
    curve: dict[int, float] = {}
    watch = _Pruner(trial, model.learning_rate, curve)
    try:
        fit(model, watch=watch)
    except Hopeless:
        return None, Trial(number, trial.params, curve, None, watch.rounds)
    return model, Trial(number, trial.params, curve, model.out_of_fold_log_loss_, model.rounds_)


class _Pruner:
    """Told of every round of a trial; raises Hopeless when it is to be stopped."""

    def __init__(self, trial: "optuna.Trial", rate: float, curve: dict[int, float]) -> None:
        self.trial, self.rate, self.curve, self.rounds = trial, rate, curve, 0

    def __call__(self, rounds: int, log_loss: float) -> None:
        self.rounds = rounds
        step = step_of(rounds, self.rate)
        if step in self.curve or not step:
            return
        self.curve[step] = log_loss
        self.trial.report(log_loss, step)
        if self.trial.should_prune():
            raise Hopeless


def step_of(rounds: int, learning_rate: float) -> int:
    """What so many trees have learned, in trees that learn everything.

    Boosters of one learning rate stand elsewhere after so many rounds than those of another; after
    so many steps they can be compared.

    >>> step_of(50, 0.1), step_of(25, 0.2), step_of(4, 0.2)
    (5, 5, 0)
    """
    return int(rounds * learning_rate + 1e-9)


def _study(settings: RetentionSettings, before: Sequence[Trial]) -> "optuna.Study":
    """A study of the trials before, the settings themselves aside, that asks for the next."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seed = int(np.random.SeedSequence([settings.seed, len(before)]).generate_state(1)[0])
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(STARTUP, WARMUP),
    )
    study.add_trials([_of_optuna(trial) for trial in before[1:]])
    return study


def _of_optuna(trial: Trial) -> "optuna.trial.FrozenTrial":
    import optuna

    state = optuna.trial.TrialState
    return optuna.trial.create_trial(
        state=state.PRUNED if trial.log_loss is None else state.COMPLETE,
        value=trial.log_loss,
        params=dict(trial.parameters),
        distributions=_space(),
        intermediate_values=dict(trial.curve),
    )


def _space() -> "dict[str, optuna.distributions.BaseDistribution]":
    from optuna.distributions import FloatDistribution, IntDistribution

    return {
        "learning_rate": FloatDistribution(0.08, 0.4, log=True),
        "num_leaves": IntDistribution(3, 31),
        "min_data_in_leaf": IntDistribution(50, 1000, log=True),
        "feature_fraction": FloatDistribution(0.2, 1.0),
        "lambda_l2": FloatDistribution(1.0, 100.0, log=True),
    }


def foretelling(settings: RetentionSettings) -> Callable[..., float]:
    """A function that fits the classifier on (X, y, groups): its AUC on the groups it had not seen.

    A few rounds are enough to see whether there is anything to learn.
    """
    shrinkage = SHRINKAGE if settings.lambda_l2 is None else settings.lambda_l2
    model = classifier(settings, rounds=min(settings.rounds, FEW_ROUNDS), lambda_l2=shrinkage)

    def out_of_fold_auc(X: Any, y: Any, groups: Any) -> float:  # noqa: N803 (as scikit-learn)
        return float(clone(model).fit(X, y, groups).out_of_fold_auc_)

    return out_of_fold_auc
