"""The customers to be placed: checked, in order, with the columns that place them."""

from collections.abc import Iterable

import pandas as pd

from domain.errors import BadInput

PLACING = ["customer_id", "latitude", "longitude", "district", "outlet_id"]


def people_to_place(customers: pd.DataFrame, more: Iterable[str] = ()) -> pd.DataFrame:
    """One row per customer, sorted by id: PLACING (null where unknown) and the columns in `more`.

    Raises BadInput when there is nobody, a customer has no id, or one stands in two rows.

    >>> people_to_place(pd.DataFrame({"customer_id": ["b", "a"]})).customer_id.tolist()
    ['a', 'b']
    """
    if customers.empty:
        raise BadInput("there are no customers to place on a grid; deliver the customers table")
    wanted = [*PLACING, *(name for name in dict.fromkeys(more) if name in customers)]
    people = customers.reindex(columns=list(dict.fromkeys(wanted)))
    if people.customer_id.isna().any():
        raise BadInput(
            f"{people.customer_id.isna().sum()} customers have no customer_id; a customer needs one"
        )
    twice = people.customer_id[people.customer_id.duplicated()]
    if len(twice):
        raise BadInput(
            f"{twice.nunique()} customers are in the table more than once (first: {twice.min()}); "
            "a customer is in one place: deliver one row each"
        )
    return people.sort_values("customer_id", ignore_index=True)
