"""The bodies that the service takes, parsed strictly: nothing is guessed, nothing is coerced."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Literal, TypeVar

import msgspec

from serving.problems import Fault, Problem
from serving.vocabulary import FeatureFacts, Vocabulary

Body = TypeVar("Body")

ID_CHARACTERS, WORD_CHARACTERS, FAULTS_SHOWN = 128, 256, 20
LARGEST_NUMBER = 1e15  # money, counts and days of one customer stay below it
CARD_NUMBER = re.compile(r"[2-6][0-9]{14,18}")
CARD_REFUSED = "looks like a payment-card number and is no known customer; not taken here"
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Customer(msgspec.Struct, forbid_unknown_fields=True):
    """One customer to score: looked up, or with the features that the caller brings."""

    customer_id: str
    features: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    cell_id: str | None = None
    as_of: date | None = None


class ScoreRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/score`."""

    customers: list[Customer]


class Feedback(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/feedback`: what became of a scored customer."""

    customer_id: str
    outcome: Literal["left", "stayed", "contacted", "accepted", "declined", "disagree"]
    as_of: date | None = None
    request_id: str | None = None


def score_request(body: bytes, known: Vocabulary, customers_max: int) -> ScoreRequest:
    """The parsed and checked request, or the Problem that says what is wrong and where."""
    request = _decoded(body, ScoreRequest)
    if not request.customers:
        raise Problem(400, "no customers", [Fault("customers", "name at least one customer")])
    if len(request.customers) > customers_max:
        raise Problem(
            413, f"{len(request.customers)} customers; at most {customers_max} in one request"
        )
    refuse(list(_score_faults(request, known)))
    return request


def feedback_request(body: bytes) -> Feedback:
    """The parsed and checked feedback, or a Problem."""
    feedback = _decoded(body, Feedback)
    faults = list(_id_faults("customer_id", feedback.customer_id))
    if feedback.request_id is not None:
        faults += _word_faults("request_id", feedback.request_id)
    refuse(faults)
    return feedback


def refuse(faults: list[Fault]) -> None:
    """Raise the Problem of these faults; none is fine."""
    if faults:
        more = f" (the first {FAULTS_SHOWN} are shown)" if len(faults) > FAULTS_SHOWN else ""
        count = "1 value is" if len(faults) == 1 else f"{len(faults)} values are"
        raise Problem(400, f"{count} not valid{more}", faults[:FAULTS_SHOWN])


def _decoded(body: bytes, kind: type[Body]) -> Body:
    try:
        parsed = msgspec.json.decode(body, type=kind)
        json.loads(body, object_pairs_hook=_once_each)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        raise Problem(400, message, [Fault(path.strip("`").lstrip("."), message)]) from error
    except (ValueError, RecursionError) as error:  # malformed, not UTF-8, nested without end
        said = (
            str(error)
            if isinstance(error, msgspec.DecodeError | _RepeatedKeyError)
            else "malformed"
        )
        raise Problem(400, f"the body is not valid JSON: {said}") from error
    return parsed


class _RepeatedKeyError(ValueError):
    """A key that stands twice in one object."""


def _once_each(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise _RepeatedKeyError("a key is given twice in one object")


def _score_faults(request: ScoreRequest, known: Vocabulary) -> Iterator[Fault]:
    for at, customer in enumerate(request.customers):
        where = f"customers[{at}]"
        yield from _id_faults(f"{where}.customer_id", customer.customer_id)
        if customer.cell_id is not None:
            yield from _word_faults(f"{where}.cell_id", customer.cell_id)
        if isinstance(customer.features, msgspec.UnsetType):
            if customer.cell_id is not None or customer.as_of is not None:
                message = "cell_id and as_of go with features; a looked-up customer has its own"
                yield Fault(where, message)
            continue
        for name, value in customer.features.items():
            if (wrong := _feature_fault(name, value, known)) is not None:
                yield Fault(f"{where}.features.{name[:WORD_CHARACTERS]}", wrong)


def _id_faults(where: str, value: str) -> Iterator[Fault]:
    if not 1 <= len(value) <= ID_CHARACTERS:
        yield Fault(where, f"{len(value)} characters; write 1 to {ID_CHARACTERS}")
    elif UNPRINTABLE.search(value):
        yield Fault(where, "holds a control character")


def _word_faults(where: str, value: str) -> Iterator[Fault]:
    yield from _id_faults(where, value)
    if looks_like_a_card(value):
        yield Fault(where, "looks like a payment-card number; those are not taken here")


def looks_like_a_card(text: str) -> bool:
    """Whether a text could be the number of a payment card; a bank's own id may well be one.

    >>> looks_like_a_card("4111111111111111"), looks_like_a_card("C4111111111111111")
    (True, False)
    """
    return CARD_NUMBER.fullmatch(text) is not None and _luhn(text)


def _luhn(digits: str) -> bool:
    """Whether the check digit of a card number is right (Luhn, 1954).

    >>> _luhn("4111111111111111"), _luhn("4111111111111112")
    (True, False)
    """
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    return sum(each - 9 * (each > 9) for each in doubled) % 10 == 0


def _feature_fault(name: str, value: Any, known: Vocabulary) -> str | None:
    facts = known.get(name)
    if facts is None:
        return "is not a feature of these models"
    if value is None:
        return None
    check: Callable[[Any, FeatureFacts], str | None]
    check = _number_fault if facts.kind == "number" else _category_fault
    return check(value, facts)


def _number_fault(value: Any, facts: FeatureFacts) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "is not a number"
    if abs(value) > LARGEST_NUMBER:
        return "is too large a number"
    if facts.low is not None and value < facts.low:
        return f"is below {facts.low:g} {facts.unit}"
    if facts.high is not None and value > facts.high:
        return f"is above {facts.high:g} {facts.unit}"
    return None


def _category_fault(value: Any, facts: FeatureFacts) -> str | None:
    if not isinstance(value, str):
        return "is not a text"
    if len(value) > WORD_CHARACTERS or UNPRINTABLE.search(value):
        return f"is longer than {WORD_CHARACTERS} characters or holds a control character"
    return None
