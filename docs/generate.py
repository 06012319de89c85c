"""Write the generated pages of docs/: the contract, features, configuration, commands.

Run by `make docs`; a test compares the pages with what this would write.
"""

import inspect
import re
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from domain.contract_page import contract_page
from domain.cutoffs import months_before
from domain.errors import BadInput
from features.dictionary import markdown
from features.settings import Direction, LabelSettings
from gridkeep.cli import group
from gridkeep.config import Config
from training.rows.dataset import cutoff_plan, truncated
from training.settings import RetentionSettings

DOCS = Path(__file__).resolve().parent
FIELD = re.compile(r"^    (\w+): .+?(?:  # (.*))?$", re.MULTILINE)


def configuration() -> str:
    """Every key of gridkeep.toml with its type, default and meaning."""
    parts = [
        "# Configuration",
        "",
        "`gridkeep.toml`, section by section. An unknown key is an error.",
    ]
    for name, field in Config.model_fields.items():
        if name != "home":
            parts += _section(f"[{name}]", field.annotation)
    table = Config.model_fields["sources"].annotation.model_fields["customers"].annotation
    parts += _section(
        "[sources.TABLE]  (customers, transactions, holdings, service_events, closures, outlets)",
        next(choice for choice in table.__args__ if hasattr(choice, "model_fields")),
    )
    parts += _section("[sources.transactions.direction]", Direction)
    served = Config.model_fields["segmentation"].annotation.model_fields["policies"].annotation
    parts += _section('[segmentation.policies."NAME"]', served.__args__[1])
    layers = Config.model_fields["grid"].annotation.model_fields["overlays"].annotation
    parts += _section("[grid.overlays.NAME]", layers.__args__[1])
    return "\n".join(parts) + "\n"


def commands() -> str:
    """The help of every command."""
    parts = ["# Commands", "", "What `gridkeep VERB --help` prints.", ""]
    for name in group.list_commands(click.Context(group)):
        command = group.commands[name]
        options = {"help_option_names": ["-h", "--help"], "terminal_width": 100}
        context = command.make_context(
            f"gridkeep {name}", ["-h"], resilient_parsing=True, **options
        )
        parts += [f"## gridkeep {name}", "", "```", command.get_help(context), "```", ""]
    return "\n".join([*parts, HISTORY, *_history(), ""])


HISTORY = """## How many months a bank needs

Cut-offs of `gridkeep train retention`, by the whole months that the transactions cover, with the
defaults of [label] and [retention]. A cut-off chosen so is the first day of a month; the outcomes
of the last training cut-off are known when the first that judges begins. As soon as one of each has
a year (the longest window of a feature) behind it, all have. `gridkeep train segmentation` needs
more than twice `segmentation.horizon_months`. Cut-offs that the configuration names go before
these, and may be any day.

| months | training cut-offs | that judge | history behind the first |
|---|---:|---:|---|"""


def _history(first: date = date(2024, 1, 1), most: int = 36) -> list[str]:
    """Rows of numbers of months that allow the same cut-offs."""
    known = [_allowed(first, months) for months in range(1, most + 1)]
    rows, begun = [], 1
    for months, (now, then) in enumerate(pairwise([*known, ""]), start=1):
        if now != then:
            span = f"{begun}" if begun == months else f"{begun} to {months}"
            rows.append(f"| {f'{begun} and more' if months == most else span} | {now} |")
            begun = months + 1
    return rows


def _allowed(first: date, months: int) -> str:
    last = months_before(first, -months) - timedelta(days=1)
    try:
        plan = cutoff_plan(first, last, LabelSettings(), RetentionSettings())
    except BadInput:
        return "none | none | too short"
    year = "a year" if not truncated(first, plan.train) else "under a year"
    return f"{len(plan.train)} | {len(plan.evaluate)} | {year}"


def _section(title: str, model: Any) -> list[str]:
    doc = inspect.cleandoc(model.__doc__ or "").split("\n>>>")[0].strip()
    meaning = doc.partition(": ")[2] or doc
    rows = [
        "",
        f"## {title}",
        "",
        meaning,
        "",
        "| key | type | default | meaning |",
        "|---|---|---|---|",
    ]
    comments = dict(FIELD.findall(inspect.getsource(model)))
    for key, field in model.model_fields.items():
        kind = re.sub(
            r"(typing|datetime|pathlib)\.", "", inspect.formatannotation(field.annotation)
        )
        needed = field.is_required()
        default = "required" if needed else _toml(field.get_default(call_default_factory=True))
        cells = [f"`{key}`", f"`{kind}`", default, comments.get(key, "")]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return rows


def _toml(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        value = list(value)
    return f"`{value!r}`".replace("'", '"')


PAGES = {
    "contract.md": contract_page,
    "features.md": markdown,
    "configuration.md": configuration,
    "commands.md": commands,
}

if __name__ == "__main__":
    for page, text in PAGES.items():
        (DOCS / page).write_text(text(), encoding="utf-8")
