"""One call that simulates a bank and writes it."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

from features.simulation import tables
from features.simulation.arrays import customer_ids
from features.simulation.behaviour import activity, draw_means, rates, stopped_salaries
from features.simulation.events import Events, draw_events
from features.simulation.holdings import LOAN, Holdings, draw_holdings, owned_at_first
from features.simulation.leaving import History, Odds, draw_history, odds_of
from features.simulation.people import People, draw_people
from features.simulation.planted import (
    MOVES,
    NEW_CODE,
    OLD_CODE,
    SOURCE_MOVES,
    WHY,
    Planted,
    plant,
)
from features.simulation.settings import Plan
from features.simulation.territory import County, degrees, draw_county
from features.simulation.texts import CONFIG, TRUTH
from features.simulation.transactions import Ledger, draw_ledger
from features.simulation.write import Staging


class Block(NamedTuple):
    """Everything about one block of customers."""

    people: People
    odds: Odds
    history: History
    holdings: Holdings
    events: Events
    ledger: Ledger


class SimulationSummary(NamedTuple):
    """What was written, and what is planted in it."""

    folder: Path
    customers: int
    transactions: int
    closures: int
    first_day: date
    end_day: date  # the first day without data
    drifting_places: tuple[str, ...]
    config_written: bool


def simulate(
    out: Path,
    customers: int,
    months: int,
    seed: int,
    start: date = date(2024, 1, 1),
    progress: Callable[[str, float], None] = lambda step, done: None,
    *,
    write_config: bool = True,
) -> SimulationSummary:
    """Write a synthetic bank with known truth to `out`: contract tables, `truth/`, configuration.

    The same arguments give the same bytes. Files of an earlier simulation are replaced; a
    `gridkeep.toml` that is already there stays as it is.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     simulate(Path(folder), customers=50, months=3, seed=1).customers
    50
    """
    plan = Plan(customers, months, seed, start)
    county = draw_county(plan)
    planted = plant(plan, county)
    counted = {"transactions": 0, "closures": 0}
    with Staging(out) as staging:
        config = write_config and not (out / "gridkeep.toml").exists()
        for number in range(plan.blocks):
            progress("simulating customers", number / plan.blocks)
            _write_block(staging, plan, county, planted, number, counted)
        _write_world(staging, plan, county, planted)
        if config:
            last_day = plan.firsts[-1] - timedelta(days=1)
            staging.text("gridkeep.toml", CONFIG.format(last_day=last_day))
    progress("simulating customers", 1.0)
    return SimulationSummary(
        folder=out,
        customers=customers,
        first_day=plan.start,
        end_day=plan.firsts[-1],
        drifting_places=_drifting(county, planted),
        config_written=config,
        **counted,
    )


def draw_block(plan: Plan, county: County, planted: Planted, block: int) -> Block:
    """One block of customers; it does not depend on any other block."""
    people = draw_people(plan, county, block)
    odds = odds_of(people, county, plan)
    stopped = stopped_salaries(plan, planted, people, block)
    history = draw_history(plan, people, odds, stopped, plan.stream("history", block))
    active = activity(plan, people, history, plan.stream("activity", block))
    counts = rates(people, active, planted)
    chance = plan.stream("holdings", block)
    owned = owned_at_first(people, chance)
    holdings = draw_holdings(plan, people, history, owned, chance)
    chance = plan.stream("means", block)
    means = draw_means(plan, planted, people, history, owned[:, LOAN], chance)
    events = draw_events(plan, people, history, active, plan.stream("events", block))
    chance = plan.stream("ledger", block)
    ledger = draw_ledger(plan, planted, people, history, means, counts, chance)
    return Block(people, odds, history, holdings, events, ledger)


def _write_block(
    staging: Staging,
    plan: Plan,
    county: County,
    planted: Planted,
    number: int,
    counted: dict[str, int],
) -> None:
    people, odds, history, holdings, events, ledger = draw_block(plan, county, planted, number)
    staging.rows("customers.parquet", tables.customer_columns(people, county))
    counted["transactions"] += staging.rows(
        "transactions.parquet", tables.transaction_columns(plan, planted, people, ledger, number)
    )
    staging.rows("holdings.parquet", tables.holding_columns(people, holdings))
    staging.rows("service_events.parquet", tables.event_columns(plan, people, events, number))
    counted["closures"] += staging.rows(
        "closures.parquet", tables.closure_columns(plan, people, odds, history, number)
    )
    staging.rows("truth/customer_months.parquet", tables.month_columns(plan, people, odds, history))
    staging.rows(
        "truth/customers_places.parquet", tables.place_columns(plan, people, county, planted)
    )
    staging.rows(
        "truth/contact_effect.parquet",
        {"customer_id": customer_ids(people.number), "log_odds": people.contact_effect},
    )


def _write_world(staging: Staging, plan: Plan, county: County, planted: Planted) -> None:
    spots = np.array([(outlet.east_km, outlet.north_km) for outlet in county.outlets])
    latitude, longitude = degrees(spots[:, 0], spots[:, 1])
    outlets = {
        "outlet_id": [outlet.outlet_id for outlet in county.outlets],
        "latitude": latitude,
        "longitude": longitude,
    }
    staging.rows("outlets.parquet", outlets)
    drift = json.dumps(_drift(plan, county, planted), indent=2, ensure_ascii=False)
    staging.text("truth/drift.json", drift + "\n")
    staging.text("truth/README.md", TRUTH)


def _drift(plan: Plan, county: County, planted: Planted) -> dict[str, object]:
    firsts = [first.isoformat() for first in plan.firsts]
    return {
        "places": [
            {
                "from_month": firsts[change.month],
                "place": county.places[place].name,
                "drift": change.reason,
                "why": WHY[change.reason],
                "columns": list(MOVES[change.reason]),
            }
            for change in planted.changes
            for place in change.places
        ],
        "source": {
            "from_month": firsts[planted.code_month],
            "table": "transactions",
            "column": "category",
            "why": f"the code {OLD_CODE!r} is delivered as {NEW_CODE!r} everywhere",
            "columns": list(SOURCE_MOVES),
        },
        "competitor": {
            "from_month": firsts[county.competitor_month],
            "places": [county.places[place].name for place in county.competitor_places],
            "why": "another bank opens: people of the place fade and leave more often",
        },
    }


def _drifting(county: County, planted: Planted) -> tuple[str, ...]:
    return tuple(county.places[at].name for change in planted.changes for at in change.places)
