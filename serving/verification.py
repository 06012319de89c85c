"""The files of a bundle, read once and vouched for; bytes that do not fit are never parsed."""

import hashlib
import hmac
import json
from pathlib import Path

from domain.bundle import HASHES_FILE, bundle_digest
from domain.errors import BadInput

ADVICE = "the model is refused; register it again or promote another version"


def verified_files(folder: Path, digest: str) -> dict[str, bytes]:
    """Name and content of every file of the bundle, `hashes.json` left out.

    Raises BadInput unless `hashes.json` has the digest, every file it names is there with
    that SHA-256, and nothing else is in the folder.
    """
    hashes = _hashes(folder, digest)
    found = _names(folder) - {HASHES_FILE}
    if missing := sorted(set(hashes) - found):
        raise BadInput(f"files of the model bundle are missing: {', '.join(missing)}; {ADVICE}")
    if extra := sorted(found - set(hashes)):
        raise BadInput(f"the model bundle holds other files: {', '.join(extra)}; {ADVICE}")
    return {name: _verified(folder / name, expected) for name, expected in hashes.items()}


def _hashes(folder: Path, digest: str) -> dict[str, str]:
    try:
        content = json.loads((folder / HASHES_FILE).read_bytes())
    except OSError as error:
        raise BadInput(f"{HASHES_FILE} of the model bundle cannot be read; {ADVICE}") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{HASHES_FILE} of the model bundle is not JSON; {ADVICE}") from error
    if not isinstance(content, dict) or not all(isinstance(at, str) for at in content.values()):
        raise BadInput(f"{HASHES_FILE} of the model bundle is not a table of hashes; {ADVICE}")
    if not hmac.compare_digest(bundle_digest(content), digest):
        raise BadInput(f"{HASHES_FILE} of the model bundle is not the registered one; {ADVICE}")
    return content


def _names(folder: Path) -> set[str]:
    strange = [at.name for at in folder.iterdir() if at.is_symlink() or not at.is_file()]
    if strange:
        raise BadInput(
            f"the model bundle holds what is not a file: {', '.join(sorted(strange))}; {ADVICE}"
        )
    return {at.name for at in folder.iterdir()}


def _verified(path: Path, expected: str) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != expected:
        raise BadInput(f"{path.name} of the model bundle was changed; {ADVICE}")
    return content
