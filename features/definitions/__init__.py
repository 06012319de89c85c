"""Feature definitions, a module for each family: a part of a customer's life with the bank.

The first line of a module is the title of its section in docs/features.md.

No statistic over the population (a mean, a rank, a quantile edge) is a feature: it would
look at other customers and is fitted in training. A count of neighbours at the cut-off is one:
the map of that day gives it, whoever is scored. `sex` and `marketing_opt_out` are kept out
on purpose: the one is unfair to decide by, the other is a wish to respect, not a signal. Age is
one for the segments; `retention.protected` keeps it from the retention model.
"""
