"""pandera, without what its import does to the rest of the process.

Importing pandera 0.35 sets PYARROW_IGNORE_TIMEZONE (and SPARK_LOCAL_IP) for Spark's sake. From
then on pyarrow drops the offset of every Python datetime it is given, without a word: 12:00 in
Shanghai becomes 12:00 UTC. Import pandera from here only.
"""

import os

_SET_BY_PANDERA = ("PYARROW_IGNORE_TIMEZONE", "SPARK_LOCAL_IP")
_before = {name: os.environ.get(name) for name in _SET_BY_PANDERA}

import pandera.pandas as pandera  # noqa: E402 (between the two readings of the environment)
from pandera.errors import SchemaErrors  # noqa: E402

for _name, _value in _before.items():
    if _value is None:
        os.environ.pop(_name, None)

__all__ = ["SchemaErrors", "pandera"]
