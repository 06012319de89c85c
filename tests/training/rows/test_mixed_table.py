from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from features.manifest import MISSING, UNSEEN, FeatureManifest
from training.retention import RetentionClassifier
from training.rows.mixed_table import array_of, coded, frame_of

Y = [0, 1] * 15
DATES = {
    "datetime64": pd.date_range("2024-01-01", periods=30),
    "with a zone": pd.date_range("2024-01-01", periods=30, tz="Asia/Shanghai"),
    "timedelta": pd.timedelta_range("1 day", periods=30),
    "period": pd.period_range("2024-01", periods=30, freq="M"),
    "date": [None] + [date(2024, 1, 2)] * 29,
    "datetime": np.array([datetime(2024, 1, 2)] * 30, dtype=object),
    "category": pd.Categorical(pd.date_range("2024-01-01", periods=30)),
}


def model() -> RetentionClassifier:
    return RetentionClassifier(rounds=3)


@pytest.mark.parametrize("values", DATES.values(), ids=DATES.keys())
def test_dates_are_refused_by_the_name_of_their_column(values: Any) -> None:
    X = pd.DataFrame({"a": np.arange(30.0), "opened_on": values})
    with pytest.raises(BadInput, match=r"dates: opened_on \(first: .*2024|1 days.* to the cut-off"):
        model().fit(X, Y)
    known = model().fit(X.assign(opened_on=np.arange(30.0)), Y)
    with pytest.raises(BadInput, match="dates: opened_on"):
        known.predict_proba(X)


def test_an_array_of_dates_is_refused() -> None:
    with pytest.raises(BadInput, match="holds dates"):
        model().fit(np.full((30, 2), np.datetime64("2024-01-01")), Y)


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinite_values_are_told_by_column_and_row(bad: float) -> None:
    X = pd.DataFrame({"spend": np.arange(30.0), "age": np.arange(30.0)})
    known = model().fit(X, Y)
    X.loc[7, "spend"] = bad
    for refused in (lambda: model().fit(X, Y), lambda: known.predict_proba(X)):
        with pytest.raises(BadInput, match=r"'spend' holds infinite values \(first in row 7\)"):
            refused()
    with pytest.raises(BadInput, match=r"'x0' holds infinite"):
        model().fit(X.to_numpy(), Y)


def test_two_columns_of_one_name_are_refused() -> None:
    X = pd.DataFrame(np.ones((30, 3)), columns=["age", "spend", "age"])
    with pytest.raises(BadInput, match="there twice: age; give each a name"):
        model().fit(X, Y)
    known = model().fit(X.iloc[:, :2], Y)
    with pytest.raises(BadInput, match="there twice: age"):
        known.predict_proba(X)


def test_a_table_without_any_value_is_refused_and_an_empty_column_is_not() -> None:
    X = pd.DataFrame({"a": np.full(30, np.nan), "b": [None] * 30})
    with pytest.raises(BadInput, match="all 30 rows are missing in all 2 columns"):
        model().fit(X, Y)
    assert np.isfinite(
        model().fit(X.assign(c=np.arange(30.0)), Y).predict_proba(X.assign(c=1.0))
    ).all()


@pytest.mark.parametrize(
    "X", [pd.DataFrame(), pd.DataFrame({"a": []}), pd.DataFrame(index=range(30))]
)
def test_no_rows_or_no_columns_are_refused(X: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match=r"\d+ rows x \d+ columns teach nothing"):
        model().fit(X, Y[: len(X)])


def test_objects_that_are_all_numbers_are_numbers_and_words_are_not() -> None:
    X = pd.DataFrame(
        {
            "whole": np.array([1, None, 3], dtype=object),
            "yes": np.array([True, None, False], dtype=object),
            "mixed": np.array([1, "b", None], dtype=object),
            "code": pd.Categorical([1, 2, 1]),
        }
    )
    kinds = {column.name: column.kind for column in FeatureManifest.fit(frame_of(X)).columns}
    expected = {"whole": "number", "yes": "number", "mixed": "category", "code": "category"}
    assert kinds == expected


missing = st.sampled_from([None, pd.NA, float("nan")])
words = st.one_of(missing, st.sampled_from(["a", "b", "12", "1.5"]), st.integers(0, 3))
numbers = st.one_of(missing, st.floats(-1e6, 1e6), st.integers(-5, 5))
rows = st.lists(st.tuples(numbers, words, words), min_size=1, max_size=12)
LEARNED = pd.DataFrame([(1.5, "a", "12"), (None, "b", 3), (2, None, "a")], dtype=object)


@given(rows)
def test_an_array_is_coded_as_a_frame_is(scored: list[Any]) -> None:
    names = ["0", "1", "2"]
    manifest = FeatureManifest.fit(frame_of(LEARNED))
    assert [column.kind for column in manifest.columns] == ["number", "category", "category"]
    frame = pd.DataFrame(scored, columns=names, dtype=object)
    expected = coded(frame, manifest, names)
    np.testing.assert_array_equal(coded(frame.to_numpy(), manifest, names), expected)
    np.testing.assert_array_equal(coded([list(row) for row in scored], manifest, names), expected)


def test_a_word_that_was_not_there_and_a_word_that_is_missing_have_codes_of_their_own() -> None:
    manifest = FeatureManifest.fit(frame_of(pd.DataFrame({"kind": ["person", "business"]})))
    found = coded([["person"], ["new"], [None], [float("nan")]], manifest, ["kind"])
    assert found[:, 0].tolist() == [3, UNSEEN, MISSING, MISSING]


def test_lists_keep_numbers_and_words_as_they_are() -> None:
    assert array_of([[1, "12"], [2.5, None]]).tolist() == [[1, "12"], [2.5, None]]
    kinds = [
        column.kind for column in FeatureManifest.fit(frame_of([[1, "12"], [2.5, None]])).columns
    ]
    assert kinds == ["number", "category"]
