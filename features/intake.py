"""The intake: sources -> clean contract tables under the output folder, or a report why not."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.errors import BadInput
from domain.layout import Layout
from domain.tables import CONTRACTS
from features.correction_files import correction_marks
from features.quality import QualityReport, quality_path
from features.readers import reader
from features.readers.batch import Batch, sha256
from features.settings import SourceSettings

if TYPE_CHECKING:
    from features.controls import Controls
    from features.corrections import Corrections
    from features.door.passage import Passage

INTAKE_FILE = "intake.json"
READING_SHARE = 0.7  # of the work: reading and judging; the rest is sorting and writing
FORM_OF_TABLES = 2  # raised when the same sources would give other tables

Progress = Callable[[str, float], None]


def silent(step: str, done: float) -> None:
    """The progress that nobody watches."""


class TableRecord(BaseModel):
    """One clean table: its rows and the SHA-256 of its bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    sha256: str


class IntakeRecord(BaseModel):
    """`tables/intake.json`: what the tables are and from what they were made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reader: str
    timezone: str
    source: dict[str, str]  # file or database table -> mark of its content
    fingerprint: str  # of all of the above and the settings
    tables: dict[str, TableRecord]
    data_hashes: dict[str, str]  # table -> SHA-256, as models record it


class IntakeReport(BaseModel):
    """What an intake found, and the record of the tables if it replaced them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quality: QualityReport
    record: IntakeRecord | None = None

    def require_sound(self) -> "IntakeReport":
        """Itself, or BadInput with every broken line of the contract."""
        if not self.quality.sound:
            raise BadInput("\n".join(self.quality.broken))
        return self


def take_in(
    settings: SourceSettings,
    folder: Path,
    layout: Layout,
    timezone: str = "UTC",
    progress: Progress = silent,
    memory: str = "2GB",
    now: datetime | None = None,
) -> IntakeReport:
    """Read the sources in `folder`, judge every row and replace the tables, all or nothing.

    When the contract is broken the old tables stay; quality report and quarantine are written
    either way. What happened after the bank's day at `now` (with its offset) is refused as in
    the future; `sources.data_until` goes before it, and without either every day is accepted.
    Raises BadInput only when the output folder cannot be written.
    """
    from features.controls import Controls
    from features.corrections import Corrections
    from features.door.disk import put_in_place, repair, workplace, write_text
    from features.door.lateness import last_day
    from features.door.passage import Passage

    with workplace(layout.root) as work:
        for target in (layout.tables, layout.quarantine):
            repair(target)
        passage = Passage(settings, timezone, work, memory, last_day(settings, timezone, now))
        corrections, controls = Corrections(layout, timezone), Controls()
        marks, stopped = _read(passage, corrections, controls, settings, folder, timezone, progress)
        if not stopped:
            passage.settle(
                lambda step, done: progress(step, READING_SHARE + done * (1 - READING_SHARE))
            )
        quality = passage.tally.report(settings, stopped)
        if not stopped:
            said = (*quality.findings, *corrections.unused())
            totals = controls.totals(passage.quarantined, passage.form_of)
            quality = quality.model_copy(update={"findings": said, "controls": totals})
        write_text(quality_path(layout), quality.model_dump_json(indent=1), work)
        put_in_place(passage.quarantined, layout.quarantine)
        if not quality.sound:
            return IntakeReport(quality=quality)
        record = _record(settings, timezone, marks, passage.clean)
        write_text(passage.clean / INTAKE_FILE, record.model_dump_json(indent=1), work)
        put_in_place(passage.clean, layout.tables)
        progress("tables are in place", 1.0)
        return IntakeReport(quality=quality, record=record)


def is_current(
    settings: SourceSettings, folder: Path, layout: Layout, timezone: str | None = None
) -> bool:
    """Whether the tables were made from these sources as they are now (and this time zone)."""
    try:
        record = read_record(layout)
        if any(not (layout.tables / f"{name}.parquet").is_file() for name in CONTRACTS):
            return False
        zone = record.timezone if timezone is None else timezone
        marks = reader(settings.reader).marks(settings, folder) | correction_marks(layout)
    except BadInput:
        return False
    return record.fingerprint == _fingerprint(settings, zone, marks)


def read_record(layout: Layout) -> IntakeRecord:
    """The record of the tables in place; BadInput when there are none."""
    path = layout.tables / INTAKE_FILE
    try:
        return IntakeRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise BadInput(
            f"no tables in {layout.tables.as_posix()}; run `gridkeep check` first"
        ) from error


def data_hashes(layout: Layout) -> dict[str, str]:
    """SHA-256 of every table in place, as models record what they were trained on."""
    return dict(read_record(layout).data_hashes)


def _read(
    passage: "Passage",
    corrections: "Corrections",
    controls: "Controls",
    settings: SourceSettings,
    folder: Path,
    timezone: str,
    progress: Progress,
) -> tuple[dict[str, str], list[str]]:
    """Marks of the sources, and why reading stopped if it did."""
    source = reader(settings.reader)
    with passage.open():
        try:
            marks = source.marks(settings, folder) | corrections.marks
            for batch in source.read(settings, folder, timezone):
                progress(f"reading {batch.file}", READING_SHARE * _share(batch))
                for corrected in corrections.applied(batch, passage.form(batch)):
                    controls.count(corrected, passage.form(corrected))
                    passage.take(corrected)
        except BadInput as error:
            return {}, str(error).splitlines()
    return marks, []


def _share(batch: Batch) -> float:
    """Share of the reading that is done: transactions are most of it, and come in their place."""
    tables = list(CONTRACTS)
    weights = [8.0 if name == "transactions" else 0.5 for name in tables]
    at = tables.index(batch.table)
    return (sum(weights[:at]) + weights[at] * batch.done) / sum(weights)


def _record(
    settings: SourceSettings, timezone: str, marks: dict[str, str], clean: Path
) -> IntakeRecord:
    import pyarrow.parquet as pq

    paths = {name: clean / f"{name}.parquet" for name in CONTRACTS}
    tables = {
        name: TableRecord(rows=pq.read_metadata(path).num_rows, sha256=sha256(path))
        for name, path in paths.items()
    }
    return IntakeRecord(
        reader=settings.reader,
        timezone=timezone,
        source=marks,
        fingerprint=_fingerprint(settings, timezone, marks),
        tables=tables,
        data_hashes={name: table.sha256 for name, table in tables.items()},
    )


def _fingerprint(settings: SourceSettings, timezone: str, marks: dict[str, str]) -> str:
    said = [FORM_OF_TABLES, settings.model_dump_json(), timezone, sorted(marks.items())]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
