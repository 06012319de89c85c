import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from domain.bundle import ModelCard, bundle_digest
from domain.cutoffs import months_before
from domain.errors import BadInput
from features.engine import Tables
from features.registry import FEATURES, features_hash
from features.settings import LabelSettings
from training.evaluation.campaign import Worth
from training.evaluation.later import Judged, beaten_by
from training.evaluation.metrics import Estimate, Evaluation
from training.report import TrainReport, git_revision
from training.rows.frames import labelled_rows
from training.segments.champion import champion_segments, champion_trees, read_scheme
from training.settings import RetentionSettings, TrackingSettings
from training.store.bundle import seal
from training.store.rival import rival_of
from training.tracking import Store
from training.train import train_retention


class Trained:
    """A store with two retention versions and one segmentation, and their reports."""

    def __init__(self, folder: Path, train: Callable[..., TrainReport]) -> None:
        self.folder = folder
        self.first = train("retention", folder, protected=())
        self.second = train("retention", folder, num_leaves=3, rolling_origins=9)
        self.segments = train("segmentation", folder)
        self.store = Store(TrackingSettings(), folder)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, train: Callable[..., Any]) -> Trained:
    return Trained(tmp_path_factory.mktemp("store"), train)


def test_versions_are_registered_champion_first(trained: Trained) -> None:
    assert (trained.first.version, trained.first.alias) == ("1", "champion")
    assert (trained.second.version, trained.second.alias) == ("2", "challenger")
    assert (trained.segments.version, trained.segments.alias) == ("1", "champion")


def test_a_later_version_is_judged_beside_the_champion_on_the_same_rows(trained: Trained) -> None:
    assert "champion" not in trained.first.baselines
    ours, theirs = trained.second.metrics["auc"], trained.second.baselines["champion"]["auc"]
    assert theirs == trained.first.metrics["auc"]
    difference = trained.second.differences["champion"]["auc"]
    assert difference.value == pytest.approx(ours.value - theirs.value)
    record = trained.store.client.get_model_version("gridkeep-retention", "2")
    assert record.tags["gridkeep.compared_with"] == "1"


def test_the_embargo_holds_on_the_bank(trained: Trained, small_bank: Any) -> None:
    ahead = timedelta(small_bank.label.gap_days + small_bank.label.outcome_days)
    report = trained.first
    assert max(report.trained_as_of) + ahead <= min(report.evaluated_as_of)


def test_a_run_holds_the_models_of_earlier_days_where_that_was_asked(trained: Trained) -> None:
    table = pd.read_csv(Path(trained.second.artifacts) / "evaluation" / "rolling.csv")
    assert table["as_of"].tolist() == [str(day) for day in trained.second.evaluated_as_of]
    # the same rows taught the same trees: the figure is that of the model itself
    assert table["auc"][0] == pytest.approx(trained.second.metrics["auc"].value)
    assert "plots/rolling.png" in trained.second.plots
    assert not (Path(trained.first.artifacts) / "evaluation" / "rolling.csv").exists()


def test_a_run_says_why_of_all_and_of_each_cell(trained: Trained) -> None:
    folder = Path(trained.first.artifacts) / "evaluation"
    features, cells = pd.read_csv(folder / "why.csv"), pd.read_csv(folder / "cell_why.csv")
    assert features["strength"].is_monotonic_decreasing
    assert features["feature"].is_unique
    assert cells["text"].str.len().between(5, 110).all()
    assert set(cells["feature"]) <= set(features["feature"])


def test_a_protected_feature_is_learned_from_only_where_the_settings_say_so(
    trained: Trained,
) -> None:
    read = {}
    for report in (trained.first, trained.second):
        manifest = json.loads((Path(report.artifacts) / "model" / "manifest.json").read_text())
        read[report.version] = {column["name"] for column in manifest["columns"]}
    assert read["1"] - read["2"] == {"age_years"}
    folder = Path(trained.second.artifacts) / "evaluation"
    assert "age_years" not in set(pd.read_csv(folder / "why.csv")["feature"])
    bands = pd.read_csv(folder / "fairness.csv").query("attribute == 'age'")
    assert len(bands) > 1  # it still says how ages fare


