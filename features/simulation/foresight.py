"""The true probability of leaving later, by summing over every state that may come.

At the first day of month m one knows the states shown until the month before. Month m itself
is the gap of 30 days; the months m+1, m+2 and m+3 are the 90 days after it. The result is
P(leaves in those months | has not left in month m). Contacts after the cut-off are left out.
"""

from typing import NamedTuple

import numpy as np

from features.simulation.leaving import (
    FADING_MOST,
    History,
    Odds,
    State,
    complaint_open,
    contact_active,
    fades_on,
    leave_odds,
    salary_away,
)
from features.simulation.settings import Bools, Floats

GAP_MONTHS, OUTCOME_MONTHS = 1, 3

# Every state, as axes 1 to 3 beside the customers' axis 0: fading, salary gone, complaint open.
_FADING = np.arange(FADING_MOST + 1).reshape(1, -1, 1, 1)
_GONE = np.array([False, True]).reshape(1, 1, 2, 1)
_OPEN = np.array([False, True]).reshape(1, 1, 1, 2)
_EVERY = State(_FADING, _GONE, _OPEN)


class Month(NamedTuple):
    """Odds of one month for every customer and state."""

    fades: Floats
    stays: Floats  # probability of not leaving


def leaving_ahead(odds: Odds, history: History) -> Floats:
    """Probability of leaving within 90 days after a gap of 30, customers x months."""
    return np.stack(
        [_ahead(odds, history, month) for month in range(history.contact.shape[1])], axis=1
    )


def _ahead(odds: Odds, history: History, month: int) -> Floats:
    last = odds.rival.shape[1] - 1
    steps = []
    for at in range(month, month + GAP_MONTHS + OUTCOME_MONTHS):
        contact = contact_active(history.contact, at, known=month) * odds.contact_effect
        steps.append(_month(odds, odds.rival[:, min(at, last)], contact))
    through = np.ones_like(steps[0].stays)
    for step in reversed(steps[GAP_MONTHS:]):
        through = _expected(odds, step, step.stays * through)
    gap = steps[0]
    here = State(
        history.fading[:, month], history.salary_gone[:, month], history.complaint[:, month]
    )
    survives_all = _at(_expected(odds, gap, gap.stays * through), here)
    survives_gap = _at(_expected(odds, gap, gap.stays), here)
    return 1 - survives_all / survives_gap


def _month(odds: Odds, rival: Bools, contact: Floats) -> Month:
    wide = (slice(None), None, None, None)
    return Month(
        fades_on(odds.fade[wide], _EVERY, rival[wide]),
        1 - leave_odds(odds.leave[wide], _EVERY, rival[wide], contact[wide]),
    )


def _expected(odds: Odds, step: Month, value: Floats) -> Floats:
    """Mean of a value of the month's state, given each state of the month before."""
    wide = (slice(None), None, None, None)
    opens = complaint_open(odds.complains[wide], _OPEN)
    by_gone = opens * value[..., 1:] + (1 - opens) * value[..., :1]
    away = salary_away(odds.salaried[wide], _GONE, _FADING)
    by_fading = away * by_gone[:, :, 1:] + (1 - away) * by_gone[:, :, :1]
    onward = np.concatenate([by_fading[:, 1:], by_fading[:, -1:]], axis=1)
    expected: Floats = step.fades * onward + (1 - step.fades) * by_fading[:, :1]
    return expected


def _at(value: Floats, state: State) -> Floats:
    """The entry of each customer's own state."""
    rows = np.arange(len(value))
    own: Floats = value[rows, state.fading, state.salary_gone * 1, state.complaint * 1]
    return own
