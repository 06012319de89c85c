"""Results on the terminal: progress on standard error, words and tables on standard output."""

import dataclasses
import math
import sys
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar

EVERY_SECONDS = 10.0  # a line, where no bar can be drawn


class Progress:
    """A bar for each piece of work on a terminal; elsewhere lines.

    A step has a line when it begins, one now and then with its share, and one with its seconds.
    """

    drawn: ClassVar[Any] = None  # the bar on the terminal, there is one at most

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bar: Any = None
        self._task: Any = None
        self._step = ""
        self._began = self._told = 0.0

    def __call__(self, step: str, done: float) -> None:
        """Draw `step` at the share `done` (0 to 1)."""
        if sys.stderr.isatty():
            self._draw(step, done)
        elif step != self._step and done < 1:
            self._step, self._began = step, self._clock()
            self._told = self._began
            sys.stderr.write(f"{step} ...\n")
        elif step == self._step and done >= 1:
            sys.stderr.write(f"{step}: {self._clock() - self._began:.1f} s\n")
            self._step = ""
        elif step == self._step and self._clock() - self._told >= EVERY_SECONDS:
            self._told = self._clock()
            sys.stderr.write(f"{step}: {done:.0%}\n")

    @classmethod
    def end(cls) -> None:
        """Leave the terminal as it was, when work ends in an error."""
        if cls.drawn is not None:
            cls.drawn.stop()

    def _draw(self, step: str, done: float) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars
        from rich.progress import TimeRemainingColumn as TimeLeft

        if self._bar is None:
            self._bar = Bars(
                TextColumn("{task.description:<44}"),
                BarColumn(bar_width=30),
                TextColumn("{task.percentage:>4.0f} %"),
                TimeElapsedColumn(),
                TimeLeft(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task(step, total=1.0)
            self._bar.start()
            Progress.drawn = self._bar
        self._bar.update(self._task, description=step, completed=done)
        if done >= 1:
            self._bar.stop()
            self._bar = None


def table(title: str, columns: list[str], rows: list[list[Any]]) -> str:
    """A plain table: numbers to the right, words to the left.

    >>> print(table("cells", ["kind", "cells"], [["h3", 12], ["district", 3]]))
    cells
      kind      cells
      h3           12
      district      3
    """
    text = [[_cell(value) for value in row] for row in rows]
    width = [max(len(r[at]) for r in [columns, *text]) for at in range(len(columns))]
    right = [
        all(isinstance(row[at], int | float | None) for row in rows) for at in range(len(width))
    ]
    lines = [title] if title else []
    for row in [columns, *text]:
        cells = [
            value.rjust(wide) if numeric else value.ljust(wide)
            for value, wide, numeric in zip(row, width, right, strict=True)
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def plain(value: Any) -> Any:
    """A result as JSON values: dates and paths as text, what is not a finite number as null.

    >>> plain({"at": date(2026, 1, 1), "share": float("nan")})
    {'at': '2026-01-01', 'share': None}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if hasattr(value, "model_dump"):
        return plain(value.model_dump())
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return plain(value.to_dict("records"))
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def show(result: Any) -> None:
    """Print a result by its own words (`lines()`)."""
    sys.stdout.write("\n".join(result.lines()) + "\n")


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
