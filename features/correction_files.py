"""Corrected rows on disk: what a user replays from quarantine, and what of it is kept.

`corrections/NNNN-TABLE-HASH.jsonl` under the output folder, a file a replay, a line a row. A
correction is of a row that was delivered with a certain content (its mark); every intake puts
it in the place of that row, so that nothing is counted twice.
"""

import csv
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from domain.errors import BadInput
from domain.layout import Layout
from domain.tables import CONTRACTS
from features.readers.batch import file_marks

Content = Mapping[str, str | int | float | bool | None]
WANTED = ("file", "row", "reason", "content", "mark")


_KEPT = re.compile(r"corrections/\d{4}-.*\.jsonl")


class Correction(NamedTuple):
    """The content that a row should have had, in the place of the content with that mark.

    The content of a row that was refused after reading is `settled`: in the contract's form,
    with decimal points and times in UTC. Any other is written as its file is.
    """

    table: str
    file: str
    row: int
    settled: bool
    mark: str
    content: Content


def read_replay(path: Path) -> list[Correction]:
    """The rows of an edited quarantine file whose content was changed, in order.

    Raises BadInput for a file that is not one of quarantine, a content that is not a row of
    its table, a row that was changed in two ways, or when nothing was changed.
    """
    table = path.name.split(".")[0]
    if table not in CONTRACTS:
        raise BadInput(
            f"{path} does not say of which table it is; name it as in quarantine, for example "
            f"transactions.csv (the tables are {', '.join(CONTRACTS)})"
        )
    found: dict[tuple[str, int], Correction] = {}
    for place, one in _edited(path, table):
        before = found.setdefault((one.file, one.row), one)
        if before.content != one.content:
            raise BadInput(
                f"{place}: row {one.row} of {one.file} is corrected in two ways; correct one of "
                "its lines, or all of them alike"
            )
    if not found:
        raise BadInput(
            f"no line of {path} was corrected; edit its column 'content' and leave 'file', 'row' "
            "and 'mark' as they are"
        )
    return list(found.values())


def keep(corrections: list[Correction], layout: Layout) -> Path:
    """Add a file of corrections; BadInput when one of the same content was kept before."""
    from features.atomic import replacing

    text = "".join(json.dumps(one._asdict(), ensure_ascii=False) + "\n" for one in corrections)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    there = kept(layout)
    if again := [path for path in there if path.stem.endswith(digest)]:
        raise BadInput(f"these corrections were replayed before: they are {again[0].as_posix()}")
    number = 1 + max((int(path.name[:4]) for path in there), default=0)
    target = layout.corrections / f"{number:04d}-{corrections[0].table}-{digest}.jsonl"
    with replacing(target) as file:
        file.write_text(text, encoding="utf-8")
    return target


def kept(layout: Layout) -> list[Path]:
    """Files of corrections, the oldest first."""
    return sorted(layout.corrections.glob("[0-9][0-9][0-9][0-9]-*.jsonl"))


def correction_marks(layout: Layout) -> dict[str, str]:
    """Name -> mark of the content of every file of corrections, as sources have them."""
    return file_marks(kept(layout), layout.root)


def corrections_among(marks: Mapping[str, str]) -> dict[str, str]:
    """The marks of corrections among those of all that tables were made from.

    >>> corrections_among({"customers.csv": "9:ab", "corrections/0001-closures-cd.jsonl": "7:ef"})
    {'corrections/0001-closures-cd.jsonl': '7:ef'}
    """
    return {name: mark for name, mark in marks.items() if _KEPT.fullmatch(name)}


def read_kept(path: Path) -> list[Correction]:
    """The corrections of one file; BadInput when it is not what was written."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [Correction(**json.loads(line)) for line in lines]
    except (OSError, UnicodeDecodeError, ValueError, TypeError) as error:
        raise BadInput(f"{path} cannot be read ({error}); bring it back, or remove it") from error


def _edited(path: Path, table: str) -> Iterator[tuple[str, Correction]]:
    """The lines whose content is no longer that of their mark, each with its place in words."""
    from features.door.quarantine import mark
    from features.door.words import is_settled

    for line, fields in _lines(path):
        place = f"{path}, line {line}"
        content = _content(fields["content"], table, place)
        if mark(content) != fields["mark"]:
            settled = is_settled(fields["reason"])
            row = _row(fields["row"], place)
            yield place, Correction(table, fields["file"], row, settled, fields["mark"], content)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            absent = [name for name in WANTED if name not in (rows.fieldnames or ())]
            if absent:
                raise BadInput(
                    f"{path} has no column {', '.join(absent)}; replay a file of quarantine, in "
                    "which only the content was changed"
                )
            for fields in rows:
                yield rows.line_num, {name: fields[name] or "" for name in WANTED}
    except FileNotFoundError as error:
        raise BadInput(f"there is no {path}; `gridkeep check` says where quarantine is") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"cannot read {path}: {error}; save it as CSV in UTF-8") from error


def _content(text: str, table: str, place: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{place}: the content is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise BadInput(f"{place}: the content is no JSON object, like {{'amount': '12.5'}}")
    names = CONTRACTS[table].names
    if unknown := [name for name in content if name not in names]:
        raise BadInput(
            f"{place}: {table} has no column {unknown[0]!r}; its columns are {', '.join(names)}"
        )
    if nested := [name for name, value in content.items() if isinstance(value, dict | list)]:
        raise BadInput(f"{place}: the value of {nested[0]!r} is neither text, number nor null")
    return content


def _row(text: str, place: str) -> int:
    if not text.isdigit():
        raise BadInput(f"{place}: row is {text!r}; leave the number that quarantine gave")
    return int(text)
