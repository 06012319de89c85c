"""What runs a training: code, packages, lock file and machine, any of which can move a byte."""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from training.report import HOME, PACKAGES, git_revision

LOCK = "uv.lock"
DECIDING = (  # of all packages, those whose code the numbers of a bundle pass through
    *("duckdb", "h3", "ibis-framework", "lightgbm", "numpy", "optuna", "pandas", "pyarrow"),
    *("pydantic", "pyspark", "scikit-learn", "scipy", "shapely", "sqlglot", "dask", "distributed"),
)


class Environment(BaseModel):
    """Versions and hashes of everything that is neither data nor configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    git_revision: str
    code: str  # SHA-256 over our modules: right where there is no git, or a changed file
    lock: str  # SHA-256 of uv.lock, or of the installed distributions where there is none
    python: str
    machine: str
    engine: str  # that computes features
    packages: dict[str, str]  # every installed distribution

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        return _sha256(self.model_dump_json().encode())


def environment(engine: str, home: Path = HOME) -> Environment:
    """The environment of this process; `home` is the folder of our packages.

    >>> environment("duckdb") == environment("duckdb")
    True
    """
    packages = installed()
    lock = home / LOCK
    told = lock.read_bytes() if lock.is_file() else json.dumps(packages).encode()
    return Environment(
        git_revision=git_revision(home),
        code=code_hash(home),
        lock=_sha256(told),
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}",
        engine=engine,
        packages=packages,
    )


def installed() -> dict[str, str]:
    """Every installed distribution and its version, by name.

    >>> "numpy" in installed()
    True
    """
    told = [one.metadata for one in distributions()]  # each is parsed anew when it is asked for
    known = {one["Name"]: one["Version"] for one in told if one["Name"]}
    return dict(sorted((name.lower(), version) for name, version in known.items()))


def code_hash(home: Path = HOME) -> str:
    """SHA-256 over the modules of our packages below `home`, and where each lies."""
    found = hashlib.sha256()
    for package in PACKAGES:
        for file in sorted((home / package).rglob("*.py")):
            found.update(f"{file.relative_to(home).as_posix()}\n{_file(file)}\n".encode())
    return found.hexdigest()


def changed(recorded: Environment, now: Environment) -> dict[str, tuple[str, str]]:
    """What differs and may move a byte: NAME -> (recorded, now); '-' is not installed."""
    facts = ("git_revision", "code", "lock", "python", "machine", "engine")
    then, here = recorded.model_dump(), now.model_dump()
    pairs = {name: (then[name], here[name]) for name in facts}
    pairs |= {name: _versions(name, recorded.packages, now.packages) for name in DECIDING}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _versions(name: str, recorded: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, str]:
    return recorded.get(name, "-"), now.get(name, "-")


def _file(file: Path) -> str:
    return _sha256(file.read_bytes())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
