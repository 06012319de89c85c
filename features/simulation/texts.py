"""Texts that are written beside the tables."""

from features.simulation.settings import TIMEZONE

CONFIG = f"""\
# A simulated bank. Its truth lies in truth/ and is never read by the product.
[bank]
name = "Simulated county bank"
timezone = "{TIMEZONE}"

[sources]
reader = "simulated"
path = "."
data_until = "{{last_day}}"  # a long simulation may run past today

[label]
kind = "closed"
gap_days = 30
outcome_days = 90
"""

TRUTH = """\
# The truth of this simulated bank

For comparison only: the product never reads this folder.

- `customer_months.parquet`: one row per customer at the first day of each month.
  `leave_probability` is the probability of leaving in the month, given the state of that month;
  `leave_90d_after_30d_probability` is the probability of leaving in the second to fourth month
  from that day, given not leaving in the first, and only what had shown before that day
  (calendar months stand for the gap of 30 and the window of 90 days; contacts after the day are
  left out). The other columns are the state of the month: months of fading, share of the usual
  activity, salary gone elsewhere, complaint open, competitor open in the place, distance to the
  outlet, log-odds added by recent contacts.
- `contact_effect.parquet`: log-odds of leaving that a contact adds in the three months after
  its own; below zero it helps, above zero it harms.
- `customers_places.parquet`: place, true home, life stage, planted drift and competitor of each
  customer.
- `drift.json`: which places drift, from which month on, why, and in which features; the source
  column that changes its meaning in the whole bank; where a competitor opens.
"""