@pytest.mark.parametrize("which", ["first", "segments"])
def test_the_artifacts_are_complete_and_hold_no_pickle(trained: Trained, which: str) -> None:
    report = getattr(trained, which)
    root = Path(report.artifacts)
    hashes = json.loads((root / "model" / "hashes.json").read_text())
    assert bundle_digest(hashes) == report.digest
    assert {"model.txt", "manifest.json", "card.json", "profile.parquet"} <= set(hashes)
    assert {"calibration.json", "next_quarter.txt"} & set(hashes)
    for plot in report.plots:
        assert (root / plot).read_bytes().startswith(b"\x89PNG")
    every = [file for file in (trained.folder / "mlruns").rglob("*") if file.is_file()]
    kinds = {file.suffix for file in every}
    assert kinds <= {".txt", ".json", ".parquet", ".png", ".csv", ".db"}
    # a pickle by any other name begins with its protocol
    assert not [file for file in every if file.read_bytes()[:2] in (b"\x80\x04", b"\x80\x05")]


def test_the_card_says_what_scoring_needs(trained: Trained) -> None:
    text = (Path(trained.first.artifacts) / "model" / "card.json").read_text()
    card = ModelCard.model_validate_json(text)
    assert card.grid_version == "grid-00000000"
    assert card.data_hashes == {"transactions": "f00d"}
    assert card.value_feature == "balance_usual"
    assert card.risk_edges is not None
    assert 0 < card.risk_edges[0] < card.risk_edges[1] < 1
    assert card.metrics["auc"] == trained.first.metrics["auc"].value
    assert card.profile_as_of == trained.first.evaluated_as_of[-1]


def test_the_card_seals_its_tables_and_tells_the_figures_of_its_rivals(trained: Trained) -> None:
    for report in (trained.second, trained.segments):
        root = Path(report.artifacts)
        card = ModelCard.model_validate_json((root / "model" / "card.json").read_text())
        on_disk = {
            file.name: hashlib.sha256(file.read_bytes()).hexdigest()
            for file in (root / "evaluation").iterdir()
        }
        assert card.table_hashes == on_disk
        assert {"metrics.json"} < set(on_disk)
        for rival, figures in report.baselines.items():
            for name, (value, low, high) in figures.items():
                key = f"{rival.replace(' ', '_')}_{name}"
                told = [card.metrics[f"{key}{end}"] for end in ("", "_low", "_high")]
                assert told == [value, low, high]


def test_the_card_is_the_evidence_and_names_the_definitions(trained: Trained) -> None:
    for report in (trained.first, trained.second, trained.segments):
        text = (Path(report.artifacts) / "model" / "card.json").read_text()
        card = ModelCard.model_validate_json(text)
        assert card.features_hash == features_hash()
        assert card.notes == report.notes
        assert card.judged_on.startswith(str(report.evaluated_as_of[0]))
        assert card.compared_with == ("1" if report is trained.second else None)


def test_a_short_history_says_that_long_windows_are_partly_empty(
    trained: Trained, small_bank: Any
) -> None:
    begins = pd.Timestamp(small_bank.tables.transactions.posted_at.min().execute()).date()
    for report in (trained.first, trained.segments):
        days = {*report.trained_as_of, *report.evaluated_as_of}
        short = sum(day < begins + timedelta(365) for day in days)
        told = [note for note in report.notes if "long windows are partly empty" in note]
        assert len(told) == bool(short)
        assert all(note.startswith(f"{short} of {len(days)} ") for note in told)
    assert trained.first.notes


def test_a_baseline_that_beats_the_model_is_named_with_its_figures(trained: Trained) -> None:
    def found(auc: float, log_loss: float, precision: float) -> dict[str, Estimate]:
        values = {"auc": auc, "log_loss": log_loss, "average_precision": precision}
        return {name: Estimate(value, value, value) for name, value in values.items()}

    others = {
        "recency rule": found(0.7, 0.1, 0.2),
        "logistic regression": found(0.8, 0.2, 0.3),
        "champion": found(0.9, 0.1, 0.9),
    }
    behind = {"log_loss": Estimate(0.1, 0.05, 0.15)}  # ours less theirs
    evaluation = Evaluation(found(0.8, 0.2, 0.3), others, {"recency rule": behind})
    empty = pd.DataFrame()
    no_worth = Worth({}, "", "CNY", None, empty, empty)
    judged = Judged(empty, {}, evaluation, empty, empty, no_worth)
    assert beaten_by(judged) == ["the recency rule beats the model: log loss 0.1 against 0.2"]
    for unsure in ({}, {"log_loss": Estimate(0.1, -0.01, 0.2)}):
        evaluation.differences["recency rule"] = unsure
        assert beaten_by(judged) == [
            "the recency rule is ahead by what may be chance: log loss 0.1 against 0.2"
        ]
    for name, theirs in trained.first.baselines.items():
        better = theirs["auc"].value > trained.first.metrics["auc"].value
        said = [note for note in trained.first.notes if f"the {name} " in note]
        assert better <= bool(said)


