"""`gridkeep card`, and the cards that every training and promotion leaves with its run."""

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.errors import BadInput
from domain.told import is_told_alone
from features.atomic import replacing
from features.grid_store import cells_geojson, current_version
from gridkeep.config import Config

if TYPE_CHECKING:
    from training.cards.about import Setting

MARKDOWN, PAGE = "card.md", "card.html"


@dataclass(frozen=True)
class Carded:
    """The card of a version, written into a folder."""

    name: str
    version: str
    verdict: str
    folder: Path

    def lines(self) -> list[str]:
        """The standing, and the files."""
        return [
            f"{self.name} version {self.version}: {self.verdict}",
            f"card: {self.folder / PAGE} and {self.folder / MARKDOWN}",
        ]


def write_card(config: Config, name: str, version: str, out: Path) -> Carded:
    """Write the card of a version as Markdown and HTML; BadInput when its files were changed."""
    from training.tracking import Store

    if out.exists() and not out.is_dir():
        raise BadInput(f"{out} is a file; name a folder with --out")
    return _write(config, Store(config.tracking, config.home), name, version, out)


def keep_cards(config: Config, name: str, *versions: str) -> str:
    """Put the card of each version beside its run; where the last is, or why there is none.

    They are registered, and moved, already: what a card lacks must not undo that.
    """
    from training.tracking import Store

    store = Store(config.tracking, config.home)
    return [_kept(config, store, name, version) for version in versions][-1]


def _kept(config: Config, store: Any, name: str, version: str) -> str:
    from training.cards.reading import artifacts_folder

    try:
        run_id = store.version(name, version).run_id
        if (kept := artifacts_folder(store, run_id)) is not None:
            _write(config, store, name, version, kept)
            return str(kept / PAGE)
        with tempfile.TemporaryDirectory() as temporary:
            _write(config, store, name, version, Path(temporary))
            store.client.log_artifacts(run_id, temporary)
        return f"{store.artifact_folder(run_id)}/{PAGE}"
    except BadInput as error:
        return f"none: {error}"


def _write(config: Config, store: Any, name: str, version: str, out: Path) -> Carded:
    from training.cards.card import card_page
    from training.cards.html import page
    from training.cards.markdown import markdown
    from training.cards.reading import read_version

    known = read_version(store, name, version)
    card = card_page(known, _setting(config, known.card.grid_version))
    out.mkdir(parents=True, exist_ok=True)
    for file, text in ((MARKDOWN, markdown(card)), (PAGE, page(card))):
        with replacing(out / file) as path:
            path.write_text(text, encoding="utf-8")
    return Carded(name, version, card.verdict, out)


def _setting(config: Config, grid_version: str) -> "Setting":
    from training.cards.about import Setting

    least, layout = config.publication.customers_min, config.layout
    try:
        features = cells_geojson(layout, grid_version)["features"]
        cells = [one["properties"] for one in features]
        alone = frozenset(str(one["cell_id"]) for one in cells if is_told_alone(one, least))
    except BadInput:  # that grid is gone: of its cells nothing is told
        alone = None
    in_force = current_version(layout) if (layout.grids / "current").is_file() else ""
    return Setting(config.bank.name, datetime.now(UTC).date(), least, alone, in_force)
