"""What a training adds for the time ahead, on a small bank."""

from datetime import datetime, timedelta
from pathlib import Path

import ibis
import pandas as pd
import pytest

from domain.cutoffs import cutoff_instant
from features.engine import open_tables
from features.settings import LabelSettings, ValueSettings
from features.simulation import simulate
from training.outlook.ahead import NO_VALUE, Outlook, Source, look_ahead
from training.report import silent
from training.settings import RetentionSettings

SETTINGS = RetentionSettings(
    rounds=10,
    folds=2,
    bootstrap=20,
    train_cutoffs=2,
    evaluate_cutoffs=1,
    horizons=(20, 60),
    horizon_kinds=("balance_attrition",),
)


def ahead(tables, bank, folder: Path, settings=SETTINGS, value=None):
    folder.mkdir()
    source = Source(tables, bank.cells, settings, folder, silent)
    return source, look_ahead(source, bank.label, value or ValueSettings())


@pytest.fixture(scope="module")
def found(small_bank, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ahead") / "one"
    return ahead(small_bank.tables, small_bank, folder, value=ValueSettings(learn=True))


def plan_of(source: Source, label: LabelSettings):
    return source.plan(label.model_copy(update={"outcome_days": SETTINGS.horizons[-1]}))


def test_nothing_is_learned_where_nothing_is_asked_for(small_bank, tmp_path) -> None:
    none = SETTINGS.model_copy(update={"horizons": ()})
    _, outlook = ahead(small_bank.tables, small_bank, tmp_path / "none", none)
    assert outlook == Outlook()


def test_no_model_of_the_time_ahead_reads_a_protected_feature(found) -> None:
    assert len(found[1].files) > 1
    assert not [name for name, text in found[1].files.items() if "age_years" in text]


def test_the_longest_horizon_is_over_when_the_first_cutoff_judges(found, small_bank) -> None:
    plan = plan_of(found[0], small_bank.label)
    ahead_days = timedelta(small_bank.label.gap_days + SETTINGS.horizons[-1])
    assert max(plan.train) + ahead_days <= min(plan.evaluate)


def test_what_happens_from_the_first_cutoff_that_judges_on_teaches_nothing(
    found, small_bank, tmp_path
) -> None:
    source, outlook = found
    start = cutoff_instant(plan_of(source, small_bank.label).evaluate[0], "Asia/Shanghai")
    rows = small_bank.tables.transactions
    late = rows.posted_at >= ibis.literal(start)
    broke = rows.mutate(balance_after=late.ifelse(0.0, rows.balance_after))
    other = small_bank.tables._replace(transactions=broke)
    _, changed = ahead(other, small_bank, tmp_path / "other")
    assert changed.files == outlook.files
    assert not changed.tables["horizons"].equals(outlook.tables["horizons"])


def test_a_short_history_says_why_there_is_no_margin_model(found) -> None:
    assert found[1].notes == (NO_VALUE,)
    assert set(found[1].tables) == {"horizons"}


def test_kinds_that_cannot_be_learned_are_a_note_and_no_failure(small_bank, tmp_path) -> None:
    few = SETTINGS.model_copy(update={"min_positives": 10_000})
    _, outlook = ahead(small_bank.tables, small_bank, tmp_path / "few", few)
    assert not outlook.files
    assert "no model by horizon of balance_attrition" in outlook.notes[0]


def test_three_years_give_a_margin_model_and_its_measured_coverage(tmp_path) -> None:
    simulate(tmp_path / "bank", 400, 36, 3)
    ids = pd.read_parquet(tmp_path / "bank" / "customers.parquet")["customer_id"]
    tables = open_tables(tmp_path / "bank", timezone="Asia/Shanghai")
    cells = pd.DataFrame({"customer_id": ids, "cell_id": "c"})
    none = SETTINGS.model_copy(update={"horizons": ()})
    source = Source(tables, cells, none, tmp_path, silent)
    outlook = look_ahead(source, LabelSettings(), ValueSettings(learn=True))
    assert set(outlook.files) == {
        "value.json",
        *(f"value_{p}.txt" for p in ("any", "much", "low", "high")),
    }
    table = outlook.tables["value"]
    plan_day = datetime.strptime(table["as_of"][0], "%Y-%m-%d")
    assert plan_day + timedelta(days=365) <= datetime(2027, 1, 1)
    assert 0.6 < outlook.metrics["value_coverage"] <= 1
    assert outlook.metrics["value_coverage"] == table["coverage"].iloc[-1]
    assert f"held {outlook.metrics['value_coverage']:.1%}" in outlook.notes[0]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"horizons": (90, 30)}, "horizons must rise"),
        ({"horizons": (30, 30)}, "horizons must rise"),
        ({"horizons": (0, 30)}, "from 1 day on"),
        ({"horizon_kinds": ("closed", "closed")}, "names one kind twice"),
        ({"horizon_kinds": ("gone",)}, "horizon_kinds"),
    ],
)
def test_horizons_that_mean_nothing_are_refused(keys, told) -> None:
    with pytest.raises(ValueError, match=told):
        RetentionSettings.model_validate(keys)
