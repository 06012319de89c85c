"""Sections of `gridkeep.toml` that this stage owns.

[bank], [sources], [quality], [engine] and [label].
"""

import re
from datetime import date
from typing import Literal, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from domain.datum import Datum
from domain.tables import CONTRACTS

LabelKind = Literal["closed", "silent", "zero_balance", "balance_attrition"]
ReaderName = Literal["simulated", "berka", "complete_journey", "telco", "tables"]


SPARK_URL = re.compile(r"(spark|sc|k8s)://\S+|yarn|local(\[(\d+|\*)\])?|env:\w+")


def without_token(url: str) -> str:
    """The address in a Spark URL, without what may be secret behind it.

    >>> without_token("sc://spark.bank:443/;use_ssl=true;token=secret")
    'sc://spark.bank:443'
    >>> without_token("https://ann:secret@spark.bank/x?token=secret")
    'https://spark.bank/x'
    """
    return re.sub("//.*@", "//", re.split(r"/?;|\?|token=", url)[0])


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


class Direction(Section):
    """[sources.transactions.direction]: the sign of amounts that are delivered without one.

    Amounts with a word of `spent` are turned round; a word in neither list stops the reading.
    """

    column: str  # the bank's column that says which way the money went
    received: tuple[str, ...]  # its words for received, for example ["贷"]; "": empty
    spent: tuple[str, ...]  # its words for spent, for example ["借"]


class TableSource(Section):
    """[sources.TABLE]: where the `tables` reader finds one contract table."""

    file: str | None = None  # path or growing glob under sources.path: *.parquet, *.csv, *.csv.gz
    table: str | None = None  # table or view of sources.database, with its schema if any
    columns: dict[str, str] = Field(default_factory=dict)  # contract name -> the bank's name
    values: dict[str, dict[str, str]] = Field(default_factory=dict)  # column -> your word -> ours
    direction: Direction | None = None  # [sources.transactions.direction], of unsigned amounts
    delimiter: str = ","  # of CSV columns
    decimal: str = "."  # of numbers in text
    encoding: str = "utf-8"  # of CSV files
    date_format: str | None = None  # strptime form; ISO 8601 when absent
    timezone: str | None = None  # of times without an offset; the bank's when absent
    datum: Datum = "WGS-84"  # of latitude and longitude: WGS-84, GCJ-02 or BD-09

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except (LookupError, ValueError) as error:  # no codec, one not of text, or a NUL
            raise ValueError(
                f"unknown encoding {encoding!r}; write one of Python's, like 'utf-8' or 'gb18030'"
            ) from error
        return encoding


class SourceSettings(Section):
    """[sources]: which reader, and where its files are.

    Rows that repeat a key (a customer's id, a transaction's) with other content break the contract
    whatever `rejected_share_max` is, for nobody can tell which of them is right: deliver each once,
    or correct them in quarantine and run `gridkeep check --replay`.
    """

    reader: ReaderName = "tables"  # what the sources look like
    path: str = "."  # the folder with the source files
    database: str | None = None  # ibis URL without a secret, or "env:NAME" to read it from NAME
    customers: TableSource | None = None  # [sources.customers], reader tables
    transactions: TableSource | None = None  # [sources.transactions]
    holdings: TableSource | None = None  # [sources.holdings], if any
    service_events: TableSource | None = None  # [sources.service_events], if any
    closures: TableSource | None = None  # [sources.closures], if any
    outlets: TableSource | None = None  # [sources.outlets], if any
    rejected_share_max: float = Field(default=0.01, ge=0, le=1)  # over it, the contract is broken
    data_until: date | None = Field(default=None, lt=date(9999, 1, 1))  # last day; absent: today
    stale_days: int = Field(default=7, ge=0)  # days that a cut-off may lie past the data


class EngineSettings(Section):
    """[engine]: where feature queries and batch scores run; docs/scale.md says when to change it.

    `url`, `wait_seconds` and `options` are Spark's. A Spark cluster must see the output folder
    under the same path. `memory` is that of one executor, on this machine that of the queries.
    Lower it where less than that is free: a query then spills to disk sooner and takes longer.
    Raise it where it spills although the machine has more.
    """

    kind: Literal["duckdb", "spark"] = "duckdb"  # the embedded engine, or a Spark of yours
    threads: int = Field(default=2, ge=1)  # of the queries on this machine
    memory: str = "8GB"  # beyond it a query spills to disk
    url: str | None = None  # spark://, sc://, k8s://, yarn, local[N] or "env:NAME"; absent: local
    wait_seconds: float = Field(default=120.0, gt=0)  # without an executor until we give up
    options: dict[str, str] = Field(default_factory=dict)  # Spark's own properties; they win

    @field_validator("url")
    @classmethod
    def _known_url(cls, url: str | None) -> str | None:
        if url is not None and not SPARK_URL.fullmatch(url):
            raise ValueError(
                f"{without_token(url)!r} is no Spark; write spark://HOST:7077, sc://HOST:15002, "
                'k8s://..., yarn, local[2], or "env:NAME" to read it from NAME'
            )
        if url is not None and "token=" in url:
            raise ValueError(
                "the URL holds a token; put it into an environment variable and write "
                'url = "env:NAME"'
            )
        return url

    @model_validator(mode="after")
    def _spark_alone(self) -> Self:
        if self.kind != "spark" and (self.url or self.options):
            raise ValueError('url and options are for kind = "spark"')
        return self


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


class ValueSettings(Section):
    """[value]: what a customer earns the bank, for a model of the next 12 months' margin.

    The rates are examples: set the bank's own. The model needs 36 months of history; without it
    `value_at_risk` is of the value feature (docs/horizons-and-value.md).

    >>> ValueSettings().learn
    False
    """

    learn: bool = False  # train the margin model beside the retention model
    net_interest_margin: float = Field(default=0.02, ge=0, le=1)  # a year, of positive balances
    fee_on_turnover: float = Field(default=0.001, ge=0, le=1)  # of money paid in and out


class QualitySettings(Section):
    """[quality]: how good the tables must be, as shares, before a model may learn from them.

    A share counts as too low when the upper end of its 95 % interval is below the minimum.

    >>> QualitySettings(completeness={"customers.birth_date": 0.9}).gate
    True
    """

    gate: bool = True  # training refuses tables below these minima
    accuracy_min: float = Field(default=0.98, ge=0, le=1)  # customers whose record is right
    validity_min: float = Field(default=0.98, ge=0, le=1)  # delivered values inside the contract
    consistency_min: float = Field(default=0.95, ge=0, le=1)  # rows that agree with the others
    uniqueness_min: float = Field(default=0.9, ge=0, le=1)  # rows and persons delivered once
    timeliness_min: float = Field(default=0.0, ge=0, le=1)  # rows that arrive within late_days
    completeness: dict[str, float] = Field(default_factory=dict)  # "customers.sex" = 0.9, and so on
    late_days: float = Field(default=3.0, ge=0)  # from posting to the warehouse

    @field_validator("completeness")
    @classmethod
    def _known_columns(cls, minima: dict[str, float]) -> dict[str, float]:
        columns = [f"{table.name}.{name}" for table in CONTRACTS.values() for name in table.names]
        if unknown := [name for name in minima if name not in columns]:
            raise ValueError(f"unknown column {unknown[0]!r}; write one like 'customers.sex'")
        if any(not 0 <= share <= 1 for share in minima.values()):
            raise ValueError("a share is between 0 and 1")
        return minima
