"""Labels: who was lost after a cut-off. The future; never seen by serving or monitoring.

The observation window ends at the cut-off. The outcome window begins `gap_days` after it and
is `outcome_days` long, its end not included. Windows are days of the bank's time zone. Who is
in the set goes by what the bank knew at the cut-off, as features do; what became of a customer
goes by when it happened (`posted_at`), not by when the bank came to know it.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import ibis
import pandas as pd
import pyarrow as pa
from ibis.expr.types import BooleanValue, Table

from domain.cutoffs import cutoff_instant
from domain.errors import BadInput
from features.dialect import last_row
from features.engine import Tables
from features.history import data_days, days_of, require_history, spine
from features.settings import LabelSettings

KEY = ("customer_id", "as_of")
WINDOWS = ("at", "observed_from", "outcome_from", "outcome_to", "lost_from", "lost_to")
BALANCE = (("posted_at", "transaction_id"), ("balance_after",))


def churn_labels(tables: Tables, as_of: date | Sequence[date], settings: LabelSettings) -> Table:
    """One row per (customer, cut-off) of the set: `customer_id`, `as_of`, `churned` (0 or 1).

    The set holds every customer onboarded before the cut-off, not closed before it, and not
    gone already as the kind has it:

    `closed`: the account was closed in the outcome window. Who leaves within the gap is out of
    the set: gone before anyone could act on a score.
    `silent`: no own transaction in the outcome window; the set has one in the observation
    window. Own is what the bank did not initiate. Who leaves within the gap is silent.
    `zero_balance`: the last known balance before the end of the outcome window is at most
    `zero_below`; in the set it was above that at the cut-off.
    `balance_attrition`: the mean balance over the rows of the outcome window is under
    `balance_ratio` times that of the observation window, which the set has and is above zero.
    Without a row in the outcome window the last balance known before its end stands for it.

    Raises BadInput for a cut-off before all data or an outcome window past its end.

    >>> tables = _example()
    >>> label = LabelSettings(kind="silent", observation_days=30, gap_days=0, outcome_days=30)
    >>> churn_labels(tables, date(2026, 2, 1), label).order_by("customer_id").execute().churned
    0    1
    1    0
    Name: churned, dtype: int64
    """
    days = days_of(as_of)
    require_history(tables, days)
    _require_outcome(tables, days[-1], settings)
    rows = spine(tables, _windows(days, settings, tables.timezone))
    rows = rows.select(*KEY, *WINDOWS)
    churned = _KINDS[settings.kind](tables, rows, settings)
    return churned.select(*KEY, churned=churned.churned.cast("int64"))


def lost_by(
    tables: Tables,
    as_of: date | Sequence[date],
    settings: LabelSettings,
    horizons: Sequence[int],
) -> Table:
    """One row per (customer, cut-off) of the set: `customer_id`, `as_of`, `lost_30d`, ... (0 or 1).

    A horizon of H days ends `gap_days` + H days after the cut-off, and nothing later is looked at.
    The set is that of `churn_labels`. A customer is lost by a horizon who was lost at its end or
    at the end of a shorter one: `closed` by then; `silent`, without an own transaction in the last
    `outcome_days` days before it (these may begin before the cut-off); `zero_balance`, with
    nothing left at it; `balance_attrition`, with a mean balance that fell from the gap to it.

    Raises BadInput for a cut-off before all data or a horizon that ends after them.

    >>> label = LabelSettings(observation_days=30, gap_days=0, outcome_days=40)
    >>> found = lost_by(_example(), date(2026, 2, 1), label, (10, 20)).order_by("customer_id")
    >>> found.execute()[["lost_10d", "lost_20d"]].to_numpy().tolist()  # both silent from 01-10 on
    [[0, 1], [0, 1]]
    """
    days, ends = days_of(as_of), sorted(set(horizons))
    require_history(tables, days)
    _require_outcome(tables, days[-1], _ending(settings, ends[-1]))
    found, lost = None, ibis.literal(0)
    for horizon in ends:
        ending = _ending(settings, horizon)
        rows = spine(tables, _windows(days, ending, tables.timezone)).select(*KEY, *WINDOWS)
        here = _KINDS[settings.kind](tables, rows, ending)
        here = here.select(*KEY, now=here.churned.cast("int64"))
        found = here if found is None else found.join(here, KEY)
        lost = ibis.greatest(lost, found.now)
        found = found.mutate(**{f"lost_{horizon}d": lost}).drop("now")
        lost = found[f"lost_{horizon}d"]
    return found


def label_end(tables: Tables) -> date:
    """The day after the last transaction: an outcome window may end there and not later.

    A closure does not move it: one can be announced, and nobody transacts in days to come.
    """
    _, last = data_days(tables)
    return last + timedelta(days=1)


def require_two_classes(labels: pd.DataFrame) -> None:
    """BadInput unless some customers churned and some stayed.

    >>> require_two_classes(pd.DataFrame({"churned": [0, 0]}))
    Traceback (most recent call last):
    domain.errors.BadInput: of the rows (a customer at a cut-off) 2 stayed and 0 churned; ...
    """
    churned = int(labels["churned"].sum())
    if not 0 < churned < len(labels):
        raise BadInput(
            f"of the rows (a customer at a cut-off) {len(labels) - churned} stayed and {churned} "
            "churned; a model needs both: choose other cut-offs or another [label] kind or window"
        )


def _require_outcome(tables: Tables, last: date, settings: LabelSettings) -> None:
    ahead = timedelta(days=settings.gap_days + settings.outcome_days)
    end = label_end(tables)
    if last + ahead > end:
        raise BadInput(
            f"the outcome of cut-off {last} is known only from {last + ahead} on "
            f"({settings.gap_days} days gap + {settings.outcome_days} days outcome), but the data "
            f"end before {end}; choose a cut-off up to {end - ahead} or shorten [label]"
        )


def _windows(days: Sequence[date], settings: LabelSettings, timezone: str) -> Table:
    first = [day + timedelta(days=settings.gap_days) for day in days]
    last = [day + timedelta(days=settings.outcome_days) for day in first]
    observed = [day - timedelta(days=settings.observation_days) for day in days]
    dates = {"as_of": days, "lost_from": first, "lost_to": last}
    times = {"at": days, "observed_from": observed, "outcome_from": first, "outcome_to": last}
    columns = {name: pa.array(values, pa.date32()) for name, values in dates.items()}
    for name, values in times.items():
        instants = [cutoff_instant(day, timezone) for day in values]
        columns[name] = pa.array(instants, pa.timestamp("us"))
    return ibis.memtable(pa.table(columns))


def _ending(settings: LabelSettings, horizon: int) -> LabelSettings:
    """The label whose outcome window ends with a horizon.

    To be silent takes as long as ever: a window of the horizon alone would find more of them, the
    shorter it is. It may begin before the cut-off.
    """
    if settings.kind != "silent":
        return settings.model_copy(update={"outcome_days": horizon})
    early = settings.gap_days + horizon - settings.outcome_days
    return settings.model_copy(update={"gap_days": early})


def _closed(tables: Tables, rows: Table, settings: LabelSettings) -> Table:
    left = tables.closures.group_by("customer_id").aggregate(
        closed_on=tables.closures.closed_on.min()
    )
    seen = rows.join(left, "customer_id", how="left")
    gone = (seen.closed_on < seen.lost_from).fill_null(False)
    return seen.filter(~gone).mutate(churned=(seen.closed_on < seen.lost_to).fill_null(False))


def _silent(tables: Tables, rows: Table, settings: LabelSettings) -> Table:
    own = tables.transactions.filter(tables.transactions.initiated_by_customer.fill_null(True))
    seen = _posted(rows, own)
    found = seen.group_by(*KEY).aggregate(
        before=seen.count(where=_observed(seen)), after=seen.count(where=_outcome(seen))
    )
    return found.filter(found.before > 0).mutate(churned=found.after == 0)


def _zero_balance(tables: Tables, rows: Table, settings: LabelSettings) -> Table:
    seen = _posted(rows, _with_balance(tables))
    found = seen.group_by(*KEY).aggregate(
        before=last_row(seen, *BALANCE, where=_known(seen)),
        after=last_row(seen, *BALANCE),
    )
    kept = found.filter(found.before.balance_after > settings.zero_below)
    return kept.mutate(churned=kept.after.balance_after <= settings.zero_below)


def _balance_attrition(tables: Tables, rows: Table, settings: LabelSettings) -> Table:
    seen = _posted(rows, _with_balance(tables))
    found = seen.group_by(*KEY).aggregate(
        before=seen.balance_after.mean(where=_observed(seen)),
        after=seen.balance_after.mean(where=_outcome(seen)),
        last=last_row(seen, *BALANCE),
    )
    kept = found.filter(found.before > 0)
    after = kept.after.fill_null(kept["last"].balance_after)
    return kept.mutate(churned=after < kept.before * settings.balance_ratio)


def _with_balance(tables: Tables) -> Table:
    return tables.transactions.filter(tables.transactions.balance_after.notnull())


def _posted(rows: Table, posted: Table) -> Table:
    return rows.join(
        posted,
        [rows.customer_id == posted.customer_id, posted.posted_at < rows.outcome_to],
    )


def _observed(seen: Table) -> BooleanValue:
    return (seen.posted_at >= seen.observed_from) & _known(seen)


def _known(seen: Table) -> BooleanValue:
    arrived = seen.available_at.isnull() | (seen.available_at <= seen["at"])
    return (seen.posted_at < seen["at"]) & arrived


def _outcome(seen: Table) -> BooleanValue:
    return seen.posted_at >= seen.outcome_from


_KINDS = {
    "closed": _closed,
    "silent": _silent,
    "zero_balance": _zero_balance,
    "balance_attrition": _balance_attrition,
}


def _example() -> Tables:
    from features.engine import tables_of

    customers = pd.DataFrame({"customer_id": ["a", "b"], "onboarded_on": "2026-01-01"})
    posted = pd.DataFrame(
        {
            "transaction_id": ["1", "2", "3"],
            "customer_id": ["a", "b", "b"],
            "posted_at": ["2026-01-10", "2026-01-10", "2026-03-02"],
            "amount": [-1.0, -1.0, -1.0],
        }
    )
    return tables_of({"customers": customers, "transactions": posted})
