"""`/docs.json`: the service described as OpenAPI 3.1, from the very types that parse it."""

from typing import Any

import msgspec

from domain.scores import RISK_BANDS
from serving.requests import Feedback, ScoreRequest
from serving.settings import ServingSettings

PROBLEM = {
    "type": "object",
    "required": ["status", "title", "detail", "errors"],
    "properties": {
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["loc", "message"],
                "properties": {"loc": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}

_TEXT, _NUMBER = {"type": ["string", "null"]}, {"type": ["number", "null"]}

SCORE = {
    "type": "object",
    "description": "A score, or `customer_id` and `error` of one who cannot be scored: not known, "
    "brought without every feature that the models read (null is a value), or an unknown id that "
    "looks like the number of a payment card.",
    "required": ["customer_id"],
    # lost by a horizon, where the model has them: churn_probability_30d, ..._closed_90d, and so on
    "patternProperties": {r"^churn_probability_([a-z_]+_)?\d+d$": _NUMBER},
    "properties": {
        "customer_id": {"type": "string"},
        "error": {"type": "string"},
        "as_of": {"type": "string", "format": "date"},
        "grid_version": {"type": "string"},
        "cell_id": _TEXT,
        "churn_probability": {"type": "number", "minimum": 0, "maximum": 1},
        "risk_band": {"enum": list(RISK_BANDS)},
        "value_at_risk": _NUMBER,
        "expected_margin": _NUMBER,
        "value_at_risk_low": _NUMBER,
        "value_at_risk_high": _NUMBER,
        "segment": _TEXT,
        "segment_probability": _NUMBER,
        "next_segment": _TEXT,
        "next_segment_probability": _NUMBER,
        "reasons": {
            "type": "array",
            "description": "What pushes the risk up most, the strongest first; what lowers the "
            "risk is never among them, and there may be none.",
            "items": {
                "type": "object",
                "required": ["feature", "value", "contribution", "text"],
                "properties": {
                    "feature": {"type": "string"},
                    "value": {"type": ["number", "string", "null"]},
                    "contribution": {
                        "type": "number",
                        "exclusiveMinimum": 0,
                        "description": "share of the log-odds",
                    },
                    "text": {"type": "string"},
                },
            },
        },
        "retention_version": {"type": "string"},
        "segmentation_version": _TEXT,
    },
}

SCORES = {
    "type": "object",
    "required": ["scores", "model", "request_id"],
    "properties": {
        "scores": {"type": "array", "items": {"$ref": "#/components/schemas/Score"}},
        "model": {"type": "object", "additionalProperties": _TEXT},
        "request_id": {"type": "string"},
    },
}


def openapi(settings: ServingSettings) -> dict[str, Any]:
    """The whole description."""
    _, parsed = msgspec.json.schema_components(
        (ScoreRequest, Feedback), ref_template="#/components/schemas/{name}"
    )
    asked = {**parsed, "Score": SCORE, "Scores": SCORES, "Problem": PROBLEM}
    limits = f"1 to {settings.customers_max} customers, {settings.body_bytes_max:,} bytes"
    return {
        "openapi": "3.1.0",
        "info": {"title": "gridkeep", "version": "1", "description": f"A request: {limits}."},
        "paths": {
            "/v1/score": {"post": _posted("ScoreRequest", "200", "Scores", "Score customers")},
            "/v1/feedback": {"post": _posted("Feedback", "201", None, "Say what became of one")},
            "/v1/models": {"get": _got("The models that answer")},
            "/livez": {"get": _got("The process lives", open_to_all=True)},
            "/readyz": {"get": _got("Models and store are loaded", open_to_all=True)},
            "/metrics": {"get": _got("Prometheus counts")},
            "/docs.json": {"get": _got("This description")},
        },
        "components": {
            "schemas": asked,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


def _posted(body: str, status: str, answer: str | None, summary: str) -> dict[str, Any]:
    schema = {"schema": {"$ref": f"#/components/schemas/{body}"}}
    told = {"$ref": f"#/components/schemas/{answer}"} if answer else {"type": "object"}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": schema}},
        "responses": {
            status: {"description": "Done", "content": {"application/json": {"schema": told}}},
            "default": _refused(),
        },
    }


def _got(summary: str, open_to_all: bool = False) -> dict[str, Any]:
    operation = {
        "summary": summary,
        "responses": {"200": {"description": "Done"}, "default": _refused()},
    }
    return {**operation, "security": []} if open_to_all else operation


def _refused() -> dict[str, Any]:
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {"description": "Refused", "content": {"application/problem+json": schema}}
