"""The English phrases of every feature, for `features.wording` to fill in.

A table apart from the definitions: rewording one, or adding a language, changes no model.
"""

from collections.abc import Mapping
from typing import NamedTuple

from features.feature import WINDOWS


class Words(NamedTuple):
    """How a value reads: `says` in general, `zero` for 0, `unknown` where there is no value.

    `{}` stands for the value with its unit, `{percent}` for a ratio as a share, `{moved}` for a
    ratio to the past ("fell to 40 %"), `{apart}` for a difference ("120 lower").
    """

    says: str
    zero: str | None = None
    unknown: str | None = None


def of_windows(families: Mapping[str, Words]) -> dict[str, Words]:
    """The words of every window of families, `{days}` filled in.

    >>> of_windows({"visits": Words("{} in {days} days", "none in {days} days")})["visits_30d"]
    Words(says='{} in 30 days', zero='none in 30 days', unknown=None)
    """
    return {
        f"{family}_{days}d": _of_window(words, days)
        for family, words in families.items()
        for days in WINDOWS
    }


def _of_window(words: Words, days: int) -> Words:
    def of(text: str) -> str:
        return text.replace("{days}", str(days))

    return Words(of(words.says), words.zero and of(words.zero), words.unknown and of(words.unknown))


IN_WINDOW = {
    "transactions": Words("{} in the last {days} days"),
    "credit": Words(
        "{} received in the last {days} days", zero="no money received in the last {days} days"
    ),
    "debit": Words(
        "{} spent in the last {days} days", zero="no money spent in the last {days} days"
    ),
    "amount_mean": Words(
        "transactions of the last {days} days average {} (received minus spent)",
        unknown="no transactions in the last {days} days",
    ),
    "amount_std": Words(
        "amounts of the last {days} days vary by {} around their average",
        zero="all amounts of the last {days} days are the same",
        unknown="fewer than 2 transactions in the last {days} days",
    ),
    "amount_max": Words(
        "largest amount of the last {days} days is {}",
        unknown="no transactions in the last {days} days",
    ),
    "balance_mean": Words(
        "average balance of {} in the last {days} days",
        unknown="no balance known in the last {days} days",
    ),
    "digital_share": Words(
        "{percent} of own transactions online or by mobile in the last {days} days",
        zero="no own transaction online or by mobile in the last {days} days",
        unknown="no channel of own transactions known in the last {days} days",
    ),
    "counterparties": Words(
        "{} in the last {days} days", zero="no counterparty known in the last {days} days"
    ),
    "outflow_other_banks": Words(
        "{} moved to other banks in the last {days} days",
        zero="no money moved to other banks in the last {days} days",
    ),
    "contacts": Words("{} in the last {days} days"),
    "visits": Words("{} in the last {days} days"),
    "complaints": Words("{} in the last {days} days"),
}

