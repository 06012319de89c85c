"""The loaded service: what stands behind the routes, free of them and of BentoML."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Protocol

import msgspec
import pandas as pd

from serving.loader import LoadedModel
from serving.prediction_log import DayLog, Pseudonyms
from serving.problems import Fault
from serving.requests import CARD_REFUSED, Customer, Feedback, looks_like_a_card, refuse
from serving.scoring import Scorer
from serving.vocabulary import Vocabulary

UNLOGGED = ("customer_id", "reasons")  # the one is a person, the other is recomputed
ABSENT_SHOWN = 3


class Online(Protocol):
    """The online feature store, as `features.online.OnlineFeatures` is."""

    grid_version: str
    features: tuple[str, ...]

    def get(self, ids: Sequence[str]) -> pd.DataFrame:
        """Rows (customer_id, as_of, cell_id, features) of the known ones among `ids`."""


@dataclass(frozen=True)
class Answering:
    """Loaded models, open store, open logs: everything that an answer needs."""

    scorer: Scorer
    online: Online
    pseudonyms: Pseudonyms
    predictions: DayLog
    feedback: DayLog

    @property
    def models(self) -> list[LoadedModel]:
        """The loaded models."""
        both = (self.scorer.retention, self.scorer.segmentation)
        return [model for model in both if model is not None]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The features that a caller may bring: those the models read."""
        names = [name for model in self.models for name in model.features]
        value = self.scorer.retention.card.value_feature
        names += [value] if value else []
        return {name: self.scorer.features[name] for name in dict.fromkeys(names)}

    def versions(self) -> dict[str, str | None]:
        """What an answer was made with."""
        segmentation = self.scorer.segmentation
        return {
            "retention_version": self.scorer.retention.version,
            "segmentation_version": segmentation.version if segmentation else None,
            "grid_version": self.online.grid_version,
        }

    def inventory(self) -> list[dict[str, Any]]:
        """The models that answer, as `GET /v1/models` tells them."""
        return [
            {
                "name": model.card.name,
                "version": model.version,
                "digest": model.digest,
                "grid_version": model.card.grid_version,
                "trained_as_of": model.card.trained_as_of,
                "evaluated_as_of": model.card.evaluated_as_of,
                "metrics": model.card.metrics,
                "features": model.features,
                "reads_cell": model.cell_rates is not None,
                "segments": model.card.segments,
            }
            for model in self.models
        ]

    def scores(
        self, customers: Sequence[Customer], request_id: str, now: datetime
    ) -> list[dict[str, Any]]:
        """An entry per customer, in their order; each score is in the log before it is told.

        Who cannot be scored has an entry with `error`. Raises the Problem of a request that
        holds nothing but numbers of payment cards.
        """
        known = self._looked_up(customers)
        rows = [self._row(customer, known, now.date()) for customer in customers]
        _refuse_cards_alone(rows)
        told = iter(self._scored([row for row in rows if not isinstance(row, str)]))
        entries = [
            {"customer_id": customer.customer_id, "error": row}
            if isinstance(row, str)
            else next(told)
            for customer, row in zip(customers, rows, strict=True)
        ]
        self._log(customers, entries, request_id, now)
        return entries

    def _looked_up(self, customers: Sequence[Customer]) -> dict[str, dict[Any, Any]]:
        ids = [
            each.customer_id
            for each in customers
            if each.features is msgspec.UNSET or looks_like_a_card(each.customer_id)
        ]
        if not ids:
            return {}
        frame = self.online.get(list(dict.fromkeys(ids)))
        columns = ["customer_id", "as_of", "cell_id", *self.vocabulary]
        rows = zip(*(frame[name].tolist() for name in columns), strict=True)
        return {row[0]: dict(zip(columns, row, strict=True)) for row in rows}

    def _row(
        self, customer: Customer, known: dict[str, dict[Any, Any]], today: date
    ) -> dict[Any, Any] | str:
        """The row to score, or what is wrong with the entry."""
        found = known.get(customer.customer_id)
        if found is None and looks_like_a_card(customer.customer_id):
            return CARD_REFUSED
        if isinstance(customer.features, msgspec.UnsetType):
            return found or _unknown(self.online.grid_version)
        if absent := [name for name in self.vocabulary if name not in customer.features]:
            return _absent(absent)
        told = {"as_of": customer.as_of or today, "cell_id": customer.cell_id}
        return {"customer_id": customer.customer_id, **told, **customer.features}

    def _scored(self, rows: list[dict[Any, Any]]) -> list[dict[str, Any]]:
        if not rows:
            return []
        scores = self.scorer.score(self._frame(rows), self.online.grid_version)
        return [_entry(row) for row in scores.to_dict("records")]

    def _frame(self, rows: list[dict[Any, Any]]) -> pd.DataFrame:
        columns = ["customer_id", "as_of", "cell_id", *self.vocabulary]
        frame = pd.DataFrame(rows, columns=columns, dtype=object)
        numbers = [name for name, facts in self.vocabulary.items() if facts.kind == "number"]
        return frame.astype(dict.fromkeys(numbers, "float64"))

    def _log(
        self,
        customers: Sequence[Customer],
        entries: list[dict[str, Any]],
        request_id: str,
        now: datetime,
    ) -> None:
        records = [
            {
                "at": now.isoformat(),
                "request_id": request_id,
                # the number of a stranger's card stands in no log, not even as a hash
                "customer": None
                if entry.get("error") == CARD_REFUSED
                else self.pseudonyms.of(entry["customer_id"]),
                "brought": customer.features is not msgspec.UNSET,
                **{key: value for key, value in entry.items() if key not in UNLOGGED},
            }
            for customer, entry in zip(customers, entries, strict=True)
        ]
        self.predictions.append(records, now)

    def warm(self, today: date) -> None:
        """One score before the first caller waits for it; nobody's, and not in the log."""
        row = self._row(Customer("warm-up", dict.fromkeys(self.vocabulary)), {}, today)
        self._scored([] if isinstance(row, str) else [row])

    def take_feedback(self, feedback: Feedback, request_id: str, now: datetime) -> None:
        """Keep what became of a customer; it is on the disk when this returns."""
        card = looks_like_a_card(feedback.customer_id)
        if card and self.online.get([feedback.customer_id]).empty:
            refuse([Fault("customer_id", CARD_REFUSED)])
        record = {
            "at": now.isoformat(),
            "feedback_id": request_id,
            "customer": self.pseudonyms.of(feedback.customer_id),
            "outcome": feedback.outcome,
            "as_of": feedback.as_of,
            "request_id": feedback.request_id,
        }
        self.feedback.append([record], now)


def _unknown(grid_version: str) -> str:
    return (
        f"unknown customer: not in the online store ({grid_version}); "
        "bring the features, or rebuild the store"
    )


def _absent(names: Sequence[str]) -> str:
    """A feature left out is a mistake more often than a value that nobody knows."""
    more = f" and {len(names) - ABSENT_SHOWN} more" if len(names) > ABSENT_SHOWN else ""
    return (
        f"features are missing: {', '.join(names[:ABSENT_SHOWN])}{more}; bring every feature "
        "that GET /v1/models lists, null where there is no value"
    )


def _refuse_cards_alone(rows: Sequence[dict[Any, Any] | str]) -> None:
    if all(row == CARD_REFUSED for row in rows):
        refuse([Fault(f"customers[{at}].customer_id", CARD_REFUSED) for at in range(len(rows))])


def _entry(row: dict[Any, Any]) -> dict[str, Any]:
    """A score row as it is told: missing numbers are null, reasons are objects."""
    plain = {name: None if value != value else value for name, value in row.items()}
    return {**plain, "reasons": [reason._asdict() for reason in row["reasons"]]}
