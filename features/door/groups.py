"""Sorted rows in row groups of one size, whatever the batches in which they come."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from features.door.staging import GROUP_ROWS


def groups(relation: duckdb.DuckDBPyRelation, schema: pa.Schema) -> Iterator[pa.Table]:
    """Tables of exactly GROUP_ROWS rows, but for the last: the same rows give the same bytes."""
    held, count = [], 0
    for batch in relation.to_arrow_reader(GROUP_ROWS):
        held.append(pa.Table.from_batches([batch]).cast(schema))
        count += batch.num_rows
        if count >= GROUP_ROWS:
            whole = pa.concat_tables(held)
            while whole.num_rows >= GROUP_ROWS:
                yield whole.slice(0, GROUP_ROWS).combine_chunks()
                whole = whole.slice(GROUP_ROWS)
            held, count = [whole], whole.num_rows
    if count:
        yield pa.concat_tables(held).combine_chunks()