ALONE = {
    "recency_days": Words("{} since the last transaction", unknown="no transaction yet"),
    "own_recency_days": Words(
        "{} since the last own transaction", unknown="no transaction made by the customer yet"
    ),
    "own_transactions_90d": Words("{} made by the customer in the last 90 days"),
    "transactions_trend": Words(
        "transactions in the last 30 days {moved} of the 90-day average",
        zero="no transactions in the last 30 days, after some in the 60 days before",
        unknown="no transactions in the last 90 days",
    ),
    "active_months_365d": Words(
        "{} with transactions in the last 365 days", zero="no transactions in the last 365 days"
    ),
    # fitted with a model (domain.cell_rates)
    "cell_leaving_rate": Words(
        "about {percent} of the cell's customers were lost in the months the model learned from"
    ),
    "channels_365d": Words(
        "{} used in the last 365 days", zero="no channel known in the last 365 days"
    ),
    "categories_365d": Words(
        "{} of transaction in the last 365 days",
        zero="no category of transaction known in the last 365 days",
    ),
    "counterparties_active_share": Words(
        "{percent} of the year's counterparties were there in the last 90 days",
        zero="none of the year's counterparties was there in the last 90 days",
        unknown="no counterparty known in the last 365 days",
    ),
    "outflow_other_banks_share_90d": Words(
        "{percent} of the money spent in the last 90 days went to other banks",
        zero="none of the money spent in the last 90 days went to other banks",
        unknown="no money spent in the last 90 days",
    ),
    "counter_share_365d": Words(
        "{percent} of own transactions at a counter in the last 365 days",
        zero="no own transaction at a counter in the last 365 days",
        unknown="no channel of own transactions known in the last 365 days",
    ),
    "digital_days_since": Words(
        "{} since the last own transaction online or by mobile",
        unknown="no own transaction online or by mobile in the last 365 days",
    ),
    "cash_withdrawal_share_90d": Words(
        "{percent} of the money spent in the last 90 days was taken out in cash",
        zero="no cash taken out in the last 90 days",
        unknown="no money spent in the last 90 days",
    ),
    "weekend_share_90d": Words(
        "{percent} of own transactions of the last 90 days on weekends",
        zero="no own transaction on a weekend in the last 90 days",
        unknown="no own transactions in the last 90 days",
    ),
    "recency_against_gap": Words(
        "time since the last transaction is {percent} of the usual time between two",
        unknown="fewer than 2 transactions at different times in the last 365 days",
    ),
    "net_flow_90d": Words(
        "{} received minus spent in the last 90 days",
        zero="no money gained or lost in the last 90 days",
    ),
    "debit_against_credit_90d": Words(
        "spending of the last 90 days is {percent} of the money received",
        zero="no money spent in the last 90 days",
        unknown="no money received in the last 90 days",
    ),
    "largest_debit_share_90d": Words(
        "largest spending is {percent} of all money spent in the last 90 days",
        unknown="no money spent in the last 90 days",
    ),
    "fees_365d": Words(
        "{} paid in fees in the last 365 days", zero="no fees paid in the last 365 days"
    ),
    "balance_min_90d": Words(
        "lowest balance of the last 90 days is {}",
        unknown="no balance known in the last 90 days",
    ),
    "balance_max_365d": Words(
        "highest balance of the last 365 days is {}",
        unknown="no balance known in the last 365 days",
    ),
    "overdrawn_share_90d": Words(
        "overdrawn after {percent} of the transactions of the last 90 days",
        zero="never overdrawn in the last 90 days",
        unknown="no balance known in the last 90 days",
    ),
    "balance_change_365d": Words(
        "average balance of the last 90 days is {apart} than that of the last 365 days",
        zero="average balance of the last 90 days is that of the last 365 days",
        unknown="no balance known in the last 90 days",
    ),
    "balance_from_peak_365d": Words(
        "last balance is {apart} than the highest of the last 365 days",
        zero="last balance is the highest of the last 365 days",
        unknown="no balance known in the last 365 days",
    ),
    "transactions_trend_365d": Words(
        "transactions in the last 90 days {moved} of the year's average",
        zero="no transactions in the last 90 days, after some earlier in the year",
        unknown="no transactions in the last 365 days",
    ),
    "debit_trend_30d": Words(
        "spending in the last 30 days {moved} of the 90-day average",
        zero="no spending in the last 30 days, after some in the 60 days before",
        unknown="no spending in the last 90 days",
    ),
    "credit_trend_30d": Words(
        "money received in the last 30 days {moved} of the 90-day average",
        zero="no money received in the last 30 days, after some in the 60 days before",
        unknown="no money received in the last 90 days",
    ),
    "salary_mean_365d": Words(
        "salary or pension averages {} in the last 365 days",
        unknown="no salary or pension in the last 365 days",
    ),
    "salary_share_365d": Words(
        "salary or pension is {percent} of the money received in the last 365 days",
        zero="money received in the last 365 days, but no salary or pension",
        unknown="no money received in the last 365 days",
    ),
    "salary_trend": Words(
        "salary or pension in the last 90 days {moved} of the year's average",
        zero="no salary or pension in the last 90 days, after some earlier in the year",
        unknown="no salary or pension in the last 365 days",
    ),
    "gap_mean_365d": Words(
        "{} between transactions on average in the last 365 days",
        unknown="fewer than 2 transactions in the last 365 days",
    ),
    "gap_std_365d": Words(
        "time between transactions varies by {} in the last 365 days",
        zero="transactions at equal intervals in the last 365 days",
        unknown="fewer than 3 transactions in the last 365 days",
    ),
    "balance_last": Words(
        "balance of {} after the last transaction",
        unknown="balance after the last transaction not known",
    ),
    "balance_usual": Words("usual balance of {}", unknown="no usual balance known"),
    "balance_change": Words(
        "average balance of the last 30 days is {apart} than that of the last 180 days",
        zero="average balance of the last 30 days is that of the last 180 days",
        unknown="no balance known in the last 30 days",
    ),
    "debit_trend": Words(
        "spending in the last 90 days {moved} of the year's average",
        zero="no spending in the last 90 days, after some earlier in the year",
        unknown="no spending in the last 365 days",
    ),
    "credit_trend": Words(
        "money received in the last 90 days {moved} of the year's average",
        zero="no money received in the last 90 days, after some earlier in the year",
        unknown="no money received in the last 365 days",
    ),
    "salary_months_180d": Words(
        "salary or pension in {} within the last 180 days",
        zero="no salary or pension in the last 180 days",
    ),
    "salary_days_since": Words(
        "{} since the last salary or pension", unknown="no salary or pension in the last 365 days"
    ),
    "salary_variation_365d": Words(
        "salary or pension varies by {percent} in the last 365 days",
        zero="always the same salary or pension in the last 365 days",
        unknown="fewer than 2 salaries or pensions in the last 365 days",
    ),
    "products_held": Words("{} held"),
    "products_opened_365d": Words("{} opened in the last 365 days"),
    "products_closed_365d": Words("{} closed in the last 365 days"),
    "products_closed_90d": Words("{} closed in the last 90 days"),
    "products_kept_share": Words(
        "{percent} of all products ever held are still held",
        zero="none of the products ever held is still held",
        unknown="no product ever held",
    ),
    "product_opened_days_since": Words(
        "{} since a product was last opened", unknown="no product ever opened"
    ),
    "product_closed_days_since": Words(
        "{} since a product was last closed", unknown="no product ever closed"
    ),
    "has_savings": Words("savings held", zero="no savings held"),
    "has_mobile": Words("mobile banking held", zero="no mobile banking held"),
    "has_card": Words("card held", zero="no card held"),
    "has_loan": Words("loan held", zero="no loan held"),
    "open_complaints": Words("{} not settled yet", zero="no open complaints"),
    "open_complaint_days": Words(
        "oldest open complaint waits for {}", unknown="no open complaints"
    ),
    "complaint_days_since": Words("{} since the last complaint", unknown="no complaint ever"),
    "resolution_days_mean_365d": Words(
        "{} on average to settle a complaint of the last 365 days",
        unknown="no complaint settled in the last 365 days",
    ),
    "satisfaction_last": Words(
        "last stated satisfaction is {}", unknown="no satisfaction ever stated"
    ),
    "satisfaction_mean_365d": Words(
        "stated satisfaction averages {} in the last 365 days",
        unknown="no satisfaction stated in the last 365 days",
    ),
    "home_outlet_km": Words(
        "{} from the home outlet",
        zero="at the home outlet",
        unknown="distance to the home outlet not known",
    ),
    "nearest_outlet_km": Words(
        "{} from the nearest open outlet",
        zero="at an open outlet",
        unknown="no open outlet known within 50 km",
    ),
    "customers_per_km2": Words("{} around the home", unknown="place of the home not known"),
    "tenure_days": Words("customer for {}", unknown="time as a customer not known"),
    "age_years": Words("{} old", unknown="age not known"),
    "customer_occupation": Words("occupation: {}", unknown="occupation not known"),
    "customer_income_band": Words("income band: {}", unknown="income band not known"),
    "customer_kind": Words("kind of customer: {}", unknown="kind of customer not known"),
}


WORDS = ALONE | of_windows(IN_WINDOW)
