"""Rows of a query as Parquet files; sorted ones in row groups of one size."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from domain.tables import Contract
from features.content import Content, content_of
from features.door.staging import FILE, GROUP_ROWS, clean_schema, staged_schema


class Settled(NamedTuple):
    """What the rows of a new part say, and the files that they count for."""

    content: Content
    sources: tuple[str, ...]


def write_clean(
    relation: duckdb.DuckDBPyRelation,
    contract: Contract,
    target: Path,
    wrote: Callable[[int], None],
) -> Settled:
    """Write the rows of a clean table as they come; the file of a row is no part of its content.

    `wrote` is told the rows that are written, group by group.
    """
    schema = clean_schema(contract)
    content, files = Content(), set()
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for group in groups(relation, schema):
            writer.write_table(group, row_group_size=group.num_rows)
            content = content.joined(content_of(group.drop_columns([FILE])))
            files |= set(group[FILE].unique().to_pylist())
            wrote(content.rows)
    return Settled(content, tuple(sorted(files)))


def write_plain(
    relation: duckdb.DuckDBPyRelation, table: str, names: Sequence[str], target: Path
) -> int:
    """Write some columns of staged rows; the number of rows."""
    full, count = staged_schema(table), 0
    schema = pa.schema([full.field(name) for name in names])
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in relation.to_arrow_reader(GROUP_ROWS):
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
            count += batch.num_rows
    return count


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
