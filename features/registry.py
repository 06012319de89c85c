"""The ordered list of every feature; importing it needs no query engine.

From `FEATURES` come the feature query, the order of a model's columns, the monitored columns
and the data dictionary. The order is that of the definition modules, and a part of it.
"""

import ast
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from features.definitions import (
    activity,
    balance,
    change,
    channels,
    counterparties,
    place,
    products,
    salary,
    service,
    who,
)
from features.feature import REGISTERED, WINDOWS, Feature, feature, windowed

__all__ = ["FEATURES", "WINDOWS", "Feature", "feature", "features_hash", "windowed"]

DEFINITIONS = (
    activity,
    balance,
    salary,
    channels,
    counterparties,
    change,
    products,
    service,
    place,
    who,
)
# Beside the definitions, what decides the value of a feature: visibility and windows.
SOURCES = (
    "features/definitions/bank_words.py",
    "features/customer.py",
    "features/dialect.py",
    "features/feature.py",
    "features/ground.py",
    "features/history.py",
    "features/local_time.py",
    "features/measures.py",
    "features/panes.py",
    "features/places.py",
    "features/transactions.py",
    "domain/cutoffs.py",
    "domain/sphere.py",
)


def _in_order() -> dict[str, Feature]:
    modules = [module.__name__ for module in DEFINITIONS]
    ours = [known for known in REGISTERED if known.expression.__module__ in modules]
    ours.sort(key=lambda known: modules.index(known.expression.__module__))
    return {known.name: known for known in ours}


FEATURES: Mapping[str, Feature] = MappingProxyType(_in_order())


@cache
def features_hash() -> str:
    """SHA-256 over the names, kinds and order of the features, and the source that defines them.

    The code alone counts: a comment, a docstring or the layout of a line changes nothing.

    >>> len(features_hash())
    64
    """
    words = "\n".join(f"{known.name} {known.kind}" for known in FEATURES.values())
    defined = [f"{module.__name__.replace('.', '/')}.py" for module in DEFINITIONS]
    # read as text: to import them would load the query engine
    root = Path(__file__).resolve().parents[1]
    sources = [_code(root / name) for name in (*defined, *SOURCES)]
    return hashlib.sha256("\0".join([words, *sources]).encode()).hexdigest()


def _code(path: Path) -> str:
    """The module without comments, docstrings and layout."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [part for part in node.body if not _is_text(part)]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
