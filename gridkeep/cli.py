"""The `gridkeep` command: parse, call one function, print its result.

Exit codes: 0 fine, 1 bad input or configuration, 2 a monitored condition, 3 a bug of ours,
143 ended by SIGTERM (`serve`, once it answers: 0).
Everything heavy is imported inside the verb, so that `--help` answers at once.
"""

import json
import signal
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any

import click

from domain.errors import BadInput

MODELS = click.Choice(["retention", "segmentation"])
READERS = click.Choice(["simulated", "berka", "complete_journey", "telco", "tables"])


class Day(click.ParamType):  # type: ignore[type-arg]
    """A calendar day, YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day of an ISO text."""
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day; write it as 2026-01-31", param, ctx)


DAY = Day()


def verb(example: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A sub-command with --config, --json and an example at the foot of its help."""

    def wrap(function: Callable[..., Any]) -> click.Command:
        function = click.option("--json", "as_json", is_flag=True, help="Result as JSON.")(function)
        function = click.option(
            "--config",
            "path",
            type=click.Path(path_type=Path, dir_okay=False),
            default=Path("gridkeep.toml"),
            show_default=True,
            help="The configuration file.",
        )(function)
        name = function.__name__.removesuffix("_")
        return group.command(name, epilog=f"\b\nExample:\n  {example}")(function)

    return wrap


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="gridkeep")
def group() -> None:
    """Customer features, segments, retention, scores and drift, cell by cell.

    Start with `gridkeep demo`, or with `gridkeep init` for a bank of your own.
    """


@verb("gridkeep demo --out demo")
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True)
@click.option("--customers", type=click.IntRange(200), default=20_000, show_default=True)
@click.option("--months", type=click.IntRange(15), default=24, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def demo(path: Path, as_json: bool, **options: Any) -> None:
    """Simulate a bank, run every step on it, and say what to open next."""
    from gridkeep.demo import run_demo

    _answer(run_demo(**options, progress=_progress()), as_json)


@verb("gridkeep init --reader berka")
@click.option("--reader", type=READERS, default="tables", show_default=True)
def init(path: Path, as_json: bool, reader: str) -> None:
    """Start a gridkeep.toml with comments."""
    from gridkeep.templates import write_template

    _answer(write_template(path, reader), as_json)


@verb("gridkeep simulate --out bank --customers 20000 --months 24 --seed 1")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="An empty folder.")
@click.option("--customers", type=click.IntRange(1), default=20_000, show_default=True)
@click.option("--months", type=click.IntRange(1), default=24, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def simulate(path: Path, as_json: bool, **options: Any) -> None:
    """Write a synthetic bank with known truth."""
    from gridkeep.verbs import simulate_bank

    _answer(simulate_bank(**options, progress=_progress()), as_json)


@verb("gridkeep check --config bank/gridkeep.toml")
@click.option(
    "--replay",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="An edited quarantine/TABLE.csv: rows whose content was corrected enter the tables.",
)
def check(path: Path, as_json: bool, replay: Path | None) -> None:
    """Validate the sources and measure the tables; exit 1 when a contract is broken."""
    from gridkeep.verbs import check_sources

    result = check_sources(_config(path), replay, _progress())
    _answer(result, as_json)
    if result.broken:
        sys.exit(1)


@verb("gridkeep partition --valid-from 2026-01-01")
@click.option("--valid-from", type=DAY, help="First day of the version [default: end of data].")
@click.option(
    "--from",
    "previous",
    metavar="VERSION",
    help="Keep the cells of this version where the rule allows, and tell what changed.",
)
def partition(path: Path, as_json: bool, valid_from: date | None, previous: str | None) -> None:
    """Build a grid version: a cell for every customer, a map, and what changed."""
    from gridkeep.verbs import partition_bank

    _answer(partition_bank(_config(path), valid_from, _progress(), previous), as_json)


@verb("gridkeep features --as-of 2026-01-01 --as-of 2026-02-01 --out features.parquet")
@click.option("--as-of", type=DAY, multiple=True, help="Cut-off; repeatable.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A .parquet file.")
@click.option("--explain", "name", metavar="NAME", help="Tell of one feature; writes no --out.")
def features(
    path: Path, as_json: bool, as_of: tuple[date, ...], out: Path | None, name: str | None
) -> None:
    """One row per (customer, cut-off), or with --explain what is to be known of one feature."""
    if name is not None:
        from gridkeep.verbs import explain_feature

        if out is not None or len(as_of) > 1:
            raise click.UsageError("--explain NAME takes no --out and at most one --as-of")
        config = _config(path) if path.is_file() or as_of else None
        _answer(explain_feature(config, name, *as_of, progress=_progress()), as_json)
        return
    if not as_of or out is None:
        missing = "--as-of DATE" if not as_of else "--out FILE"
        raise click.UsageError(f"{missing} is missing; or explain a feature with --explain NAME")
    config = _config_of_tables(path)
    from gridkeep.verbs import build_features

    _answer(build_features(config, list(as_of), out, _progress()), as_json)


@verb("gridkeep train retention")
@click.argument("name", type=MODELS, required=False)
@click.option("--trials", type=click.IntRange(0), default=0, help="Parameter sets to search.")
@click.option(
    "--reproduce",
    metavar="RUN",
    help="Make a run (its id, or retention:3) again, compare the bytes, register nothing.",
)
@click.option(
    "--register",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Register a trained model that was kept because the store went away.",
)
def train(
    path: Path,
    as_json: bool,
    name: str | None,
    trials: int,
    reproduce: str | None,
    folder: Path | None,
) -> None:
    """Train, evaluate on later cut-offs, log and register a model.

    A search that was killed goes on with the trials it had. With --reproduce exit 1 when a file
    of the bundle is not the same.
    """
    if reproduce is not None or folder is not None:
        if name or trials or (reproduce and folder):
            raise click.UsageError("--reproduce RUN and --register FOLDER each stand alone")
        _train_nothing(path, as_json, reproduce, folder)
        return
    if name is None:
        raise click.UsageError("name a model: gridkeep train retention")
    config = _config_of_tables(path)
    from gridkeep.verbs import train_model

    _answer(train_model(config, name, trials, _progress()), as_json)


def _train_nothing(path: Path, as_json: bool, run: str | None, folder: Path | None) -> None:
    from gridkeep.reproductions import register_kept, reproduce_run

    if folder is not None:
        _answer(register_kept(_config(path), folder), as_json)
        return
    result = reproduce_run(_config(path), str(run), _progress())
    _answer(result, as_json)
    if not result.equal:
        sys.exit(1)


@verb("gridkeep models --history")
@click.option("--history", is_flag=True, help="Who moved which alias, when and why, verified.")
def models(path: Path, as_json: bool, history: bool) -> None:
    """List the registered versions, or every move of an alias; exit 1 when that chain is broken."""
    if history:
        from gridkeep.promotions import list_history

        told = list_history(_config(path))
        _answer(told, as_json)
        if told.broken:
            sys.exit(1)
        return
    from gridkeep.verbs import list_versions

    _answer(list_versions(_config(path)), as_json)


@verb("gridkeep promote retention 2 --validator bob")
@click.argument("name", type=MODELS)
@click.argument("version", type=int)
@click.option("--validator", default="", metavar="NAME", help="Who looked at it: not the trainer.")
@click.option(
    "--override", metavar="REASON", help="Promote although the gate refuses; the reason is kept."
)
def promote(
    path: Path, as_json: bool, name: str, version: int, validator: str, override: str | None
) -> None:
    """Judge a version against the champion on the same rows; move `champion` if it passes.

    The verdict is a table of checks, kept with the version. Exit 1 when the gate refuses.
    """
    from gridkeep.promotions import promote_version

    result = promote_version(_config(path), name, version, validator, override, _progress())
    _answer(result, as_json)
    if result.refused:
        sys.exit(1)


@verb("gridkeep card retention 2 --out card")
@click.argument("name", type=MODELS)
@click.argument("version", type=int)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A folder."
)
def card(path: Path, as_json: bool, name: str, version: int, out: Path) -> None:
    """Write the model card of a version: what it is for, is made of and is worth, and its limits.

    It tells no figure about fewer than publication.customers_min customers.
    """
    from gridkeep.cards import write_card

    _answer(write_card(_config(path), name, str(version), out), as_json)


@verb("gridkeep rollback retention")
@click.argument("name", type=MODELS)
def rollback(path: Path, as_json: bool, name: str) -> None:
    """Put the last champion back."""
    from gridkeep.promotions import roll_back

    _answer(roll_back(_config(path), name), as_json)


@verb("gridkeep score --as-of 2026-01-01 --out scores.parquet")
@click.option("--as-of", type=DAY, required=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="A .parquet file.",
)
def score(path: Path, as_json: bool, as_of: date, out: Path) -> None:
    """Batch scores of every customer; a killed run continues where it stood."""
    config = _config_of_tables(path)
    from gridkeep.verbs import score_bank

    _answer(score_bank(config, as_of, out, _progress()), as_json)


@verb("gridkeep segments --as-of 2026-01-01 --out segments")
@click.option("--as-of", type=DAY, required=True)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A folder."
)
def segments(path: Path, as_json: bool, as_of: date, out: Path) -> None:
    """Customers by segment and how each is served, who moved, who will go up or down a tier."""
    from gridkeep.segments import segment_bank

    _answer(segment_bank(_config(path), as_of, out, _progress()), as_json)


@verb("gridkeep serve --port 3000")
@click.option("--host", help="Address to bind [default: 127.0.0.1].")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: 3000]")
@click.option("--as-of", type=DAY, help="Cut-off of looked-up features [default: the latest].")
def serve(
    path: Path, as_json: bool, host: str | None, port: int | None, as_of: date | None
) -> None:
    """Answer POST /v1/score until stopped by Ctrl-C or SIGTERM, which is exit code 0."""
    from gridkeep.verbs import serve_scores

    def ready(address: str) -> None:
        click.echo(f"scores at {address}/v1/score; stop with Ctrl-C", err=True)

    code = serve_scores(_config(path), host, port, as_of, _progress(), ready)
    sys.exit(3 if code else 0)


@verb("gridkeep monitor --as-of 2026-01-01")
@click.option("--as-of", type=DAY, required=True)
@click.option("--reference", type=DAY, help="Cut-off to compare with [default: the model's].")
def monitor(path: Path, as_json: bool, as_of: date, reference: date | None) -> None:
    """Compare a month with the reference in every cell; exit 2 when one is flagged."""
    config = _config_of_tables(path)
    from gridkeep.verbs import monitor_cells

    result = monitor_cells(config, as_of, reference, _progress())
    _answer(result, as_json)
    if result.flagged:
        sys.exit(2)


@verb("gridkeep ui --port 5000")
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
def ui(path: Path, as_json: bool, port: int) -> None:
    """Open the MLflow UI on the embedded store."""
    from gridkeep.mlflow_ui import open_ui

    open_ui(_config(path), port)


class Stopped(SystemExit):
    """SIGTERM, as what unwinds the stack: everything half-written is removed on the way."""


def main() -> None:
    """Run the command; turn every failure into one message and an exit code."""
    before = signal.signal(signal.SIGTERM, _unwind)
    try:
        _run()
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _unwind(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not break off the tidying up
    raise Stopped(128 + number)


def _run() -> None:
    try:
        try:
            group(standalone_mode=False)
        finally:
            _end_progress()
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except Stopped:
        click.echo("stopped; nothing half-written was left", err=True)
        raise
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; nothing half-written was left", err=True)
        sys.exit(1)
    except BadInput as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 (the last net: a bug of ours is exit 3)
        _report_bug(error)
        sys.exit(3)


def _end_progress() -> None:
    if show := sys.modules.get("gridkeep.show"):
        show.Progress.end()


def _report_bug(error: Exception) -> None:
    import os
    import traceback

    from domain.model_store import redacted

    if os.environ.get("GRIDKEEP_TRACEBACK"):
        click.echo(redacted("".join(traceback.format_exception(error))), err=True)
    click.echo(
        f"this is a bug of gridkeep: {type(error).__name__}: {redacted(str(error))}\n"
        "set GRIDKEEP_TRACEBACK=1 and run it again to see where",
        err=True,
    )


def _config(path: Path) -> Any:
    from gridkeep.config import load_config

    return load_config(path)


def _config_of_tables(path: Path) -> Any:
    """For verbs that read the tables: they are hashed while the rest of the program loads."""
    config = _config(path)
    from features.parts import hash_ahead

    hash_ahead(config.layout.tables)
    return config


def _progress() -> Callable[[str, float], None]:
    from gridkeep.show import Progress

    return Progress()


def _answer(result: Any, as_json: bool) -> None:
    from gridkeep.show import plain, show

    if as_json:
        click.echo(json.dumps(plain(result), ensure_ascii=False, indent=1, allow_nan=False))
    else:
        show(result)
