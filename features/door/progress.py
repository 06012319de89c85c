"""How far the settling of the tables is: each takes its share by the rows that are new to it."""

from collections.abc import Callable, Mapping


class Steps:
    """Tells the steps of every table; comparing rows is half of its work, writing them the other.

    >>> steps = Steps(lambda *told: print(*told), {"customers": 1, "closures": 3})
    >>> steps.compares("closures"); steps.writes("closures")(3)
    comparing closures 0.25
    sorting closures 0.625
    writing closures 1.0
    """

    def __init__(self, progress: Callable[[str, float], None], rows: Mapping[str, int]) -> None:
        self._progress, self._rows = progress, rows
        self._total = max(sum(rows.values()), 1)

    def compares(self, table: str) -> None:
        """The new rows of a table are held to one another and to those before."""
        self._tell("comparing", table, 0.0)

    def writes(self, table: str) -> Callable[[int], None]:
        """The new rows are sorted; what is returned is told how many are written so far."""
        self._tell("sorting", table, 0.5)
        rows = max(self._rows[table], 1)
        return lambda done: self._tell("writing", table, 0.5 + min(done / rows, 1) / 2)

    def _tell(self, step: str, table: str, share: float) -> None:
        before = sum(list(self._rows.values())[: list(self._rows).index(table)])
        done = before + share * self._rows[table]
        self._progress(f"{step} {table}", done / self._total)
