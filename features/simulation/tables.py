"""The contract tables of a block, and its truth, as columns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.simulation.arrays import customer_ids, dates, instants, labels, numbers, words
from features.simulation.categories import CATEGORIES, CHANNELS, CODE, NAMES
from features.simulation.events import COMPLAINT, EVENT_CHANNELS, KINDS, Events
from features.simulation.foresight import leaving_ahead
from features.simulation.holdings import PRODUCTS, Holdings
from features.simulation.leaving import ACTIVITY, History, Odds, contact_active
from features.simulation.people import BANDS, BUSINESS, OCCUPATIONS, STAGES, People
from features.simulation.planted import NEW_CODE, OLD_CODE, Planted
from features.simulation.settings import Ints, Plan
from features.simulation.territory import County, degrees
from features.simulation.transactions import Ledger

Columns = Mapping[str, Any]

_OWN = np.array([category.own for category in CATEGORIES])
_NEW = len(NAMES)  # a code of its own for the changed category
_LATE_SHARE = 0.015
_COORDINATES, _DISTRICT, _OUTLET = 3, 2, 1


def customer_columns(people: People, county: County) -> Columns:
    """Customers of a block: what the bank knows of them."""
    latitude, longitude = degrees(people.east_km, people.north_km)
    located, person = people.located, people.stage != BUSINESS
    districts = [place.district for place in county.places]
    outlets = [outlet.outlet_id for outlet in county.outlets]
    return {
        "customer_id": customer_ids(people.number),
        "onboarded_on": dates(people.joined_day),
        "birth_date": dates(people.birth_day, person),
        "sex": words(np.where(person, people.sex, -1), ("F", "M")),
        "occupation": words(people.occupation, OCCUPATIONS),
        "income_band": words(people.band, BANDS),
        "latitude": numbers(latitude, located >= _COORDINATES),
        "longitude": numbers(longitude, located >= _COORDINATES),
        "district": words(np.where(located >= _DISTRICT, people.place, -1), districts),
        "outlet_id": words(np.where(located >= _OUTLET, people.outlet, -1), outlets),
        "kind": words(person * 1, ("business", "person")),
        "marketing_opt_out": pa.array(people.opted_out),
    }


def transaction_columns(
    plan: Plan, planted: Planted, people: People, ledger: Ledger, block: int
) -> Columns:
    """Transactions of a block, ordered by customer and time; ids rise in that order."""
    chance = plan.stream("delivery", block)
    count = len(ledger.customer)
    late = chance.random(count) < _LATE_SHARE
    delay = chance.uniform(0.5, 20.0, count) + late * 24 * chance.uniform(1.0, 9.0, count)
    renamed = (ledger.code == CODE[OLD_CODE]) & (ledger.month >= planted.code_month)
    position = pc.cast(pa.array(np.arange(count)), pa.string())
    return {
        "transaction_id": pc.binary_join_element_wise(
            f"T{block:04d}", pc.utf8_lpad(position, 8, "0"), ""
        ),
        "customer_id": customer_ids(people.number).take(pa.array(ledger.customer)),
        "posted_at": instants(ledger.second),
        "amount": ledger.cents / 100,
        "balance_after": ledger.balance / 100,
        "channel": words(np.where(_OWN[ledger.code], ledger.channel, -1), CHANNELS),
        "category": words(np.where(renamed, _NEW, ledger.code), (*NAMES, NEW_CODE)),
        "counterparty_id": _counterparties(ledger),
        "initiated_by_customer": pa.array(_OWN[ledger.code]),
        "available_at": instants(ledger.second + (delay * 3600).astype(np.int64)),
    }


def _counterparties(ledger: Ledger) -> Any:
    prefixes = sorted({category.partner for category in CATEGORIES if category.partner})
    of_code = np.array([prefixes.index(kind.partner or prefixes[0]) for kind in CATEGORIES])
    return pc.binary_join_element_wise(
        words(of_code[ledger.code], prefixes), labels("", ledger.partner, 7), ""
    )


def holding_columns(people: People, holdings: Holdings) -> Columns:
    """Holdings of a block; a balance without a date would tell the future, so there is none."""
    return {
        "customer_id": customer_ids(people.number).take(pa.array(holdings.customer)),
        "product": words(holdings.product, PRODUCTS),
        "opened_on": dates(holdings.opened_day),
        "closed_on": dates(holdings.closed_day, holdings.closed_day >= 0),
    }


def event_columns(plan: Plan, people: People, events: Events, block: int) -> Columns:
    """Service events of a block."""
    count = len(events.customer)
    delay = plan.stream("event delivery", block).uniform(0.2, 20.0, count)
    complaint = events.kind == COMPLAINT
    return {
        "event_id": labels(f"E{block:04d}", np.arange(count), 7),
        "customer_id": customer_ids(people.number).take(pa.array(events.customer)),
        "occurred_at": instants(events.second),
        "kind": words(events.kind, KINDS),
        "channel": words(events.channel, EVENT_CHANNELS),
        "resolved_at": instants(events.resolved, complaint & (events.resolved >= 0)),
        "satisfaction": numbers(events.satisfaction.astype(np.float64), events.satisfaction > 0),
        "available_at": instants(events.second + (delay * 3600).astype(np.int64)),
    }


def closure_columns(
    plan: Plan, people: People, odds: Odds, history: History, block: int
) -> Columns:
    """Closures of a block; half of the leavers give a reason, and not always the true one."""
    leaver = np.flatnonzero(history.left_day >= 0)
    month = history.left_month[leaver]
    given = plan.stream("reasons", block).random(len(leaver))
    reason = np.full(len(leaver), 3)
    reason[odds.rival[leaver, month]] = 2
    reason[history.salary_gone[leaver, month + 1]] = 1
    reason[history.complaint[leaver, month + 1]] = 0
    spoken: Ints = np.where(given < 0.4, reason, np.where(given < 0.5, 3, -1))
    return {
        "customer_id": customer_ids(people.number[leaver]),
        "closed_on": dates(history.left_day[leaver]),
        "reason": words(spoken, ("service", "salary moved", "other bank", "no more need")),
    }


def month_columns(plan: Plan, people: People, odds: Odds, history: History) -> Columns:
    """The truth about every customer and month: the state of the month and the odds."""
    customer, month = np.nonzero(history.leave_probability > 0)
    ahead = leaving_ahead(odds, history)
    active = np.stack([contact_active(history.contact, at) for at in range(plan.months)], axis=1)
    fading = history.fading[customer, month + 1]
    return {
        "customer_id": customer_ids(people.number).take(pa.array(customer)),
        "month": dates(plan.first_days[month]),
        "leave_probability": history.leave_probability[customer, month],
        "leave_90d_after_30d_probability": ahead[customer, month],
        "fading_months": fading,
        "activity": ACTIVITY[fading],
        "salary_gone": history.salary_gone[customer, month + 1],
        "complaint_open": history.complaint[customer, month + 1],
        "competitor_open": odds.rival[customer, month],
        "distance_km": people.distance_km[customer],
        "contact_log_odds": np.where(active, people.contact_effect[:, None], 0.0)[customer, month],
    }


def place_columns(plan: Plan, people: People, county: County, planted: Planted) -> Columns:
    """Where customers truly live, and what is planted there."""
    latitude, longitude = degrees(people.east_km, people.north_km)
    drift = np.full(len(county.places), -1)
    for at, change in enumerate(planted.changes):
        drift[list(change.places)] = at
    rival = np.isin(people.place, county.competitor_places)
    opens = np.full(people.size, plan.first_days[county.competitor_month])
    return {
        "customer_id": customer_ids(people.number),
        "place": words(people.place, [place.name for place in county.places]),
        "place_kind": words(people.place, [place.kind for place in county.places]),
        "district": words(people.place, [place.district for place in county.places]),
        "latitude": latitude,
        "longitude": longitude,
        "life_stage": words(people.stage, STAGES),
        "drift": words(drift[people.place], [change.reason for change in planted.changes]),
        "competitor_from": dates(opens, rival),
    }
