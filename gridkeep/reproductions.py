"""`gridkeep train --reproduce` and `--register`: a run made again, and one brought to its end."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.errors import BadInput
from features.atomic import growing, new_folder
from features.grid_store import current_version
from features.intake import data_hashes
from features.registry import features_hash
from gridkeep.config import Config
from gridkeep.show import table
from gridkeep.workspace import cells_of, tables_in_place

if TYPE_CHECKING:
    from training.reproduce import FileCompared

Progress = Callable[[str, float], None]
FOLDER = ".rows-"  # where the rows of any training lie
HASH = re.compile(r"[0-9a-f]{40,}")  # of git, SHA-256
SHORT = 12  # characters of a hash that are shown


@dataclass(frozen=True)
class Reproduced:
    """Every file of the bundle, then and now, and what differs in code and packages."""

    name: str
    version: str
    run_id: str
    files: "tuple[FileCompared, ...]"
    elsewhere: dict[str, tuple[str, str]]

    @property
    def equal(self) -> bool:
        """Whether the run was made again."""
        return all(file.equal for file in self.files)

    def lines(self) -> Sequence[str]:
        """A row a file, and the verdict."""
        rows = [
            [
                one.file,
                _short(one.recorded),
                _short(one.made),
                "yes" if one.equal else "NO",
                one.note,
            ]
            for one in self.files
        ]
        made = "was made again" if self.equal else "was NOT made again: its files differ"
        return [
            *_warned(self.elsewhere),
            table("", ["file", "recorded", "made now", "equal", ""], rows),
            f"{self.name} version {self.version} (run {self.run_id}) {made}",
        ]


def _short(text: str) -> str:
    """Hashes cut to what tells them apart; names and versions whole.

    >>> _short("grid-64bba737"), _short("0123456789" * 4)
    ('grid-64bba737', '012345678901')
    """
    return HASH.sub(lambda found: found[0][:SHORT], text)


def _warned(elsewhere: dict[str, tuple[str, str]]) -> Sequence[str]:
    if not elsewhere:
        return []
    rows = [[name, _short(was), _short(now)] for name, (was, now) in elsewhere.items()]
    title = "code or packages are not those of the run; a byte may move"
    return [table(title, ["what", "recorded", "now"], rows)]


@dataclass(frozen=True)
class RegisteredLate:
    """A model that waited for the store."""

    name: str
    version: str
    alias: str
    run_id: str

    def lines(self) -> Sequence[str]:
        """The version that it is now."""
        return [f"{self.name} version {self.version} is {self.alias} (run {self.run_id})"]


def register_kept(config: Config, folder: Path) -> RegisteredLate:
    """Register a trained model that a training left in `folder` when the store went away."""
    from training.tracking import Store
    from training.unregistered import register_folder

    told, registered = register_folder(Store(config.tracking, config.home), folder)
    return RegisteredLate(told.name, registered.version, registered.alias, told.run_id)


def reproduce_run(config: Config, named: str, progress: Progress) -> Reproduced:
    """Fit the run anew on the tables in place and compare; nothing is registered or moved.

    Raises BadInput, before any work, when the tables, the grid or the definitions of features are
    not those that the run saw.
    """
    from training.environment import changed, environment
    from training.reproduce import compare, make_again, recorded
    from training.tracking import Store

    store, tables = Store(config.tracking, config.home), tables_in_place(config)
    with growing(config.layout.root, FOLDER, new_folder) as scratch:
        run = recorded(store, named, scratch)
        if run.recipe.retention and run.recipe.retention.learner != "local":
            raise BadInput(
                f"run {run.run_id} grew its trees by Dask: they do not repeat to the byte"
            )
        cells = cells_of(config, tables)
        _require_in_place(config, run, cells)
        elsewhere = changed(run.environment, environment(tables.settings.kind))
        made = make_again(tables, cells, run, scratch, progress)
        files = compare(run.bundle, made.folder / "model")
    progress("done", 1.0)
    return Reproduced(run.recipe.name, run.version, run.run_id, files, elsewhere)


def _require_in_place(config: Config, run: Any, cells: Any) -> None:
    from training.recipe import cells_hash, unlike

    now = {
        "data_hashes": data_hashes(config.layout),
        "grid_version": current_version(config.layout),
        "cells_hash": cells_hash(cells),
        "features_hash": features_hash(),
    }
    found = unlike(run.recipe, now)
    if found:
        rows = [[name, _short(was), _short(here)] for name, (was, here) in found.items()]
        told = table("", ["what", "recorded", "in place"], rows)
        raise BadInput(
            f"run {run.run_id} saw other data than are in place:\n{told}\n"
            "nothing was trained; put back the sources, the grid and the code that it saw "
            "(docs/reproduce.md), and run it again"
        )
