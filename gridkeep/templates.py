"""`gridkeep init`: a commented gridkeep.toml for each reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.errors import BadInput


@dataclass(frozen=True)
class Started:
    """A configuration file that was begun."""

    path: Path
    reader: str

    def lines(self) -> Sequence[str]:
        """What to do next."""
        return [
            f"wrote {self.path} for the reader '{self.reader}'; edit [sources], then run",
            f"  gridkeep check --config {self.path}",
        ]


HEAD = """\
# gridkeep.toml: every key that is left out has a default; docs/configuration.md lists them all.
# Paths are relative to this file. Secrets do not belong here: use the environment.

[bank]
name = "{name}"
timezone = "{timezone}"  # cut-offs begin at this zone's midnight
currency = "{currency}"

[sources]
reader = "{reader}"
path = "{path}"  # the folder with the source files
"""

TABLES = """\
# database = "env:BANK_DATABASE"   # an ibis URL, e.g. postgresql://...; read from the environment

[sources.customers]
file = "customers.csv"  # or table = "crm.customers" of the database
# columns = { customer_id = "CUST_NO", onboarded_on = "OPEN_DATE" }  # our name = your name
# delimiter = ";"
# decimal = ","
# date_format = "%d.%m.%Y"
# values = { sex = { "男" = "M", "女" = "F" } }  # your words = ours, a column each
# datum = "GCJ-02"  # of latitude and longitude, where they are not WGS-84; or "BD-09"

[sources.transactions]
file = "transactions/*.csv"  # every delivery; a row delivered twice counts once
# columns = { transaction_id = "TXN_NO", posted_at = "BOOKED", amount = "AMT" }
# direction = { column = "D_C", received = ["C"], spent = ["D"] }  # where amounts have no sign
# values = { category = { "工资" = "salary" }, channel = { "柜台" = "counter" } }

# [sources.holdings], [sources.service_events], [sources.closures] and [sources.outlets] likewise,
# where you have them
"""

LABEL = """
[label]
kind = "{kind}"  # closed, silent, zero_balance or balance_attrition
observation_days = {observation}
gap_days = {gap}  # time to act between the cut-off and the outcome window
outcome_days = {outcome}
"""

GRID = """
[grid]
basis = "{basis}"  # auto: coordinates where known, else districts, else home outlets
floor = {floor}  # customers of a merged cell
"""

BERKA_POLYGONS = """\
polygons = "geo_czech/okresy.geojson"  # outlines of the districts, for the map
polygon_name = "r"
polygon_aliases = { "Hl.m. Praha" = "Praha", "Jablonec n. Nisou" = "Jablonec nad Nisou" }
"""

BERKA_TRAINING = """balance_ratio = 0.7  # lost: mean balance of the outcome under this share

[retention]
# fifteen months of transactions: the cut-offs of 1993 teach, its last day judges
train_as_of = ["1993-06-01", "1993-07-01", "1993-08-01", "1993-09-01", "1993-10-01"]
evaluate_as_of = ["1993-12-31"]
# a twelfth of a thousand accounts are lost: small trees, many folds
min_data_in_leaf = 20
num_leaves = 7
cell_auc_customers = 50

[monitoring]
cell_floor = 30
"""


TELCO_NOTE = """\
# Every customer of this sample who left did so on one day: it has cells and features, but no
# earlier cut-off to learn from, so `gridkeep train retention` says that the label has one class.
"""


def template(reader: str) -> str:
    """The text of a configuration that reads `reader`.

    >>> 'reader = "telco"' in template("telco")
    True
    """
    return _TEXT[reader]()


def write_template(path: Path, reader: str) -> Started:
    """Write the template; a file that is there already is left alone."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template(reader))
    except FileExistsError as error:
        raise BadInput(f"{path} exists; remove it first, or name another with --config") from error
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}") from error
    return Started(path, reader)


def _tables() -> str:
    head = HEAD.format(name="bank", timezone="UTC", currency="CNY", reader="tables", path=".")
    label = LABEL.format(kind="silent", observation=90, gap=30, outcome=90)
    return head + TABLES + label + GRID.format(basis="auto", floor=300)


def _simulated() -> str:
    head = HEAD.format(
        name="simulated bank",
        timezone="Asia/Shanghai",
        currency="CNY",
        reader="simulated",
        path=".",
    )
    label = LABEL.format(kind="closed", observation=90, gap=30, outcome=90)
    return head + label + GRID.format(basis="auto", floor=300)


def _berka() -> str:
    head = HEAD.format(
        name="Berka", timezone="Europe/Prague", currency="CZK", reader="berka", path="berka"
    )
    label = LABEL.format(kind="balance_attrition", observation=90, gap=0, outcome=90)
    grid = GRID.format(basis="district", floor=30)
    return head + label + BERKA_TRAINING + grid + BERKA_POLYGONS


def _complete_journey() -> str:
    head = HEAD.format(
        name="Complete Journey",
        timezone="America/New_York",
        currency="USD",
        reader="complete_journey",
        path="complete_journey",
    )
    label = LABEL.format(kind="silent", observation=56, gap=0, outcome=56)
    grid = GRID.format(basis="outlet", floor=30)
    return head + label + grid + "\n[monitoring]\ncell_floor = 30\n"


def _telco() -> str:
    head = HEAD.format(
        name="Telco sample", timezone="UTC", currency="USD", reader="telco", path="telco"
    )
    label = LABEL.format(kind="closed", observation=90, gap=0, outcome=30)
    return head + TELCO_NOTE + label + GRID.format(basis="h3", floor=100) + "resolution = 6\n"


_TEXT = {
    "tables": _tables,
    "simulated": _simulated,
    "berka": _berka,
    "complete_journey": _complete_journey,
    "telco": _telco,
}
