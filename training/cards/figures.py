"""The figures of a sealed card as tables: every one with its interval, beside its rivals."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from training.cards.structure import Table, number, with_interval
from training.report import VERSUS

ENDS = ("", "_low", "_high")
# name -> what it says, and whether higher (1) or lower (-1) is better
MEANINGS: Mapping[str, tuple[str, int]] = {
    "auc": ("chance that a lost customer scores above a kept one (AUC)", 1),
    "average_precision": ("average precision", 1),
    "log_loss": ("log-loss, nats", -1),
    "brier": ("Brier score", -1),
    "lift_top_tenth": ("lift in the riskiest tenth", 1),
    "empc": ("expected maximum profit a customer (EMPC), money", 1),
    "profit_per_customer": ("what the lists earned a customer, money", 1),
    "assign_accuracy": ("customers held out given their segment", 1),
    "assign_later_accuracy": ("customers at the later cut-off given their segment", 1),
    "assign_masked_accuracy": ("the same with half of the families of features hidden", 1),
    "clear_accuracy": ("customers who are not borderline given their segment", 1),
    "next_accuracy": ("segment a horizon later foretold", 1),
    "value_explained": ("share of the later value's variance explained", 1),
    "churn_auc": ("chance that a lost customer is in the worse segment (AUC)", 1),
    "up_precision": ("customers on the list to go up a tier who did", 1),
    "down_precision": ("customers on the list to go down a tier who did", 1),
    "value_coverage": ("margins of 12 months inside their 80 % interval", 0),
}
BY_HORIZON = re.compile(r"lost_by_(?P<kind>\w+)_(?P<days>\d+)d_(?P<of>auc|log_loss)")
SINGLE: Mapping[str, str] = {
    "threshold": "probability of loss from which a contact pays",
    "contact_share": "share of customers that earns most when contacted",
    "listed_share": "share of customers on the lists",
    "out_of_fold_log_loss": "log-loss on the training customers, out of fold",
    "churn_rate": "rate of loss of the customers who judge",
    "fairness_ratio": "losses over foretold losses, in the group farthest from 1",
    "fairness_gap": "widest gap of a group's share on the lists to everybody else's",
    "leakage_passed": "passed the leakage gate (1: yes)",
    "value_margin": "margin of 12 months, mean, money",
    "value_foretold": "the same as foretold",
    "value_error": "mean absolute error of the foretold margin, money",
    "value_width": "mean width of its 80 % interval, money",
}


class Figure(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


class Figures(NamedTuple):
    """Of the model, of each rival, the model less each rival; and those without an interval."""

    ours: Mapping[str, Figure]
    rivals: Mapping[str, Mapping[str, Figure]]
    differences: Mapping[str, Mapping[str, Figure]]
    single: Mapping[str, float]


def figures_of(metrics: Mapping[str, float]) -> Figures:
    """The figures of a card, told apart by their names.

    >>> one = {f"{name}{end}": 0.5 for name in ("auc", "versus_a_rule_auc") for end in ENDS}
    >>> found = figures_of({**one, "churn_rate": 0.1})
    >>> list(found.ours), list(found.differences), list(found.single)
    (['auc'], ['a_rule'], ['churn_rate'])
    """
    whole = {
        name: Figure(*(metrics[f"{name}{end}"] for end in ENDS))
        for name in metrics
        if all(f"{name}{end}" in metrics for end in ENDS)
    }
    differences: dict[str, dict[str, Figure]] = {}
    for name in (one for one in whole if one.startswith(VERSUS)):
        rival, metric = _parted(name.removeprefix(VERSUS), whole)
        differences.setdefault(rival, {})[metric] = whole[name]
    rivals = {
        rival: {one: whole[f"{rival}_{one}"] for one in of if f"{rival}_{one}" in whole}
        for rival, of in differences.items()
    }
    taken = {f"{rival}_{metric}" for rival, known in rivals.items() for metric in known}
    ours = {
        name: figure
        for name, figure in whole.items()
        if name not in taken and not name.startswith(VERSUS)
    }
    ends = {f"{name}{end}" for name in whole for end in ENDS}
    single = {name: value for name, value in metrics.items() if name not in ends}
    return Figures(ours, rivals, differences, single)


def _parted(name: str, whole: Mapping[str, Figure]) -> tuple[str, str]:
    """Rival and figure of `RIVAL_FIGURE`; both may hold underscores.

    >>> figure = Figure(0.8, 0.7, 0.9)
    >>> _parted("recency_rule_auc", {"auc": figure, "rule_auc": figure})  # there is a "rule", too
    ('recency_rule', 'auc')
    """
    words = name.split("_")
    for at in range(len(words) - 1, 0, -1):
        if "_".join(words[at:]) in whole:
            return "_".join(words[:at]), "_".join(words[at:])
    return name, name


def figure_table(found: Figures, names: Mapping[str, str], money: str) -> Table:
    """The model beside its rivals, on the same rows; `names` are those of the rivals."""
    header = ("figure", "better", "the model", *(names.get(one, one) for one in found.rivals))
    rows = [
        (
            meaning(name),
            better(name),
            with_interval(figure),
            *(told(rival.get(name)) for rival in found.rivals.values()),
        )
        for name, figure in found.ours.items()
    ]
    return Table(f"With 95 % intervals; money is {money}", header, tuple(rows), header[2:])


def difference_table(found: Figures, names: Mapping[str, str]) -> Table | None:
    """The model less each rival, paired by customer, and which differences chance may explain."""
    if not found.differences:
        return None
    header = ("figure", *(f"less {names.get(one, one)}" for one in found.differences))
    known = list(dict.fromkeys(name for of in found.differences.values() for name in of))
    rows = [
        (meaning(name), *(_against(name, of.get(name)) for of in found.differences.values()))
        for name in known
    ]
    caption = "The model less its rivals, paired by customer"
    return Table(caption, header, tuple(rows), header[1:])


def single_table(found: Figures) -> Table | None:
    """Figures without an interval."""
    if not found.single:
        return None
    rows = [(SINGLE.get(name, name), number(value)) for name, value in found.single.items()]
    return Table("Other figures", ("figure", "value"), tuple(rows), ("value",))


def meaning(name: str) -> str:
    """What a figure says.

    >>> meaning("lost_by_zero_balance_30d_log_loss"), better("lost_by_closed_90d_auc")
    ('zero balance within 30 days: log-loss, nats', 'higher')
    """
    if horizon := BY_HORIZON.fullmatch(name):
        kind = horizon["kind"].replace("_", " ")
        return f"{kind} within {horizon['days']} days: {meaning(horizon['of'])}"
    return MEANINGS[name][0] if name in MEANINGS else name.replace("_", " ")


def better(name: str) -> str:
    """Which way is better."""
    horizon = BY_HORIZON.fullmatch(name)
    known = MEANINGS.get(horizon["of"] if horizon else name, ("", 0))
    return {1: "higher", -1: "lower"}.get(known[1], "")


def told(figure: Figure | None) -> str:
    """A figure with its interval, "-" where there is none."""
    return "-" if figure is None else with_interval(figure)


def surely(name: str, figure: Figure) -> int:
    """1 where the model is surely better by this difference, -1 where surely worse, else 0.

    >>> surely("log_loss", Figure(-0.1, -0.2, -0.05)), surely("auc", Figure(0.1, -0.1, 0.3))
    (1, 0)
    """
    side = 1 if figure.low > 0 else -1 if figure.high < 0 else 0
    return side * (MEANINGS[name][1] if name in MEANINGS else 0)


def _against(name: str, figure: Figure | None) -> str:
    if figure is None:
        return "-"
    word = {1: "surely better", -1: "surely worse", 0: "may be chance"}[surely(name, figure)]
    return f"{with_interval(figure, '+')}, {word}"
