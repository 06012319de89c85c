"""A name in [retention] that cannot be used is told before any work."""

import pytest

from domain.cell_rates import CELL_LEAVING_RATE
from domain.errors import BadInput
from features.registry import FEATURES
from training.naming_features import require_known_features
from training.settings import RetentionSettings


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"protected": ("age_yaers",)}, "'age_yaers', which is no feature; near it: age_years"),
        ({"monotone_constraints": {"recencyy_days": 1}}, "which is no feature; near it: recency_d"),
        ({"monotone_constraints": {"zzz": 1}}, "which is no feature; docs/features.md lists them"),
        ({"monotone_constraints": {"age_years": 1}}, "which is protected"),
        ({"monotone_constraints": {"customer_kind": 1}}, "which is words, not a number"),
        ({"monotone_constraints": {CELL_LEAVING_RATE: 1}}, "retention.cell_rates = true only"),
    ],
)
def test_a_name_that_cannot_be_used_is_told(settings, told):
    with pytest.raises(BadInput, match=told):
        require_known_features(RetentionSettings(**settings))


def test_every_number_that_is_not_protected_can_be_bound():
    numbers = [name for name, known in FEATURES.items() if known.kind == "number"]
    bound = {name: 1 for name in [*numbers, CELL_LEAVING_RATE] if name != "age_years"}
    require_known_features(RetentionSettings(monotone_constraints=bound, cell_rates=True))
