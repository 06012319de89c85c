"""The score table on disk."""

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

SCORE_SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in SCORE_COLUMNS])


def score_table(scores: pd.DataFrame) -> pa.Table:
    """Scores as an Arrow table of SCORE_SCHEMA; NaN becomes null."""
    arrays = [_array(scores[field.name], field) for field in SCORE_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=SCORE_SCHEMA)


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
