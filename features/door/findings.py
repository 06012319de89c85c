"""The findings of the door in words: root causes first, one for each table, column and reason."""

from collections import Counter
from collections.abc import Mapping, Sequence

from domain.tables import CONTRACTS
from features.door.words import ORPHAN, Defect, Seen, sentence
from features.settings import SourceSettings, TableSource

NAMED_FILES = 3  # of a conflict, each with its first row
Group = tuple[Defect, Seen, int]  # the first defect, all that was seen of its kind, files


def told(defects: Mapping[Defect, Seen], settings: SourceSettings) -> dict[Defect, str]:
    """A sentence for the first defect of each kind, whatever the number of its files.

    Rows of refused customers are one sentence for all tables, at the end: they enter by
    themselves once the customers do.
    """
    groups = _grouped(defects)
    orphans = [one for one in groups if one[0].reason == ORPHAN]
    others = [one for one in groups if one[0].reason != ORPHAN]
    order = list(CONTRACTS)
    said = {
        first: sentence(first, seen, getattr(settings, first.table) or TableSource(), files)
        for first, seen, files in sorted(others, key=lambda one: order.index(one[0].table))
    }
    return said | {first: orphaned(orphans) for first, _, _ in orphans}


def orphaned(groups: Sequence[Group]) -> str:
    """Rows of refused customers as one sentence.

    >>> group = Defect("closures", "c.csv", "customer_id", "unknown", ORPHAN), Seen(2, 5, "C1"), 1
    >>> print(orphaned([group]))
    2 rows of closures are refused because their customer was refused (first: 'C1' in row 5 of
    c.csv); correct the customers, and these rows enter too
    """
    first, seen, _ = groups[0]
    counts: dict[str, int] = {}
    for one, found, _ in groups:
        counts[one.table] = counts.get(one.table, 0) + found.cells
    what = " and ".join(
        f"{count:,} row{'' if count == 1 else 's'} of {table}" for table, count in counts.items()
    )
    are = "is" if sum(counts.values()) == 1 else "are"
    return (
        f"{what} {are} refused because their customer was refused (first: {seen.value!r} in row "
        f"{seen.row} of {first.file}); correct the customers, and these rows enter too"
    )


def _grouped(defects: Mapping[Defect, Seen]) -> list[Group]:
    """Defects of one kind as one; a conflict keeps both of its places while they are few."""
    files_of = Counter(defect._replace(file="") for defect in defects)
    groups: dict[Defect, Group] = {}
    for defect, seen in defects.items():
        kind = defect._replace(file="")
        if defect.problem == "conflict" and files_of[kind] <= NAMED_FILES:
            kind = defect
        first, before, files = groups.get(kind, (defect, seen.followed(-seen.cells), 0))
        groups[kind] = first, before.followed(seen.cells), files + 1
    return list(groups.values())