def test_a_run_holds_the_money_of_a_campaign(trained: Trained) -> None:
    first, second = trained.first, trained.second
    root = Path(second.artifacts)
    card = ModelCard.model_validate_json((root / "model" / "card.json").read_text())
    for metric in ("empc", "profit_per_customer"):
        ours, theirs = second.metrics[metric], first.metrics[metric]
        assert second.baselines["champion"][metric] == theirs
        assert (
            card.metrics[f"{metric}_low"] <= card.metrics[metric] <= card.metrics[f"{metric}_high"]
        )
        difference = card.metrics[f"versus_champion_{metric}"]
        assert difference == pytest.approx(ours.value - theirs.value)
        assert card.metrics[f"versus_champion_{metric}_low"] <= difference
    assert card.metrics["threshold"] == second.campaign["threshold"] == pytest.approx(11 / 67)
    assert 0 <= card.metrics["contact_share"] <= 1
    assert card.settings["profit"]["customer_value"] == 200
    assert card.settings["profit"]["currency"] == "CNY"
    assert card.notes[0].startswith("a campaign ")
    stored = trained.store.client.get_run(second.run_id).data.metrics
    assert {name: stored[name] for name in second.campaign} == dict(second.campaign)


def test_the_profit_and_lift_tables_of_a_run_name_every_ranking(trained: Trained) -> None:
    root = Path(trained.second.artifacts)
    rankings = ["model", *trained.second.baselines]
    for name, figures in {"profit": "profit_per_customer", "lift": "lost_share"}.items():
        table = pd.read_csv(root / "evaluation" / f"{name}.csv")
        assert table["ranking"].unique().tolist() == rankings
        everybody = table[table["share"] == 1]
        assert everybody[figures].nunique() == 1  # whoever ranks, in the end all are contacted
    assert "plots/profit.png" in trained.second.plots


def test_the_same_tables_give_the_same_model_byte_for_byte(
    trained: Trained, train: Callable[..., TrainReport], tmp_path: Path
) -> None:
    again = train("retention", tmp_path, protected=())
    assert again.digest == trained.first.digest


def git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *words]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_revision_is_that_of_the_code_that_runs(tmp_path: Path) -> None:
    home = tmp_path / "gridkeep"
    (home / "training").mkdir(parents=True)
    (home / "training" / "train.py").write_text("")
    (home / "pyproject.toml").write_text("")
    assert git_revision(home) == "unknown"
    git(home, "init", "-q")
    assert git_revision(home) == "unknown"
    git(home, "add", ".")
    git(home, "commit", "-q", "-m", "one")
    commit = git(home, "rev-parse", "HEAD")
    assert git_revision(home) == commit
    (home / "notes.txt").write_text("not code")
    (home / "scratch.py").write_text("not ours")
    assert git_revision(home) == commit
    (home / "training" / "deep").mkdir()
    (home / "training" / "deep" / "new.py").write_text("")
    assert git_revision(home) == f"{commit}-changed"
    shutil.rmtree(home / "training" / "deep")
    (home / "training" / "train.py").write_text("x = 1")
    assert git_revision(home) == f"{commit}-changed"


def test_a_copy_within_another_repository_has_no_revision(tmp_path: Path) -> None:
    inner = tmp_path / "theirs" / "site-packages"
    (inner / "training").mkdir(parents=True)
    (inner / "pyproject.toml").write_text("")
    git(tmp_path / "theirs", "init", "-q")
    git(tmp_path / "theirs", "add", ".")
    git(tmp_path / "theirs", "commit", "-q", "-m", "one")
    assert git_revision(inner) == "unknown"


def test_the_profile_is_everyone_at_the_last_cutoff_without_ids(
    trained: Trained, small_bank: Any
) -> None:
    root = Path(trained.first.artifacts) / "model"
    found = pd.read_parquet(root / "profile.parquet")
    assert "customer_id" not in found.columns
    assert list(found.columns) == [
        "cell_id",
        *[name for name, known in FEATURES.items() if known.monitored],
        "weight",
    ]
    day = trained.first.evaluated_as_of[-1]
    rows = labelled_rows(
        small_bank.tables, small_bank.cells, [day], small_bank.label, lambda step, share: None
    )
    assert found["weight"].sum() == pytest.approx(len(rows.everyone))
    assert len(rows.rows) <= len(rows.everyone)


