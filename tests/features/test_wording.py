"""Every feature's value as a phrase that a banker would say."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.cell_rates import FITTED
from features.phrases import WORDS
from features.registry import FEATURES
from features.wording import LANGUAGES, in_words, number, quantity

EVERY = pytest.mark.parametrize("feature", FEATURES)
NUMBERS = sorted(name for name, known in FEATURES.items() if known.kind == "number")


@pytest.mark.parametrize(
    ("feature", "value", "words"),
    [
        ("recency_days", 62.0, "62 days since the last transaction"),
        ("recency_days", 1.02, "1 day since the last transaction"),
        ("recency_days", None, "no transaction yet"),
        ("own_recency_days", 800.0, "2.2 years since the last own transaction"),
        ("transactions_30d", 3.0, "3 transactions in the last 30 days"),
        ("transactions_90d", 1.0, "1 transaction in the last 90 days"),
        ("transactions_180d", 0.0, "no transactions in the last 180 days"),
        ("transactions_trend", 0.4, "transactions in the last 30 days fell to 40 % of the 90-day "),
        ("transactions_trend", 1.5, "transactions in the last 30 days rose to 150 % of the 90-day"),
        ("debit_trend", 0.998, "spending in the last 90 days stayed at 100 % of the year's"),
        ("counterparties_365d", 1.0, "1 counterparty in the last 365 days"),
        ("credit_90d", 1234.5, "1,234 received in the last 90 days"),
        ("credit_90d", 0.0, "no money received in the last 90 days"),
        ("balance_change", -120.0, "average balance of the last 30 days is 120 lower than that of"),
        ("balance_change", 99.96, "average balance of the last 30 days is 100 higher than that of"),
        ("balance_usual", 500.0, "usual balance of 500"),
        ("salary_days_since", None, "no salary or pension in the last 365 days"),
        ("salary_variation_365d", 0.12, "salary or pension varies by 12 % in the last 365 days"),
        ("digital_share_90d", 0.25, "25 % of own transactions online or by mobile in the last 90"),
        ("outflow_other_banks_90d", 1200.0, "1,200 moved to other banks in the last 90 days"),
        ("balance_from_peak_365d", -70.0, "last balance is 70 lower than the highest of the"),
        ("open_complaint_days", 12.0, "oldest open complaint waits for 12 days"),
        ("recency_against_gap", 3.0, "time since the last transaction is 300 % of the usual"),
        ("has_savings", 1.0, "savings held"),
        ("has_card", 0.0, "no card held"),
        ("has_loan", 1.0, "loan held"),
        ("products_held", 0.0, "no products held"),
        ("open_complaints", 1.0, "1 complaint not settled yet"),
        ("satisfaction_mean_365d", 4.25, "stated satisfaction averages 4.25 points in the last"),
        ("home_outlet_km", 1.0, "1 km from the home outlet"),
        ("nearest_outlet_km", 12.34, "12.3 km from the nearest open outlet"),
        ("nearest_outlet_km", None, "no open outlet known within 50 km"),
        ("customers_per_km2", 250.4, "250 customers per km2 around the home"),
        ("tenure_days", 412.0, "customer for 412 days"),
        ("age_years", 41.96, "41 years old"),
        ("customer_occupation", "clerk {of the} court", "occupation: clerk {of the} court"),
        ("customer_kind", None, "kind of customer not known"),
    ],
)
def test_a_value_reads_as_words(feature, value, words):
    assert in_words(value, FEATURES[feature]).startswith(words)


@EVERY
def test_every_feature_has_words_of_its_own(feature):
    known = FEATURES[feature]
    assert feature in WORDS
    if known.empty is None:
        assert WORDS[feature].unknown, "missing for want of history: say what there was none of"
    # what counts from nothing says so, instead of "0"
    assert known.empty is None or in_words(0.0, known).startswith(("no ", "no money"))


@given(st.sampled_from(NUMBERS), st.floats(0, 1) | st.floats(-1e9, 1e9))
def test_every_number_reads_as_a_short_plain_phrase(feature, value):
    known = FEATURES[feature]
    low, high = known.low, known.high
    value = max(value, -1e9 if low is None else low)
    value = min(value, 1e9 if high is None else high)
    told = in_words(value, known)
    assert 5 <= len(told) <= 110
    assert not re.search(r"[{}_]|\de[+-]|  |(?<![\d.,])1 \w+s\b(?<!is)|yes|: no", told), told


@EVERY
def test_a_phrase_of_nothing_known_is_short_and_plain(feature):
    assert re.fullmatch(r"[a-z][^{}_]{5,90}", in_words(None, FEATURES[feature]))


def test_numbers_are_short_and_keep_their_size():
    told = [number(each) for each in (0.0, 1.0, 99.94, 99.96, 100.4, -12345.6, 0.004)]
    assert told == ["0", "1", "99.9", "100", "100", "-12,346", "0"]


def test_a_unit_agrees_with_its_number():
    told = [quantity(each, "categories") for each in (0.0, 1.0, 2.0)]
    assert told == ["no categories", "1 category", "2 categories"]


@pytest.mark.parametrize(
    ("feature", "value", "words"),
    [
        ("debit_trend", 0.38, "近90天支出较全年平均下降 62 %"),
        ("debit_trend", 1.5, "近90天支出较全年平均上升 50 %"),
        ("debit_trend", 0.998, "近90天支出较全年平均持平"),
        ("balance_change", -120.0, "近30天平均余额比近180天低 120"),
        ("recency_days", 1461.0, "距上次交易已 4 年"),
        ("recency_days", 1.02, "距上次交易已 1 天"),
        ("transactions_90d", 3.0, "近90天交易 3 笔"),
        ("transactions_90d", 0.0, "近90天没有交易"),
        ("age_years", 41.96, "年龄 41 岁"),
        ("credit_30d", 1234.5, "近30天入账 1,234"),
        ("customer_occupation", "clerk {of the} court", "职业：clerk {of the} court"),
        ("home_outlet_km", None, "距归属网点远近未知"),
        ("cell_leaving_rate", 0.2, "模型所学各月中，本网格客户约流失 20 %"),
    ],
)
def test_a_value_reads_as_chinese(feature, value, words):
    assert in_words(value, {**FEATURES, **FITTED}[feature], "zh") == words


def test_both_languages_say_the_same_things():
    english, chinese = (LANGUAGES[name].words for name in ("en", "zh"))
    assert list(english) == list(chinese)
    for name, words in english.items():
        other = chinese[name]
        assert bool(words.unknown) == bool(other.unknown), name
        for of in ("percent", "moved", "apart"):
            assert (f"{{{of}}}" in words.says) == (f"{{{of}}}" in other.says), name
        # days of windows are the same days
        assert re.findall(r"\d{2,}", words.says) == re.findall(r"\d{2,}", other.says) or not (
            re.findall(r"\d{2,}", words.says)
        ), name
        known = FEATURES.get(name)
        if known and known.empty == 0:
            assert re.search("没有|都|从未|零|相同", in_words(0.0, known, "zh")), name


@given(st.sampled_from(NUMBERS), st.none() | st.floats(0, 1) | st.floats(-1e9, 1e9))
def test_a_chinese_phrase_holds_no_english_word_and_no_ascii_stop(feature, value):
    assume(value is not None or FEATURES[feature].empty is None)
    told = in_words(value, FEATURES[feature], "zh")
    assert 4 <= len(told) <= 45
    assert not re.search(r"[A-Za-z{}_]|[^\d][,:]|[,:][^\d]", told), told
