"""Sections of `gridkeep.toml` that this stage owns: [bank], [sources], [engine], [label]."""

from datetime import date
from typing import Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator

LabelKind = Literal["closed", "silent", "zero_balance", "balance_attrition"]
ReaderName = Literal["simulated", "berka", "complete_journey", "telco", "tables"]


class Section(BaseModel):
    """A frozen section; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BankSettings(Section):
    """[bank]: what is the same for every table."""

    name: str = "bank"  # in words
    timezone: str = "UTC"  # cut-offs begin at its midnight; times without an offset are its
    currency: str = "CNY"  # of every amount; transactions that name another are refused

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"unknown time zone {zone!r}; write one like 'Asia/Shanghai'")
        return zone


class TableSource(Section):
    """[sources.TABLE]: where the `tables` reader finds one contract table."""

    file: str | None = None  # path or growing glob under sources.path: *.parquet, *.csv, *.csv.gz
    table: str | None = None  # table or view of sources.database, with its schema if any
    columns: dict[str, str] = Field(default_factory=dict)  # contract name -> the bank's name
    delimiter: str = ","  # of CSV columns
    decimal: str = "."  # of numbers in text
    encoding: str = "utf-8"  # of CSV files
    date_format: str | None = None  # strptime form; ISO 8601 when absent
    timezone: str | None = None  # of times without an offset; the bank's when absent


class SourceSettings(Section):
    """[sources]: which reader, and where its files are."""

    reader: ReaderName = "tables"  # what the sources look like
    path: str = "."  # the folder with the source files
    database: str | None = None  # ibis URL without a secret, or "env:NAME" to read it from NAME
    customers: TableSource | None = None  # [sources.customers], reader tables
    transactions: TableSource | None = None  # [sources.transactions]
    holdings: TableSource | None = None  # [sources.holdings], if any
    service_events: TableSource | None = None  # [sources.service_events], if any
    closures: TableSource | None = None  # [sources.closures], if any
    rejected_share_max: float = Field(default=0.01, ge=0, le=1)  # over it, the contract is broken
    data_until: date | None = Field(default=None, lt=date(9999, 1, 1))  # last day; absent: today
    stale_days: int = Field(default=7, ge=0)  # that a cut-off may lie behind the transactions


class EngineSettings(Section):
    """[engine]: where feature queries run."""

    kind: Literal["duckdb"] = "duckdb"  # the embedded engine
    threads: int = Field(default=2, ge=1)  # of the queries
    memory: str = "8GB"  # beyond it a query spills to disk


class LabelSettings(Section):
    """[label]: who counts as lost, and when we look.

    The observation window ends at the cut-off; the outcome window begins `gap_days` after it
    and is `outcome_days` long.
    """

    kind: LabelKind = "silent"  # left; no own transaction; nothing left; mean balance fell
    observation_days: int = Field(default=90, ge=1)  # before the cut-off
    gap_days: int = Field(default=30, ge=0)  # time to act
    outcome_days: int = Field(default=90, ge=1)  # in which a customer is lost or not
    balance_ratio: float = Field(default=0.5, gt=0, le=1)  # balance_attrition: X
    zero_below: float = Field(default=1.0, ge=0)  # zero_balance: money that counts as nothing
