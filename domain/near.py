"""Names that could have been meant."""

from collections.abc import Collection
from difflib import get_close_matches

MOST = 3


def near(name: str, known: Collection[str]) -> list[str]:
    """At most three of the `known` names that are like `name`, else that hold it.

    >>> near("recencyy_days", ["recency_days", "visits_90d"])
    ['recency_days']
    >>> near("spend", ["recency_days", "average_spend_of_a_month_90d"])
    ['average_spend_of_a_month_90d']
    """
    return get_close_matches(name, known, MOST) or [one for one in known if name in one][:MOST]
