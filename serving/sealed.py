"""Verified bundles as bytes, to be opened here or on another machine, hashes first either way."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from domain.bundle import HASHES_FILE
from domain.errors import BadInput
from serving.loader import LoadedModel, load_bundle
from serving.registry import FetchedBundle
from serving.scoring import Scorer
from serving.verification import verified_files
from serving.vocabulary import registered_features


class SealedBundle(NamedTuple):
    """The files of one registered version, and the digest that vouches for them."""

    name: str
    version: str
    digest: str
    files: tuple[tuple[str, bytes], ...]


def seal(name: str, fetched: FetchedBundle) -> SealedBundle:
    """The bytes of a fetched bundle; BadInput when they are not those that were registered."""
    files = verified_files(fetched.folder, fetched.digest)
    files[HASHES_FILE] = (fetched.folder / HASHES_FILE).read_bytes()
    return SealedBundle(name, fetched.version, fetched.digest, tuple(sorted(files.items())))


def scorer_of(
    bundles: Sequence[SealedBundle], threads: int, reasons: int, language: str = "en"
) -> Scorer:
    """The scorer that the bundles make: "retention", and "segmentation" if it is among them.

    Every hash is checked where this runs, before anything is parsed; BadInput when one differs.
    """
    models = {bundle.name: _opened(bundle) for bundle in bundles}
    if "retention" not in models:
        raise BadInput("no retention model to score with; run `gridkeep train retention`")
    return Scorer(
        models["retention"],
        models.get("segmentation"),
        registered_features(),
        threads,
        reasons,
        language,
    )


def _opened(bundle: SealedBundle) -> LoadedModel:
    with tempfile.TemporaryDirectory(prefix="gridkeep-") as private:  # of mode 0700
        for name, content in bundle.files:
            (Path(private) / Path(name).name).write_bytes(content)
        return load_bundle(Path(private), bundle.digest, bundle.version)
