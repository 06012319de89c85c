"""The body of a request: its type, its size and its patience are checked before it is kept."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from serving.problems import Problem
from serving.settings import ServingSettings


async def json_body(request: Request, settings: ServingSettings) -> bytes:
    """The bytes of a JSON body, or a Problem: 415 for another type, 413 over the limit, 408."""
    _refuse_other_types(request)
    limit = settings.body_bytes_max
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > limit:
        raise _too_large(limit)
    try:
        return await asyncio.wait_for(_read(request, limit), settings.timeout_seconds)
    except TimeoutError as error:
        raise Problem(408, f"no whole body within {settings.timeout_seconds:g} s") from error
    except ClientDisconnect as error:
        raise Problem(408, "the caller went away") from error


def _refuse_other_types(request: Request) -> None:
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise Problem(415, "send Content-Type: application/json, in UTF-8")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "send the body uncompressed")


async def _read(request: Request, limit: int) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise _too_large(limit)
    return bytes(content)


def _too_large(limit: int) -> Problem:
    # the rest of the body is never read, so the connection cannot be used again
    detail = f"the body is larger than {limit:,} bytes; send fewer customers a request"
    return Problem(413, detail, headers={"Connection": "close"})
