"""The ordered list of every feature; importing it needs no query engine.

From `FEATURES` come the feature query, the order of a model's columns, the monitored columns
and the data dictionary. The order is that of the definition modules, and a part of it.
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from features.definitions import activity, amounts, attributes, products, service
from features.feature import REGISTERED, WINDOWS, Feature, feature, windowed

__all__ = ["FEATURES", "WINDOWS", "Feature", "feature", "features_hash", "windowed"]

DEFINITIONS = (activity, amounts, products, service, attributes)


def _in_order() -> dict[str, Feature]:
    modules = [module.__name__ for module in DEFINITIONS]
    ours = [known for known in REGISTERED if known.expression.__module__ in modules]
    ours.sort(key=lambda known: modules.index(known.expression.__module__))
    return {known.name: known for known in ours}


FEATURES: Mapping[str, Feature] = MappingProxyType(_in_order())


def features_hash() -> str:
    """SHA-256 over the names, kinds and order of the features.

    >>> len(features_hash())
    64
    """
    words = "\n".join(f"{known.name} {known.kind}" for known in FEATURES.values())
    return hashlib.sha256(words.encode()).hexdigest()
