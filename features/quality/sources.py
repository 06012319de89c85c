"""The clean tables with the delivery of each row, where the intake that wrote them told it."""

from typing import Any

import ibis

from domain.tables import CONTRACTS
from features.door.staging import FILE
from features.engine import Tables, typed
from features.parts import table_files
from features.quality.report import WHOLE

SOURCE = "source"


def with_sources(tables: Tables) -> Tables:
    """The tables with `source`: the file or database table that a row counts for, else 'all'.

    >>> import pandas as pd
    >>> from features.engine import tables_of
    >>> people = pd.DataFrame({"customer_id": ["a"], "onboarded_on": ["2026-01-31"]})
    >>> with_sources(tables_of({"customers": people})).customers.source.execute().tolist()
    ['all']
    """
    return tables._replace(**{name: _with_source(tables, name) for name in CONTRACTS})


def _with_source(tables: Tables, name: str) -> Any:
    if tables.folder is not None:
        files = table_files(tables.folder, name)
        engine = tables.connection
        rows = engine.read_parquet(files if engine.name == "pyspark" else [*map(str, files)])
        if FILE in rows.columns:
            return rows.select(**typed(rows, CONTRACTS[name]), source=rows[FILE].cast("string"))
    return getattr(tables, name).mutate(source=ibis.literal(WHOLE))
