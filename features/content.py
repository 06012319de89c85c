"""What rows say, as a number that neither their order nor their files change.

Every row is hashed and the hashes are summed modulo 2^64, twice with different seeds: the sums of
two sets of rows add up to the sum of their union. Equal rows stored otherwise have equal sums. It
tells one content from another; it is no seal against forgery, for which the SHA-256 of the files
is kept beside it.
"""

import hashlib
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_SEEDS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
_NULL = np.uint64(0x165667B19E3779F9)
_MASK = (1 << 64) - 1


class Content(NamedTuple):
    """The number of rows, and the two sums of their hashes."""

    rows: int = 0
    low: int = 0
    high: int = 0

    def joined(self, other: "Content") -> "Content":
        """The content of the rows of both.

        >>> Content(1, 5, 7).joined(Content(2, 1, (1 << 64) - 7))
        Content(rows=3, low=6, high=0)
        """
        low, high = (self.low + other.low) & _MASK, (self.high + other.high) & _MASK
        return Content(self.rows + other.rows, low, high)

    @property
    def sha256(self) -> str:
        """The content as a hexadecimal word of fixed length."""
        return hashlib.sha256(f"{self.rows} {self.low:x} {self.high:x}".encode()).hexdigest()


def content_of(rows: pa.Table) -> Content:
    """The content of the rows of a table; columns count by their order, not their names.

    >>> some = pa.table({"a": ["x", None, "y"], "b": [1.5, 2.5, None]})
    >>> content_of(some) == content_of(some.take([2, 0, 1]))
    True
    >>> content_of(some).joined(content_of(some.slice(0, 0))) == content_of(some)
    True
    >>> content_of(some) == content_of(some.slice(0, 2))
    False
    """
    words = [_words(column) for column in rows.columns]
    low, high = (_sum(words, np.random.SeedSequence(seed), rows.num_rows) for seed in _SEEDS)
    return Content(rows.num_rows, low, high)


def _sum(words: list[Words], seed: np.random.SeedSequence, rows: int) -> int:
    """The sum of a multilinear hash of each row (Carter and Wegman, 1979), mixed once more."""
    first, *factors = seed.generate_state(len(words) + 1, np.uint64) | np.uint64(1)
    hashes = np.full(rows, first)
    for word, factor in zip(words, factors, strict=True):
        hashes += word * factor
    return int(_mixed(hashes).sum(dtype=np.uint64))


def _words(column: pa.ChunkedArray) -> Words:
    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):  # of no rows
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], column.type)
    words = _text(values) if pa.types.is_string(values.type) else _plain(values)
    return np.where(values.is_null().to_numpy(zero_copy_only=False), _NULL, words)


def _text(values: pa.Array) -> Words:
    from pandas.util import hash_array

    coded = values.dictionary_encode()
    known = np.append(np.asarray(coded.dictionary.to_pylist(), dtype=object), "")
    words: Words = hash_array(known, categorize=False)
    which: NDArray[np.intp] = coded.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)
    return words[which]


def _plain(values: pa.Array) -> Words:
    if pa.types.is_floating(values.type):
        numbers: NDArray[np.float64] = values.fill_null(0.0).to_numpy(zero_copy_only=False)
        return _mixed(numbers.view(np.uint64))
    if pa.types.is_date32(values.type):
        values = values.cast(pa.int32())
    whole: NDArray[np.int64] = values.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return _mixed(whole.view(np.uint64))


def _mixed(words: Words) -> Words:
    """The finisher of splitmix64 (Steele, Lea and Flood, 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
