"""Random search over the parameters of the retention model."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone

from training.retention import RetentionClassifier
from training.settings import RetentionSettings

Fit = Callable[[RetentionClassifier], RetentionClassifier]
Progress = Callable[[str, float], None]
FEW_ROUNDS = 100


def classifier(settings: RetentionSettings, **changes: Any) -> RetentionClassifier:
    """The classifier that the settings describe.

    >>> classifier(RetentionSettings(num_leaves=7)).num_leaves
    7
    """
    parameters: dict[str, Any] = {
        "learning_rate": settings.learning_rate,
        "rounds": settings.rounds,
        "num_leaves": settings.num_leaves,
        "min_data_in_leaf": settings.min_data_in_leaf,
        "feature_fraction": settings.feature_fraction,
        "lambda_l2": settings.lambda_l2,
        "folds": settings.folds,
        "seed": settings.seed,
        "threads": settings.threads,
    }
    return RetentionClassifier(**parameters | changes)


def trial_parameters(trials: int, seed: int) -> list[dict[str, Any]]:
    """`trials` parameter sets drawn at random; the first ones are the same for any number.

    >>> trial_parameters(2, seed=1)[0] == trial_parameters(1, seed=1)[0]
    True
    """
    random = np.random.default_rng(seed)
    return [
        {
            "learning_rate": float(np.exp(random.uniform(np.log(0.08), np.log(0.4)))),
            "num_leaves": int(random.integers(3, 32)),
            "min_data_in_leaf": int(np.exp(random.uniform(np.log(50), np.log(1000)))),
            "feature_fraction": float(random.uniform(0.2, 1.0)),
            "lambda_l2": float(np.exp(random.uniform(np.log(1), np.log(100)))),
        }
        for _ in range(trials)
    ]


def best_classifier(
    settings: RetentionSettings, fit: Fit, progress: Progress
) -> RetentionClassifier:
    """The fitted classifier with the lowest out-of-fold log-loss: defaults and every trial."""
    progress("fitting", 0.0)
    best = fit(classifier(settings))
    for at, changes in enumerate(trial_parameters(settings.trials, settings.seed), start=1):
        progress(f"fitting trial {at} of {settings.trials}", at / (settings.trials + 1))
        model = fit(classifier(settings, **changes))
        if model.out_of_fold_log_loss_ < best.out_of_fold_log_loss_:
            best = model
    return best


def foretelling(settings: RetentionSettings) -> Callable[..., float]:
    """A function that fits the classifier on (X, y, groups): its AUC on the groups it had not seen.

    A few rounds are enough to see whether there is anything to learn.
    """
    model = classifier(settings, rounds=min(settings.rounds, FEW_ROUNDS))

    def out_of_fold_auc(X: Any, y: Any, groups: Any) -> float:  # noqa: N803 (as scikit-learn)
        return float(clone(model).fit(X, y, groups).out_of_fold_auc_)

    return out_of_fold_auc
