"""The intake: sources -> clean contract tables under the output folder, or a report why not.

What was taken in before stays: when the sources only gained files, only those are read.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from domain.errors import BadInput, together
from domain.layout import Layout
from features.correction_files import correction_marks, corrections_among
from features.parts import INTAKE_FILE, Growth, IntakeRecord, growth, read_record, record_in
from features.quality.report import QualityReport, quality_path
from features.readers import growing, reader
from features.readers.batch import Delivered
from features.settings import SourceSettings

if TYPE_CHECKING:
    from features.corrections import Corrections
    from features.door.judge import Terms
    from features.door.passage import Passage
    from features.door.plan import Before, Place, Plan

__all__ = ["IntakeReport", "data_hashes", "is_current", "read_record", "take_in"]

READING_SHARE = 0.7  # of the work: reading and judging; the rest is sorting and writing
MEMORY = "300MB"  # of the sorting; beyond it, it spills to the output folder

Progress = Callable[[str, float], None]


def silent(step: str, done: float) -> None:
    """The progress that nobody watches."""


class IntakeReport(BaseModel):
    """What an intake found, and the record of the tables if it replaced them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quality: QualityReport
    record: IntakeRecord | None = None
    before: IntakeRecord | None = None  # of the tables that were there

    def require_sound(self) -> "IntakeReport":
        """Itself, or BadInput with every broken line of the contract."""
        if not self.quality.sound:
            raise BadInput(together(self.quality.broken))
        return self

    def growth(self, table: str, since: IntakeRecord | None = None) -> Growth:
        """The parts of a table that are new since a record, by default the one before.

        Without a record the contract was broken, and nothing is new.
        """
        return growth(since or self.before, self.record, table) if self.record else Growth((), ())


def take_in(
    settings: SourceSettings,
    folder: Path,
    layout: Layout,
    timezone: str = "UTC",
    progress: Progress = silent,
    memory: str = MEMORY,
    now: datetime | None = None,
    currency: str | None = None,
) -> IntakeReport:
    """Read what is new in the sources in `folder`, judge it and replace the tables, all or nothing.

    The tables and the report are those of a reading of everything. Rows that were corrected
    (`features.corrections`) are judged as corrected. When the contract is broken
    the old tables stay; quality report and quarantine are written either way. What happened after
    the bank's day at `now` (with its offset) is refused as in the future; `sources.data_until`
    goes before it, and without either every day is accepted. Transactions that name another
    currency than the bank's are refused; without `currency` none is. Raises BadInput only when
    the output folder cannot be written.
    """
    from features.corrections import Corrections
    from features.door.disk import STAGED, repair, workplace
    from features.door.judge import Terms
    from features.door.lateness import last_day
    from features.door.plan import Place

    with workplace(layout.root) as work:
        for target in (layout.tables, layout.quarantine):
            repair(target)
        terms = Terms(settings, timezone, currency, last_day(settings, timezone, now))
        place = Place(work, layout.root / STAGED, layout.tables, memory)
        corrections = Corrections(layout, timezone, terms.datums)
        return _Intake(terms, folder, layout, place, corrections, progress).run()


