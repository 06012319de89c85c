"""The look-up store of the service: the features of one customer, equal bit for bit to batch.

One SQLite file holds the rows of one cut-off. Numbers are kept as the bytes of their float64,
so that no text form can round them. Replacing the file does not disturb who has it open.
"""

import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from domain.errors import BadInput
from features.atomic import replacing
from features.registry import FEATURES, Feature
from features.snapshot import iter_features, snapshot_info

SCHEMA = """
CREATE TABLE features (
    customer_id TEXT PRIMARY KEY, cell_id TEXT, numbers BLOB, categories TEXT
) WITHOUT ROWID;
CREATE TABLE about (words TEXT);
"""
FIND = "SELECT cell_id, numbers, categories FROM features WHERE customer_id = ?"
PUT = "INSERT INTO features VALUES (?, ?, ?, ?)"


def build_online(snapshot: Path, out: Path) -> None:
    """Write the look-up store of a snapshot's latest cut-off, atomically."""
    info = snapshot_info(snapshot)
    as_of = info.as_of[-1]
    names = {kind: [name for name in info.features if _kind(name) == kind] for kind in KINDS}
    about = {"as_of": as_of.isoformat(), "grid_version": info.grid_version, "names": names}
    about["features"] = list(info.features)
    with replacing(out) as file:
        connection = sqlite3.connect(file, isolation_level=None)
        try:
            connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
            connection.executescript(SCHEMA)
            connection.execute("BEGIN")
            connection.execute("INSERT INTO about VALUES (?)", (json.dumps(about),))
            for frame in iter_features(snapshot):
                connection.executemany(PUT, _rows(frame[frame["as_of"] == as_of], names))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise BadInput(f"cannot write '{out}': {error}") from error
        finally:
            connection.close()


class OnlineFeatures:
    """Features by customer id, read-only, from any thread.

    `as_of`, `grid_version` and `features` (names in order) say what the store holds.
    """

    def __init__(self, path: Path) -> None:
        """Open the store; BadInput when it is missing or is none."""
        if not path.is_file():
            raise BadInput(f"look-up store '{path}' is missing; `gridkeep serve` builds it")
        self._uri = f"{path.resolve().as_uri()}?mode=ro"
        self._local = threading.local()
        try:
            about = json.loads(self._connection().execute("SELECT words FROM about").fetchone()[0])
        except (sqlite3.Error, TypeError, ValueError) as error:
            raise BadInput(f"file '{path}' is not a look-up store: {error}") from error
        self.as_of = date.fromisoformat(about["as_of"])
        self.grid_version: str = about["grid_version"]
        self.features: tuple[str, ...] = tuple(about["features"])
        self._numbers: list[str] = about["names"]["number"]
        self._categories: list[str] = about["names"]["category"]

    def get(self, ids: Sequence[str]) -> pd.DataFrame:
        """One row per known id, in the order asked for: `customer_id, as_of, cell_id`, features."""
        find = self._connection().execute
        asked = ((name, find(FIND, (name,)).fetchone()) for name in dict.fromkeys(ids))
        found = [(name, *row) for name, row in asked if row is not None]
        numbers = np.frombuffer(b"".join(row[2] for row in found), dtype="<f8")
        frame = pd.DataFrame(
            numbers.reshape(len(found), len(self._numbers)), columns=self._numbers
        ).astype("float64")
        words = [json.loads(row[3]) for row in found]
        for at, name in enumerate(self._categories):
            frame[name] = pd.Series([word[at] for word in words], dtype=object)
        frame["customer_id"] = pd.Series([row[0] for row in found], dtype=object)
        frame["as_of"] = pd.Series([self.as_of] * len(found), dtype=object)
        frame["cell_id"] = pd.Series([row[1] for row in found], dtype=object)
        return frame[["customer_id", "as_of", "cell_id", *self.features]]

    def __len__(self) -> int:
        """Number of customers in the store."""
        count: int = self._connection().execute("SELECT count(*) FROM features").fetchone()[0]
        return count

    def _connection(self) -> sqlite3.Connection:
        # SQLite connections belong to a thread each
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = sqlite3.connect(self._uri, uri=True)
        return connection


KINDS = ("number", "category")


def _kind(name: str) -> str:
    known: Feature | None = FEATURES.get(name)
    if known is None:
        raise BadInput(f"the snapshot holds an unknown feature {name!r}; write it anew")
    return known.kind


def _rows(
    frame: pd.DataFrame, names: dict[str, list[str]]
) -> Iterable[tuple[str, str, bytes, str]]:
    numbers = frame[names["number"]].to_numpy(dtype="<f8")
    words = frame[names["category"]].astype(object).to_numpy()
    for at, (customer_id, cell_id) in enumerate(
        zip(frame["customer_id"], frame["cell_id"], strict=True)
    ):
        yield customer_id, cell_id, numbers[at].tobytes(), json.dumps(list(words[at]))
