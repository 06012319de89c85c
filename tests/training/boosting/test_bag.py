from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from domain.errors import BadInput
from features.manifest import FeatureManifest
from training.boosting.bag import grow
from training.boosting.folds import grouped_folds
from training.boosting.merged_trees import merged
from training.retention import RetentionClassifier

QUIET = {"objective": "binary", "verbosity": -1, "min_data_in_leaf": 5, "num_threads": 1}


def table(rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Three numbers with gaps and a category, and a class that they tell something of."""
    random = np.random.default_rng(3)
    X = random.normal(size=(rows, 4)).round(2)
    X[:, 3] = random.integers(0, 9, rows)
    X[random.random((rows, 4)) < 0.05] = np.nan
    X[:, 3] = np.nan_to_num(X[:, 3])
    odds = np.nan_to_num(X[:, 0]) + (X[:, 3] > 5)
    return X, (random.random(rows) < 1 / (1 + np.exp(-odds))).astype(float)


def boosters(rounds: int = 7, **changes: Any) -> list[lgb.Booster]:
    """Boosters of the same columns and bins, each grown on other rows."""
    X, y = table()
    data = lgb.Dataset(X, y, categorical_feature=[3], free_raw_data=False)
    parts = [np.arange(len(y)) % 3 != at for at in range(3)]
    subsets = [data.subset(np.flatnonzero(part)) for part in parts]
    return [lgb.train(QUIET | changes, subset, rounds) for subset in subsets]


@pytest.mark.parametrize("changes", [{}, {"num_leaves": 2}, {"min_data_in_leaf": 10_000}])
def test_one_text_foretells_and_explains_the_mean_of_many(changes: dict[str, Any]) -> None:
    several = boosters(**changes)
    one = merged(several, 5)
    again = lgb.Booster(model_str=one.model_to_string())
    X, _ = table()
    X[:40, 3] = 77  # a category that no tree has seen
    for how in ({"raw_score": True}, {"pred_contrib": True}):
        mean = np.mean([booster.predict(X, num_iteration=5, **how) for booster in several], axis=0)
        np.testing.assert_allclose(one.predict(X, **how), mean, atol=1e-12)
        np.testing.assert_array_equal(again.predict(X, **how), one.predict(X, **how))
    trees = sum(min(5, booster.num_trees()) for booster in several)
    assert one.num_trees() == trees
    assert one.feature_name() == several[0].feature_name()


def test_the_text_has_the_sizes_of_its_trees_and_names_no_threads() -> None:
    text = merged(boosters(), 7).model_to_string()
    sizes = next(line for line in text.splitlines() if line.startswith("tree_sizes="))
    assert len(sizes.split("=")[1].split()) == 21
    assert "num_threads" not in text
    assert "[objective: binary]" in text


def test_boosters_of_other_columns_do_not_become_one() -> None:
    X, y = table()
    other = lgb.train(QUIET, lgb.Dataset(X[:, :3], y), 3)
    with pytest.raises(ValueError, match="other columns"):
        merged([*boosters(), other], 3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=4, max_size=80),
    st.integers(2, 6),
    st.integers(0, 9),
)
def test_every_fold_has_both_classes_and_nobody_is_on_two_sides(
    rows: list[tuple[int, bool]], folds: int, seed: int
) -> None:
    groups = np.array([group for group, _ in rows])
    y = np.array([float(lost) for _, lost in rows])
    fewest = min(len(np.unique(groups[y == value])) for value in (0, 1))
    if fewest < 2:
        with pytest.raises(BadInput, match=f"only {fewest} customer"):
            grouped_folds(y, groups, folds, seed)
        return
    fold = grouped_folds(y, groups, folds, seed)
    assert np.array_equal(fold, grouped_folds(y, groups, folds, seed))
    assert fold.max() + 1 == min(folds, fewest)
    for at in np.unique(fold):
        assert set(y[fold == at]) == {0.0, 1.0}
    for group in np.unique(groups):
        assert len(np.unique(fold[groups == group])) == 1


def test_folds_are_alike_in_size_and_drawn_anew_by_another_seed() -> None:
    y = (np.arange(1000) % 10 == 0).astype(float)
    groups = np.arange(1000)
    fold, other = (grouped_folds(y, groups, 5, seed) for seed in (0, 1))
    assert np.bincount(fold).tolist() == [200] * 5
    assert np.bincount(fold, y).tolist() == [20] * 5
    assert 100 < (fold == other).sum() < 300


def test_a_margin_is_of_who_did_not_learn_the_row() -> None:
    """Classes drawn at random: trees know them by heart where they have seen the customer."""
    random = np.random.default_rng(0)
    who = np.repeat(np.arange(150), 4)  # four rows of a customer, one class
    X = random.normal(size=150)[who][:, None] + random.normal(size=(600, 1)) * 1e-6
    y = (random.random(150) < 0.5)[who].astype(float)
    parameters = QUIET | {"metric": "binary_logloss", "min_data_in_leaf": 1, "seed": 0}
    fold = grouped_folds(y, who, 5, 0)
    bag = grow(lgb.Dataset(X, y, params=parameters), X, fold, parameters, 30)
    assert roc_auc_score(y, bag.booster.predict(X)) > 0.7  # four fifths have seen a row
    assert roc_auc_score(y, bag.margin) < 0.6
    by_rows = grow(lgb.Dataset(X, y, params=parameters), X, np.arange(600) % 5, parameters, 30)
    assert roc_auc_score(y, by_rows.margin) > 0.8  # that customers are parted would be seen


def test_all_boosters_stop_at_the_round_that_is_best_on_average() -> None:
    X, y = table()
    manifest = FeatureManifest.fit(pd.DataFrame(X[:, :3], columns=list("abc")))
    model = RetentionClassifier(rounds=80, learning_rate=0.5, min_data_in_leaf=5)
    parameters = model.parameters(len(y), manifest)
    fold = grouped_folds(y, np.arange(len(y)), 4, 0)
    bag = grow(lgb.Dataset(X[:, :3], y, params=parameters), X[:, :3], fold, parameters, 80)
    assert bag.booster.num_trees() == 4 * bag.rounds
    assert 1 <= bag.rounds < 40


def test_each_booster_of_a_bag_draws_columns_of_its_own() -> None:
    X, y = table()
    same = np.repeat(X[:, :1], 7, axis=1)  # seven columns that tell the same
    parameters = QUIET | {"metric": "binary_logloss", "seed": 0, "feature_fraction": 0.15}
    fold = grouped_folds(y, np.arange(len(y)), 3, 0)
    bag = grow(lgb.Dataset(same, y, params=parameters), same, fold, parameters, 12)
    trees = bag.booster.dump_model()["tree_info"]
    chosen = [tree["tree_structure"]["split_feature"] for tree in trees]
    of_boosters = {tuple(chosen[at : at + bag.rounds]) for at in range(0, len(chosen), bag.rounds)}
    assert len(of_boosters) == 3
