"""Write the generated pages of docs/: the contract, features, configuration, commands.

Run by `make docs`; a test compares the pages with what this would write.
"""

import inspect
import re
from pathlib import Path
from typing import Any

import click

from domain.contract_page import contract_page
from features.dictionary import markdown
from features.settings import Direction
from gridkeep.cli import group
from gridkeep.config import Config

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
    return "\n".join(parts)


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
        default = _toml(field.get_default(call_default_factory=True))
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
