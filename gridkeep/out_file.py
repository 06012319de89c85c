"""What `--out` may name: never what the bank delivered, nor what gridkeep keeps itself."""

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from domain.errors import BadInput
from domain.layout import FOLDERS, WORK_FOLDERS
from domain.model_store import EMBEDDED
from features.quality.report import quality_path
from features.quality.store import measures_path, page_path
from features.readers import reader
from gridkeep.config import Config

OF_SCORES = {"customer_id", "as_of", "grid_version", "cell_id", "churn_probability"}


class Kind(NamedTuple):
    """What a verb writes, in words, and whether a file is one of those."""

    words: str
    fits: Callable[[Path], bool]


def reconciliation_file(out: Path) -> Path:
    """Where the counts and amounts of a written file are told: beside it.

    >>> reconciliation_file(Path("out/scores.parquet")).as_posix()
    'out/scores.parquet.reconciliation.json'
    """
    return out.with_name(f"{out.name}.reconciliation.json")


def require_free(out: Path, config: Config, kind: Kind) -> None:
    """BadInput unless `out` is a new Parquet file, or one of its kind, where the user may write.

    Refused are the configuration's sources, and any name under which a source would be found;
    whatever lies in a folder that gridkeep keeps; a file that is not of the kind; another ending
    than .parquet; and a folder that is not there.
    """
    for path in (out, reconciliation_file(out)):
        for source in _sources(config):
            if _is_source(path, source):
                raise _refusal(path, f"is a source of the configuration ('{source}')")
        for place in _kept(config):
            if _lies_in(path, place):
                raise _refusal(path, f"belongs to gridkeep, which keeps '{place}' for itself")
    if os.path.lexists(out) and not _may_be_replaced(out, kind):
        raise _refusal(out, f"exists and is not {kind.words}, so it is not overwritten")
    if out.suffix.lower() != ".parquet":
        raise _refusal(out, "does not end in .parquet, and Parquet is what is written")
    if not out.parent.is_dir():
        why = f"lies in '{out.parent}', which is no folder"
        raise _refusal(out, why, "make it, or name another file")


def feature_file() -> Kind:
    """What `gridkeep features` writes."""
    from features.snapshot import snapshot_info

    return Kind("a file that `gridkeep features` wrote", lambda path: bool(snapshot_info(path)))


def score_file() -> Kind:
    """What `gridkeep score` writes, or wrote when scores had fewer columns."""
    import pyarrow.parquet as pq

    def fits(path: Path) -> bool:
        return set(pq.read_schema(path).names) >= OF_SCORES

    return Kind("a file that `gridkeep score` wrote", fits)


def _refusal(path: Path, why: str, advice: str = "name another file") -> BadInput:
    return BadInput(f"--out: '{path}' {why}; {advice}")


def _sources(config: Config) -> Iterator[Path]:
    """Files and glob patterns that the configuration reads."""
    yield from reader(config.sources.reader).places(config.sources, config.source_folder)
    drawn = [config.grid.polygons, *(layer.file for layer in config.grid.overlays.values())]
    yield from (config.home / file for file in drawn if file)


def _kept(config: Config) -> list[Path]:
    """Files and folders, or patterns of them, that the stages write."""
    layout = config.layout
    ours = [layout.root / name for name in FOLDERS]
    ours += [layout.root / f"{beginning}*" for beginning in WORK_FOLDERS]
    ours += [layout.corrections, quality_path(layout), page_path(layout), measures_path(layout)]
    return [*ours, *_models(config)]


def _models(config: Config) -> list[Path]:
    """The default folder of models, and the embedded store where it is another."""
    if not config.tracking_uri.startswith(EMBEDDED):
        return [config.home / "mlruns"]
    store = Path(config.tracking_uri.removeprefix(EMBEDDED))
    return [config.home / "mlruns", store, store.parent / "artifacts"]


def _is_source(path: Path, source: Path) -> bool:
    real = os.path.realpath(path)
    if _matches(Path(real).parts, _real(source).parts):
        return True
    found = [str(source), *glob.iglob(str(source), recursive=True)]
    return any(os.path.realpath(one) == real for one in found)


def _lies_in(path: Path, place: Path) -> bool:
    real, pattern = _real(path), _real(place)
    return any(_matches(one.parts, pattern.parts) for one in (real, *real.parents))


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path, part by part, is one of a pattern; `**` stands for any number of parts.

    >>> _matches(("in", "2026", "t.csv"), ("in", "**", "t*.csv"))
    True
    >>> _matches(("in", "2026", "t.csv"), ("in", "*.csv"))
    False
    """
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[at:], pattern[1:]) for at in range(len(parts) + 1))
    same = bool(parts) and (parts[0] == pattern[0] or fnmatchcase(parts[0], pattern[0]))
    return same and _matches(parts[1:], pattern[1:])


def _may_be_replaced(out: Path, kind: Kind) -> bool:
    """Whether nothing is lost: an empty file, or one that the same verb wrote."""
    if not out.is_file():
        return False
    try:
        return out.stat().st_size == 0 or kind.fits(out)
    except (BadInput, OSError, ValueError):  # Arrow's complaint about the content is a ValueError
        return False