class _Intake:
    """One intake, inside its workplace."""

    def __init__(
        self,
        terms: "Terms",
        folder: Path,
        layout: Layout,
        place: "Place",
        corrections: "Corrections",
        progress: Progress,
    ) -> None:
        self._terms, self._folder, self._layout, self._place = terms, folder, layout, place
        self._progress = progress
        self._record = record_in(layout.tables)
        self._corrections = corrections

    def run(self) -> IntakeReport:
        """Read what the sources ask for; everything, when the tables cannot be grown after all."""
        from features.door.passage import Passage
        from features.door.plan import Outgrown, anew

        settings = self._terms.settings
        try:
            marks = reader(settings.reader).marks(settings, self._folder) | self._corrections.marks
            source = growing(settings.reader)
            order = source.deliveries(settings, self._folder) if source else []
        except BadInput as error:
            nothing = Passage(self._terms, anew([]), {}, self._place, self._corrections)
            with nothing.open():
                return self._end(nothing, str(error).splitlines(), {})
        plan, before = self._plan(order, marks)
        try:
            return self._pass(plan, marks, before)
        except Outgrown as why:
            return self._pass(anew(order, str(why)), marks, None)

    def _plan(
        self, order: Sequence[Delivered], marks: dict[str, str]
    ) -> "tuple[Plan, Before | None]":
        from features.door.held import altered, read_counts
        from features.door.plan import Before, anew, plan

        record, last = self._record, self._terms.last
        if record is None or not order or not record.ledger or record.terms != self._terms.hash:
            return anew(order, "the settings changed" if record and order else ""), None
        if corrections_among(record.source) != self._corrections.marks:
            return anew(order, "corrections changed"), None
        until = last.day if last else None
        if until is not None and (record.until is None or until < record.until):
            return anew(order, "the last day is an earlier one"), None
        changed = altered(self._layout.tables, record)
        if changed:
            return anew(order, f"tables/{changed} is not as it was written"), None
        before = Before(record.source, read_counts(self._layout.tables))
        return plan(order, marks, before, another_day=until != record.until), before

    def _pass(self, plan: "Plan", marks: dict[str, str], before: "Before | None") -> IntakeReport:
        import pyarrow as pa

        from features.door.passage import Passage

        if plan.why:
            self._progress(f"{plan.why}: reading all again", 0.0)
        record = self._record if before else None
        passage = Passage(self._terms, plan, marks, self._place, self._corrections, before, record)
        stopped = self._read(passage, plan)
        pa.default_memory_pool().release_unused()
        if not stopped:
            passage.settle(
                lambda step, done: self._progress(step, READING_SHARE + done * (1 - READING_SHARE))
            )
        return self._end(passage, stopped, marks)

    def _read(self, passage: "Passage", plan: "Plan") -> list[str]:
        """Why reading stopped, if it did."""
        from features.door.plan import share_read

        settings, zone = self._terms.settings, self._terms.timezone
        source = growing(settings.reader)
        wanted = [one for one in plan.order if passage.wants(one)]
        try:
            with passage.open():
                batches = (
                    source.read_some(settings, self._folder, zone, passage.turn_to)
                    if source
                    else reader(settings.reader).read(settings, self._folder, zone)
                )
                for batch in batches:
                    self._progress(
                        f"reading {batch.file}", READING_SHARE * share_read(batch, wanted)
                    )
                    passage.take(batch)
        except BadInput as error:
            return str(error).splitlines()
        return []

    def _end(self, passage: "Passage", stopped: list[str], marks: dict[str, str]) -> IntakeReport:
        """Write the report and the quarantine, and the tables when the contract holds."""
        from features.door.disk import put_in_place, write_text

        if stopped:
            passage.stop()
        quality = passage.report(stopped)
        write_text(quality_path(self._layout), quality.model_dump_json(indent=1), self._place.work)
        put_in_place(passage.quarantined, self._layout.quarantine)
        if not quality.sound:
            return IntakeReport(quality=quality, before=self._record)
        passage.keep_ledger()
        record = passage.written.record(self._terms, marks)
        text = record.model_dump_json(indent=1)
        write_text(passage.clean / INTAKE_FILE, text, self._place.work)
        put_in_place(passage.clean, self._layout.tables)
        self._progress("tables are in place", 1.0)
        return IntakeReport(quality=quality, record=record, before=self._record)


def is_current(
    settings: SourceSettings,
    folder: Path,
    layout: Layout,
    timezone: str | None = None,
    currency: str | None = None,
) -> bool:
    """Whether the tables were made from these sources as they are now (and this time zone)."""
    from features.door.judge import Terms

    record = record_in(layout.tables)
    if record is None:
        return False
    if any(not (layout.tables / part.file).is_file() for part in record.parts):
        return False
    try:
        marks = reader(settings.reader).marks(settings, folder) | correction_marks(layout)
    except BadInput:
        return False
    zone, money = timezone or record.timezone, currency or record.currency
    return record.fingerprint == Terms(settings, zone, money).fingerprint(marks)


def data_hashes(layout: Layout) -> dict[str, str]:
    """Hash of the rows of every table in place, as models record what they were trained on."""
    return dict(read_record(layout).data_hashes)
