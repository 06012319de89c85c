"""Pictures of the segments, as PNG files: sizes, stability, what becomes of them, who moves."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from training.evaluation.plots import GREY, OTHERS, OURS, _figure, _save
from training.segments.dimensions import STABLE


def segment_sizes(shares: Mapping[str, float], file: Path) -> Path:
    """Share of the customers in each segment."""
    figure, axes = _figure("Segments", "share of customers", "", rows=len(shares))
    names = list(shares)[::-1]
    bars = axes.barh(names, [shares[name] for name in names], color=OURS)
    axes.bar_label(bars, fmt=lambda value: f" {value:.1%}", color="black")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.margins(x=0.15)
    return _save(figure, file)


def segment_profiles(profile: pd.DataFrame, file: Path) -> Path:
    """Mean rank of each feature (columns) in each segment (rows); 0.5 is the middle customer."""
    figure, axes = _figure("What sets segments apart", "", "", rows=len(profile) + 4)
    figure.set_figwidth(5.5 + 0.6 * profile.shape[1])
    shown = axes.imshow(profile.to_numpy(), cmap="PuOr_r", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(profile.shape[1]), profile.columns, rotation=40, ha="right")
    axes.set_yticks(range(len(profile)), profile.index)
    for (row, column), value in np.ndenumerate(profile.to_numpy()):
        colour = "white" if abs(value - 0.5) > 0.35 else "black"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=colour)
    axes.grid(visible=False)
    figure.colorbar(shown, ax=axes, label="mean rank among all customers")
    return _save(figure, file)


def segment_futures(table: pd.DataFrame, file: Path) -> Path:
    """Rate of loss (95 % interval) and mean value a horizon later of each segment."""
    ordered = table.iloc[::-1].reset_index(drop=True)
    at, tall = np.arange(len(ordered)), max(2.4, 1.6 + 0.3 * len(ordered))
    figure = Figure(figsize=(10.5, tall), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True)
    spread = np.vstack(
        [ordered["churn"] - ordered["churn_low"], ordered["churn_high"] - ordered["churn"]]
    ).clip(0)
    left.errorbar(ordered["churn"], at, xerr=spread, fmt="o", color=OURS, capsize=3)
    left.set(title="Lost", xlabel="share lost, 95 % interval")
    left.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    left.set_yticks(at, ordered["segment"])
    right.barh(at - 0.2, ordered["value"], height=0.4, color=GREY, label="then")
    right.barh(at + 0.2, ordered["value_later"], height=0.4, color=OURS, label="a horizon later")
    right.set(title="Mean value", xlabel="the bank's currency")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    for axes in (left, right):
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    return _save(figure, file)


def migration(shares: pd.DataFrame, file: Path) -> Path:
    """Share of each segment (rows) that is in each segment (columns) a horizon later."""
    figure, axes = _figure("Where customers move", "", "", rows=len(shares) + 8)
    figure.set_figwidth(max(7.2, 6.0 + 0.35 * shares.shape[1]))
    numbers = [str(at + 1) for at in range(len(shares))]
    shown = axes.imshow(shares.to_numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(shares.shape[1]), [*numbers, *shares.columns[len(shares) :]])
    axes.set_yticks(range(len(shares)), map(" ".join, zip(shares.index, numbers, strict=True)))
    for (row, column), value in np.ndenumerate(shares.to_numpy()):
        if value >= 0.005:
            colour = "white" if value > 0.6 else "black"
            told = f"{100 * value:.0f}"
            axes.text(column, row, told, ha="center", va="center", fontsize=7, color=colour)
    axes.grid(visible=False)
    figure.colorbar(shown, ax=axes, label="share of the segment")
    return _save(figure, file)


def masked(table: pd.DataFrame, file: Path) -> Path:
    """How often the trees give held-out customers their segment, by what is hidden of them."""
    ordered = table.iloc[::-1].reset_index(drop=True)
    figure, axes = _figure(
        "Customers of whom less is known",
        "share given their segment",
        "hidden",
        rows=len(ordered) + 2,
    )
    at = np.arange(len(ordered))
    spread = np.vstack(
        [
            ordered["accuracy"] - ordered["accuracy_low"],
            ordered["accuracy_high"] - ordered["accuracy"],
        ]
    ).clip(0)
    axes.errorbar(ordered["accuracy"], at, xerr=spread, fmt="o", color=OURS, capsize=3)
    axes.plot(
        ordered["commonest"], at, "|", color=GREY, markersize=12, label="the commonest segment"
    )
    axes.set_yticks(at, ordered["hidden"])
    axes.set_xlim(0, 1.01)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return _save(figure, file)


def move_lists(table: pd.DataFrame, file: Path) -> Path:
    """Precision of the lists of customers who will go up, and down, by their length."""
    figure, axes = _figure("Who goes up or down a tier", "list", "share who did")
    at = np.arange(len(table))
    spread = np.vstack(
        [
            table["precision"] - table["precision_low"],
            table["precision_high"] - table["precision"],
        ]
    ).clip(0)
    axes.bar(at - 0.2, table["precision"], 0.4, yerr=spread, capsize=3, color=OURS, label="model")
    axes.bar(at + 0.2, table["nearest_the_edge"], 0.4, color=OTHERS[0], label="nearest to the edge")
    axes.plot(at, table["everyone"], "_", color="black", markersize=24, label="at random")
    names = [f"{row.direction}\ntop {row.share:.0%}" for row in table.itertuples()]
    axes.set_xticks(at, names)
    axes.set_ylim(0, 1.02)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return _save(figure, file)


def stability(table: pd.DataFrame, file: Path) -> Path:
    """Adjusted Rand index of each number of clusters against resamples; refused under the line."""
    figure, axes = _figure(
        "Are the clusters found again?", "behaviour clusters", "mean adjusted Rand index"
    )
    colours = [GREY if refused else OURS for refused in table["refused"]]
    bars = axes.bar(table["clusters"], table["adjusted_rand"], color=colours)
    axes.bar_label(bars, fmt="%.3f")
    axes.axhline(STABLE, color=OTHERS[0], linewidth=1, label=f"refused under {STABLE}")
    axes.set_xticks(table["clusters"])
    axes.set_ylim(min(0.0, float(table["adjusted_rand"].min())), 1.08)
    axes.legend(loc="lower right")
    return _save(figure, file)
