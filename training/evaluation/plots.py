"""Pictures of a trained model, as PNG files; no display is needed."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from domain.intervals import wilson
from features.atomic import replacing
from training.evaluation.campaign import Worth

Floats = NDArray[np.float64]
# distinguishable with any kind of colour vision (Okabe and Ito, 2008)
OURS, OTHERS, GREY = "#0072B2", ("#D55E00", "#009E73", "#CC79A7"), "#767676"
FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Zen Hei", "SimHei")
MOST_BARS = 20


def calibration(table: pd.DataFrame, file: Path) -> Path:
    """Observed against predicted rate of loss, ten bins with their Wilson intervals."""
    figure, axes = _figure("Calibration", "predicted probability of loss", "observed rate of loss")
    top = 1.08 * float(max(table["high"].max(), table["predicted"].max()))
    axes.plot([0, top], [0, top], color=GREY, linestyle="--", linewidth=1, label="perfect")
    below, above = table["observed"] - table["low"], table["high"] - table["observed"]
    axes.errorbar(
        table["predicted"],
        table["observed"],
        yerr=np.abs(np.vstack([below, above])),
        fmt="o",
        color=OURS,
        capsize=3,
        label="tenths of the customers, 95 % interval",
    )
    axes.set(xlim=(0, top), ylim=(0, top))
    axes.legend(loc="upper left")
    return _save(figure, file)


def lift(y: Floats, scores: Mapping[str, Floats], file: Path) -> Path:
    """Share of the lost customers found when the riskiest are contacted first."""
    figure, axes = _figure(
        "Lost customers found",
        "share of customers contacted, riskiest first",
        "share of lost found",
    )
    contacted = np.arange(len(y) + 1) / len(y)
    for name, colour in _colours(scores):
        found = np.r_[0, np.cumsum(y[np.argsort(-scores[name], kind="stable")])] / y.sum()
        axes.plot(contacted, found, color=colour, label=name)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="at random")
    axes.set(xlim=(0, 1), ylim=(0, 1.01))
    axes.legend(loc="lower right")
    return _save(figure, file)


def profit(worth: Worth, file: Path) -> Path:
    """What contacting the riskiest earned, by the share contacted; the capacity where there is one.

    The band around the model is the interval that holds 95 % of the assumed acceptance.
    """
    figure, axes = _figure(
        "What a campaign earns",
        "share of customers contacted, riskiest first",
        f"{worth.currency} per customer of the bank",
    )
    rankings = worth.curve["ranking"].unique()
    ours = worth.curve[worth.curve["ranking"] == rankings[0]]
    shown = _until(ours, worth.capacity_share)
    curves = worth.curve[worth.curve["share"] <= shown]
    for name, colour in _colours(rankings):
        curve = curves[curves["ranking"] == name]
        axes.plot(curve["share"], curve["profit_per_customer"], color=colour, label=name)
    band = curves[curves["ranking"] == rankings[0]]
    ends = (band["profit_low"], band["profit_high"])
    axes.fill_between(band["share"], *ends, color=OURS, alpha=0.15, linewidth=0)
    axes.axhline(0, color=GREY, linestyle="--", linewidth=1, label="no campaign")
    if worth.capacity_share is not None:
        axes.axvline(worth.capacity_share, color="black", linewidth=1, label="capacity")
    axes.set_xlim(0, band["share"].max())
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return _save(figure, file)


def _until(curve: pd.DataFrame, capacity_share: float | None) -> float:
    """The share that a picture ends at: beyond, every further contact loses money."""
    best = float(curve["share"].iloc[int(curve["profit_high"].to_numpy().argmax())])
    return min(1.0, max(2 * best, 1.2 * (capacity_share or 0.0), 0.05))


def roc(y: Floats, scores: Mapping[str, Floats], file: Path) -> Path:
    """Lost customers found against kept customers bothered."""
    figure, axes = _figure(
        "ROC", "share of kept customers flagged", "share of lost customers flagged"
    )
    for name, colour in _colours(scores):
        false, true, _ = roc_curve(y, scores[name])
        axes.plot(false, true, color=colour, label=name)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="at random")
    axes.set(xlim=(0, 1), ylim=(0, 1.01))
    axes.legend(loc="lower right")
    return _save(figure, file)


def precision_recall(y: Floats, scores: Mapping[str, Floats], file: Path) -> Path:
    """How many of the flagged are lost, against how many of the lost are flagged."""
    figure, axes = _figure("Precision and recall", "share of lost flagged", "share of flagged lost")
    for name, colour in _colours(scores):
        precision, recall, _ = precision_recall_curve(y, scores[name])
        # the ends rest on a handful of customers: they say nothing and hide the rest
        axes.plot(recall[recall > 0.01], precision[recall > 0.01], color=colour, label=name)
    axes.axhline(y.mean(), color=GREY, linestyle="--", linewidth=1, label="at random")
    axes.set(xlim=(0, 1), ylim=(0, None))
    axes.legend(loc="upper right")
    return _save(figure, file)


def importance(gain: Mapping[str, float], file: Path) -> Path:
    """The features that the trees gained most from."""
    shares = pd.Series(dict(gain), dtype=float) / max(sum(gain.values()), 1e-12)
    top = shares.sort_values().tail(MOST_BARS)
    figure, axes = _figure("What the model looks at", "share of the total gain", "", rows=len(top))
    axes.barh(top.index, top.to_numpy(), color=OURS)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.margins(y=0.01)
    return _save(figure, file)


def cell_auc(cells: pd.DataFrame, overall: float, file: Path) -> Path:
    """AUC of every cell that is large enough, with its interval."""
    ordered = cells.sort_values("auc").reset_index(drop=True)
    shown = ordered if len(ordered) <= 2 * MOST_BARS else _ends(ordered)
    title = "AUC by cell" if len(shown) == len(ordered) else "AUC by cell: lowest and highest"
    figure, axes = _figure(title, "AUC, 95 % interval", "", rows=len(shown))
    at = np.arange(len(shown))
    spread = np.vstack([shown["auc"] - shown["low"], shown["high"] - shown["auc"]]).clip(0)
    axes.errorbar(shown["auc"], at, xerr=spread, fmt="o", color=OURS, capsize=3)
    names = [f"{row.cell_id} ({row.lost} of {row.customers})" for row in shown.itertuples()]
    axes.set_yticks(at, names)
    axes.axvline(overall, color=OTHERS[0], linewidth=1, label=f"all customers {overall:.3f}")
    axes.axvline(0.5, color=GREY, linestyle="--", linewidth=1, label="at random")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return _save(figure, file)


def rolling(figures: pd.DataFrame, file: Path) -> Path:
    """AUC of the model of each day on what followed, with its interval."""
    figure, axes = _figure("The model of each day, judged later", "cut-off", "AUC, 95 % interval")
    at = np.arange(len(figures))
    spread = [figures["auc"] - figures["auc_low"], figures["auc_high"] - figures["auc"]]
    axes.errorbar(
        at, figures["auc"], yerr=np.vstack(spread).clip(0), fmt="o", color=OURS, capsize=3
    )
    names = [
        f"{row.as_of}\n{row.lost} of {row.rows} lost\n{row.train_cutoffs} to learn from"
        for row in figures.itertuples()
    ]
    axes.set_xticks(at, names, rotation=0 if len(at) <= 6 else 60)
    axes.set_ylim(min(0.5, figures["auc_low"].min()) - 0.02, None)
    axes.axhline(0.5, color=GREY, linestyle="--", linewidth=1, label="at random")
    axes.legend(loc="lower right")
    return _save(figure, file)


def horizons(figures: pd.DataFrame, file: Path) -> Path:
    """Share lost by each horizon, a colour a definition: as foretold, and as seen (Wilson)."""
    figure, axes = _figure("Lost by when", "days after the gap", "share of customers lost")
    for kind, colour in _colours(figures["kind"].unique()):
        here = figures[figures["kind"] == kind]
        days, seen = here["horizon_days"], here["seen"]
        axes.plot(days, here["foretold"], color=colour, label=f"{kind}: foretold")
        ends = [wilson(lost, rows) for lost, rows in zip(here["lost"], here["rows"], strict=True)]
        spread = np.abs(np.array(ends).T - seen.to_numpy())
        axes.errorbar(days, seen, yerr=spread, fmt="o", color=colour, capsize=3, label="seen")
    axes.set(xlim=(0, None), ylim=(0, None))
    axes.set_xticks(sorted(figures["horizon_days"].unique()))
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return _save(figure, file)


def _ends(ordered: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([ordered.head(MOST_BARS), ordered.tail(MOST_BARS)], ignore_index=True)


def _colours(scores: Iterable[str]) -> Sequence[tuple[str, str]]:
    return list(zip(scores, (OURS, *OTHERS), strict=False))


def _figure(title: str, x: str, y: str, rows: int | None = None) -> tuple[Figure, Any]:
    tall = 4.8 if rows is None else max(2.4, 1.4 + 0.27 * rows)
    figure = Figure(figsize=(7.2, tall), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: Figure, file: Path) -> Path:
    known = {font.name for font in font_manager.fontManager.ttflist}
    fonts = [name for name in FONTS if name in known]
    for text in figure.findobj(Text):
        text.set_fontfamily(fonts)
    with warnings.catch_warnings(), replacing(file) as path:
        # a cell named in letters that no installed font has is drawn as boxes, not an error
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(path, format="png", dpi=110, metadata={"Software": None})
    return file
