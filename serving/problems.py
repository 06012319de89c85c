"""Errors of the service: RFC 9457 problem documents, all from here."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from starlette.responses import Response

PROBLEM_JSON = "application/problem+json"

TITLES = {
    400: "the request is not valid",
    401: "a key is needed",
    403: "not allowed",
    404: "no such address",
    405: "method not allowed",
    408: "the request did not arrive in time",
    413: "the request is too large",
    415: "content type not supported",
    429: "too many requests",
    500: "a fault of the service",
    503: "the service cannot answer now",
    504: "the answer took too long",
}


class Fault(NamedTuple):
    """One thing that is wrong, and where in the body (as in `customers[3].features.age_years`)."""

    loc: str
    message: str


class Problem(Exception):  # noqa: N818 (RFC 9457's word)
    """A refused request; `detail` is for the person who reads it."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[Fault] = (),
        headers: dict[str, str] | None = None,
        state: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, errors
        self.headers, self.state = headers or {}, state

    def response(self) -> Response:
        """The problem document; `state` is an extension member of `/readyz` alone."""
        body = {
            "status": self.status,
            "title": TITLES.get(self.status, "the request was refused"),
            "detail": self.detail,
            "errors": [fault._asdict() for fault in self.errors],
        }
        if self.state:
            body["state"] = self.state
        return Response(
            msgspec.json.encode(body), self.status, self.headers, media_type=PROBLEM_JSON
        )