def test_segments_add_up_and_the_trees_agree_with_the_rule(trained: Trained) -> None:
    report = trained.segments
    assert sum(report.segments.values()) == pytest.approx(1.0)
    assert report.metrics["assign_accuracy"].value > 0.7
    assert report.metrics["assign_later_accuracy"].value > 0.7
    assert set(report.baselines["no change"]) == {"next_accuracy"}
    card = json.loads((Path(report.artifacts) / "model" / "card.json").read_text())
    assert card["segments"] == list(report.segments)


def test_the_run_of_segments_has_its_tables(trained: Trained) -> None:
    root, report = Path(trained.segments.artifacts), trained.segments
    tables = {file.stem: pd.read_csv(file) for file in (root / "evaluation").glob("*.csv")}
    assert set(tables) == {
        *("stability", "dimensions", "segments", "segment_profiles", "masked", "moves"),
        *("migration_months", "migration_quarter", "migration_cells"),
    }
    assert tables["segments"]["segment"].tolist() == list(report.segments)
    first, last = report.trained_as_of[0], report.evaluated_as_of[0]
    months = pd.to_datetime(tables["migration_months"]["as_of"]).dt.date.unique()
    assert (months[0], months[-1], len(months)) == (months_before(first, -1), last, 6)
    quarter = tables["migration_quarter"].set_index(["before", "after"])["customers"]
    by_cell = tables["migration_cells"].groupby(["before", "after"])["customers"].sum()
    assert quarter.to_dict() == by_cell.to_dict()
    for name, table in tables.items():
        assert "customer_id" not in table.columns, name
    whole = tables["masked"].set_index("hidden")["accuracy"]
    assert whole["nothing"] == pytest.approx(report.metrics["assign_accuracy"].value)
    assert whole["nothing"] > whole["balance"]


def test_a_retraining_finds_the_champion_s_names_and_says_when_it_cannot(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = json.loads((Path(trained.segments.artifacts) / "model" / "card.json").read_text())
    trees = champion_trees(trained.store)
    assert list(trees.scheme.names) == card["segments"]
    champion = trained.store.champion("segmentation")
    known = champion_segments(rival_of(trained.store, champion, tmp_path)).known
    assert known is not None
    assert known.words == trees.scheme.words
    assert trees.following is not None
    older = shutil.copytree(Path(trained.segments.artifacts) / "model", tmp_path / "model")
    (older / "segments.json").unlink()
    with pytest.raises(BadInput, match=r"segments\.json is not one of this release"):
        read_scheme(older, seal(older))
    empty = Store(TrackingSettings(), tmp_path)
    assert champion_segments(rival_of(empty, None, tmp_path)) == (None, ())
    with pytest.raises(BadInput, match="run `gridkeep train segmentation`"):
        champion_trees(empty)
    monkeypatch.setattr("training.store.bundle.features_hash", lambda: "f00d")
    with pytest.raises(BadInput, match="trained on other feature definitions"):
        champion_trees(trained.store)


def test_metrics_in_the_store_are_those_of_the_report(trained: Trained) -> None:
    rows = {(row.name, row.version): row for row in trained.store.models()}
    stored = rows["retention", "1"].metrics
    assert stored["auc"] == trained.first.metrics["auc"].value
    assert stored["log_loss_high"] == trained.first.metrics["log_loss"].high
    assert all(np.isfinite(list(stored.values())))


def test_training_refuses_what_it_cannot_learn_from(small_bank: Any, tmp_path: Path) -> None:
    def attempt(
        label: LabelSettings, settings: RetentionSettings, tables: Tables = small_bank.tables
    ) -> None:
        train_retention(
            tables,
            small_bank.cells,
            grid_version="grid-0",
            label=label,
            settings=settings,
            tracking=TrackingSettings(),
            folder=tmp_path,
            data_hashes={},
        )

    long = LabelSettings(kind="closed", outcome_days=300)
    with pytest.raises(BadInput, match="deliver a longer history"):
        attempt(long, RetentionSettings())
    with pytest.raises(BadInput, match="names 'age_in_years', which is no feature; near it"):
        attempt(small_bank.label, RetentionSettings(protected=("age_in_years",)))
    few = RetentionSettings(train_cutoffs=1, evaluate_cutoffs=1, min_positives=800)
    with pytest.raises(BadInput, match=r"retention\.min_positives asks for 800"):
        attempt(small_bank.label, few)
    faithful = small_bank.tables._replace(closures=small_bank.tables.closures.limit(0))
    with pytest.raises(BadInput, match="0 churned"):
        attempt(small_bank.label, few, faithful)
