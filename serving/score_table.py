"""The score table on disk."""

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from domain.scores import SCORE_COLUMNS, Reason

REASON = pa.struct(
    [
        ("feature", pa.string()),
        ("value", pa.float64()),  # null for a category
        ("category", pa.string()),  # null for a number
        ("contribution", pa.float64()),
        ("text", pa.string()),
    ]
)

_TYPES = {
    "as_of": pa.date32(),
    "churn_probability": pa.float64(),
    "value_at_risk": pa.float64(),
    "segment_probability": pa.float64(),
    "next_segment_probability": pa.float64(),
    "reasons": pa.list_(REASON),
}


def score_schema(columns: Sequence[str]) -> pa.Schema:
    """The schema of scores with these columns: SCORE_COLUMNS, then numbers.

    >>> score_schema([*SCORE_COLUMNS, "churn_probability_30d"]).types[-1]
    DataType(double)
    """
    own = {name: _TYPES.get(name, pa.string()) for name in SCORE_COLUMNS}
    return pa.schema([(name, own.get(name, pa.float64())) for name in columns])


def score_table(scores: pd.DataFrame) -> pa.Table:
    """Scores as an Arrow table of `score_schema`; NaN becomes null."""
    schema = score_schema(list(scores.columns))
    arrays = [_array(scores[field.name], field) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(values: pd.Series, field: pa.Field) -> pa.Array:
    if field.name == "reasons":
        return pa.array([[_struct(reason) for reason in row] for row in values], type=field.type)
    return pa.array(values.tolist(), type=field.type, from_pandas=True)


def _struct(reason: Reason) -> dict[str, object]:
    words = isinstance(reason.value, str)
    return {
        "feature": reason.feature,
        "value": None if words else reason.value,
        "category": reason.value if words else None,
        "contribution": reason.contribution,
        "text": reason.text,
    }
