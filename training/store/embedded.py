"""The embedded store on disk: its private folder, and how it learns that it was moved."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from domain.errors import BadInput
from domain.model_store import EMBEDDED, store_folder

# where MLflow's tables keep absolute addresses of artifacts
PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)


def artifact_location(uri: str) -> str | None:
    """Make the folder of an embedded store and give its artifact location."""
    folder = store_folder(uri)
    if folder is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "artifacts").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"the model store folder '{folder}' cannot be made: {error.strerror}; "
            "set tracking.uri to a place that can be written"
        ) from error
    if not os.access(folder, os.W_OK):
        raise BadInput(f"the model store folder '{folder}' is read-only; set tracking.uri")
    return (folder / "artifacts").as_uri()


def follow_move(uri: str, experiment: str) -> str | None:
    """Rewrite the recorded artifact addresses after a move; the old place, or None.

    MLflow records them as absolute file URIs, and has no call that changes an experiment's.
    A store whose artifacts were put elsewhere on purpose is left as it is.
    """
    folder = store_folder(uri)
    if folder is None:
        return None
    here = (folder / "artifacts").as_uri()
    with closing(sqlite3.connect(uri.removeprefix(EMBEDDED), timeout=30)) as store, store:
        found = store.execute(
            "select artifact_location from experiments where name = ?", (experiment,)
        ).fetchone()
        if found is None or found[0] == here or not _moved(store, found[0], folder):
            return None
        for table, column in PLACES:
            store.execute(
                f"update {table} set {column} = ? || substr({column}, ?) "  # noqa: S608 (fixed words)
                f"where {column} = ? or substr({column}, 1, ?) = ?",
                (here, len(found[0]) + 1, found[0], len(found[0]) + 1, f"{found[0]}/"),
            )
    return str(found[0])


def _moved(store: sqlite3.Connection, was: str, folder: Path) -> bool:
    """Whether the recorded place looks like ours and every run with artifacts has them here."""
    runs = store.execute("select run_uuid from runs where artifact_uri like ? || '/%'", (was,))
    here = {path.name for path in (folder / "artifacts").iterdir()}
    known = {str(run) for (run,) in runs}
    return was.startswith("file:") and (not known or bool(known & here))
