"""Reconciliation: what went into a step comes out of it, or is accounted for by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import fsum

EXACT_TO = 1e-10  # of the money that was added up: sums of floats depend on their order


class Unreconciled(Exception):  # noqa: N818 (the field's word for it)
    """Counts or amounts that do not come out: a bug of ours, never of the input."""


@dataclass(frozen=True)
class Line:
    """A total and the parts that should add up to it.

    `size` is the sum of the absolute amounts behind money, 0 for counts, which are exact.
    """

    what: str
    total: float
    parts: Mapping[str, float]
    size: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether the parts add up to the total.

        >>> Line("customers", 10, {"scored": 8, "closed before": 2}).holds
        True
        >>> Line("customers", 10, {"scored": 8, "closed before": 1}).holds
        False
        """
        return abs(self.total - fsum(self.parts.values())) <= EXACT_TO * self.size

    def sentence(self) -> str:
        """The line in words.

        >>> Line("customers", 10, {"scored": 8, "closed before": 1}).sentence()
        'customers: 10 is not 8 scored + 1 closed before (difference 1)'
        """
        parts = " + ".join(f"{value:,.10g} {name}" for name, value in self.parts.items())
        if self.holds:
            return f"{self.what}: {self.total:,.10g} = {parts}"
        gap = self.total - fsum(self.parts.values())
        return f"{self.what}: {self.total:,.10g} is not {parts} (difference {gap:,.10g})"


@dataclass(frozen=True)
class Reconciliation:
    """The lines of one output, from the source on; `notes` say what could not be compared."""

    as_of: tuple[date, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()

    @property
    def broken(self) -> tuple[Line, ...]:
        """Lines that do not come out."""
        return tuple(line for line in self.lines if not line.holds)

    def require(self) -> "Reconciliation":
        """Itself, or Unreconciled with every line that does not come out.

        >>> Reconciliation((), (Line("rows", 2, {"written": 1}),)).require()
        Traceback (most recent call last):
        domain.reconciliation.Unreconciled: rows: 2 is not 1 written (difference 1)
        """
        if self.broken:
            raise Unreconciled("\n".join(line.sentence() for line in self.broken))
        return self
