"""docs/serving.md says what the service does: its paths, statuses, limits and examples."""

import json
import re
from typing import get_args, get_type_hints

import pytest

from serving.door import OPEN_PATHS, ROUTES
from serving.problems import TITLES
from serving.requests import Feedback, feedback_request, score_request
from serving.settings import ServingSettings
from serving.vocabulary import registered_features


@pytest.fixture(scope="module")
def page(request):
    """The page as text."""
    return (request.config.rootpath / "docs" / "serving.md").read_text(encoding="utf-8")


def test_every_path_and_every_status_stands_there(page):
    assert set(re.findall(r"^\| `\w+ (/\S+)` \|", page, re.MULTILINE)) == set(ROUTES)
    told = {int(status) for status in re.findall(r"^\| (\d{3}) \|", page, re.MULTILINE)}
    assert told == set(TITLES) - {403}  # which nothing raises
    assert all(f"`{path}`" in page.partition("## Keys")[2] for path in OPEN_PATHS)


def test_the_limits_and_words_are_those_of_the_code(page):
    limits = ServingSettings()
    for name in ("customers_max", "body_bytes_max", "concurrent_max", "timeout_seconds"):
        assert f"`{name}` ({getattr(limits, name):,.0f})" in page
    for word in get_args(get_type_hints(Feedback)["outcome"]):
        assert f"`{word}`" in page


def test_the_examples_are_taken(page):
    asked = re.search(r"-d '(.*)'", page)[1]
    assert len(score_request(asked.encode(), {}, 2).customers) == 2
    brought = re.search(r'^{"customers".*"features".*$', page, re.MULTILINE)[0]
    known = registered_features()
    assert score_request(brought.encode(), known, 1).customers[0].features["recency_days"] == 3.5
    feedback_request(re.search(r'`({"customer_id".*?})`', page)[1].encode())
    answer = json.loads(re.search(r"```json\n({\n.*?\n})\n```", page, re.DOTALL)[1])
    assert [sorted(entry)[-1] for entry in answer["scores"]] == ["risk_band", "error"]
