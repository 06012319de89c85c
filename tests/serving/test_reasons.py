import pytest

from features.registry import FEATURES
from serving.reasons import in_words, number


@pytest.mark.parametrize(
    ("feature", "value", "words"),
    [
        ("recency_days", 62.0, "62 days since the last transaction"),
        ("transactions_30d", 3.0, "3 transactions in the last 30 days"),
        ("recency_days", None, "days since the last transaction: not known"),
        ("customer_occupation", "clerk", "occupation: clerk"),
        ("age_years", 41.26, "age in years of 365.25 days: 41.3 years"),
    ],
)
def test_a_reason_reads_as_words(feature, value, words):
    assert in_words(value, FEATURES[feature]) == words


@pytest.mark.parametrize("feature", FEATURES)
def test_every_registered_feature_has_words_for_every_value(feature):
    value = 1234.5 if FEATURES[feature].kind == "number" else "word"
    assert in_words(value, FEATURES[feature])
    assert in_words(None, FEATURES[feature]).endswith("not known")


def test_numbers_are_short_and_keep_their_size():
    assert [number(each) for each in (0.0, 1.0, 99.94, 100.4, -12345.6)] == [
        "0",
        "1",
        "99.9",
        "100",
        "-12,346",
    ]
