"""What `gridkeep promote` says of a reason that was given."""

import pytest

from gridkeep.promotion_results import Promoted
from training.promotion.verdict import Check, Verdict


@pytest.mark.parametrize(
    ("reason", "passed", "told"), [("I insist", True, 1), ("", True, 0), ("I insist", False, 0)]
)
def test_a_reason_that_nothing_needed_is_not_lost_in_silence(
    reason: str, passed: bool, told: int
) -> None:
    check = Check("log-loss", 0.1, 0.1, None, "not worse", passed, "as it is")
    verdict = Verdict("retention", "1", "2", "today", 9, 9, "ann", "bob", (check,))
    lines = Promoted("retention", verdict, None, "kept", "card", reason).lines()
    assert sum("--override was not needed" in line for line in lines) == told
