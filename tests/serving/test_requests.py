"""The parser against anything: a checked request or a Problem, never another error."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.registry import FEATURES
from serving.problems import Problem
from serving.requests import (
    ScoreRequest,
    feedback_request,
    looks_like_a_card,
    score_request,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)
NAMES = st.sampled_from(sorted(FEATURES)) | st.text(max_size=8)
CUSTOMER = st.fixed_dictionaries(
    {"customer_id": JSON | st.text(max_size=12)},
    optional={
        "features": JSON | st.dictionaries(NAMES, JSON, max_size=5),
        "cell_id": JSON,
        "as_of": JSON | st.dates().map(str),
    },
)
BODY = st.fixed_dictionaries({"customers": st.lists(CUSTOMER, max_size=4) | JSON})


def parsed(body: bytes) -> ScoreRequest | None:
    try:
        return score_request(body, FEATURES, 3)
    except Problem as problem:
        refused = problem
    assert refused.status in (400, 413)
    assert refused.detail
    assert json.loads(refused.response().body)
    return None


@settings(deadline=None)
@given(BODY | JSON)
def test_any_json_is_a_sound_request_or_a_problem(body):
    request = parsed(json.dumps(body).encode())
    if request is None:
        return
    assert 1 <= len(request.customers) <= 3
    for customer in request.customers:
        assert 1 <= len(customer.customer_id) <= 128
        if isinstance(customer.features, dict):
            for name, value in customer.features.items():
                assert name in FEATURES
                assert value is None or isinstance(value, str) or math.isfinite(value)
                assert not isinstance(value, bool)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_problem_or_a_request(body):
    parsed(body)
    with pytest.raises(Problem):
        feedback_request(b"\x00" + body)


SOUND = b'{"customers": [{"customer_id": "C1", "features": {"recency_days": 3.5}}]}'


@settings(deadline=None)
@given(st.integers(0, len(SOUND) - 1), st.integers(0, 255))
def test_a_changed_byte_never_breaks_the_parser(at, byte):
    parsed(SOUND[:at] + bytes([byte]) + SOUND[at + 1 :])


@settings(deadline=None)
@given(st.sampled_from(sorted(FEATURES)), st.floats(allow_nan=False, allow_infinity=False))
def test_a_brought_number_is_inside_its_range_or_refused(name, value):
    facts = FEATURES[name]
    body = {"customers": [{"customer_id": "C", "features": {name: value}}]}
    inside = (
        facts.kind == "number"
        and abs(value) <= 1e15
        and (facts.low is None or value >= facts.low)
        and (facts.high is None or value <= facts.high)
    )
    assert (parsed(json.dumps(body).encode()) is not None) == inside


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=15, max_size=19))
def test_exactly_card_numbers_look_like_one_and_are_no_cells(digits):
    number = "".join(map(str, digits))
    check = 0
    for at, digit in enumerate(reversed(digits)):  # Luhn's rule, as its patent words it
        doubled = digit * 2 if at % 2 else digit
        check += sum(map(int, str(doubled)))
    card = check % 10 == 0 and number[0] in "23456"
    assert looks_like_a_card(number) == card
    assert parsed(json.dumps({"customers": [{"customer_id": number}]}).encode())
    brought = {"customer_id": "C", "features": {}, "cell_id": number}
    assert (parsed(json.dumps({"customers": [brought]}).encode()) is None) == card


@pytest.mark.parametrize(
    "features",
    ['{"recency_days": true}', '{"recency_days": 1, "recency_days": 2}', '{"customer_kind": 3}'],
)
def test_what_python_would_forgive_is_refused(features):
    body = f'{{"customers": [{{"customer_id": "C", "features": {features}}}]}}'
    assert parsed(body.encode()) is None


def test_many_faults_are_counted_and_the_first_shown():
    features = {f"unknown-{at}": 1 for at in range(30)}
    body = {"customers": [{"customer_id": "C", "features": features}]}
    with pytest.raises(Problem) as told:
        score_request(json.dumps(body).encode(), FEATURES, 3)
    assert told.value.detail == "30 values are not valid (the first 20 are shown)"
    assert len(told.value.errors) == 20
