"""`--out` never lands on what the bank delivered or on what gridkeep keeps."""

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from features.readers import READERS, reader
from features.settings import SourceSettings

VERBS = ["features", "score"]


def contents(home: Path) -> dict[str, str]:
    """Every file under a folder, links too, and the hash of what it holds."""
    files = [path for path in home.rglob("*") if path.is_file()]
    return {
        path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def refused(run, bank, verb: str, out: Path, *words: str) -> None:
    """Exit 1 with one message that names the file, before any work: no file is other or new."""
    before = contents(bank.home)
    answer = run(verb, "--config", bank.config, "--as-of", "2025-06-01", "--out", out)
    assert answer.code == 1, answer
    assert answer.err.startswith("error: --out: ")
    assert answer.err.count("\n") == 1
    for word in (out.name, "name another file", *words):
        assert word in answer.err, (word, answer.err)
    assert contents(bank.home) == before


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "name",
    [
        "in/customers.csv",
        "in/../in/customers.csv",
        "in/transactions.csv",
        "in/transactions_march.csv",  # not there yet, and a source from then on
    ],
)
def test_a_source_is_not_overwritten_whether_named_or_found_by_a_pattern(run, bank, verb, name):
    refused(run, bank, verb, bank.home / name, "is a source of the configuration")


def test_a_source_in_folders_below_is_found_by_a_pattern_of_any_depth(run, bank):
    text = bank.config.read_text()
    bank.config.write_text(text.replace("transactions*.csv", "**/transactions*.csv"))
    (bank.home / "in" / "2025").mkdir()
    for name in ("transactions.csv", "2025/transactions.csv", "2025/03/transactions.csv"):
        refused(run, bank, "score", bank.home / "in" / name, "is a source of the configuration")


def test_a_source_behind_a_link_is_not_overwritten_by_any_of_its_names(run, bank):
    real = bank.home / "delivered.csv"
    bank.transactions.rename(real)
    bank.transactions.symlink_to(real)
    link = bank.home / "link.parquet"
    link.symlink_to(bank.customers)
    for out in (real, bank.transactions, link):
        refused(run, bank, "features", out, "is a source of the configuration")


def test_a_database_or_a_map_that_the_configuration_names_is_not_overwritten(run, bank):
    text = bank.config.read_text()
    text = text.replace("[sources]\n", '[sources]\ndatabase = "sqlite://bank.db"\n')
    bank.config.write_text(text + 'polygons = "districts.geojson"\n')
    for name in ("in/bank.db", "districts.geojson"):
        refused(run, bank, "features", bank.home / name, "is a source of the configuration")


@pytest.mark.parametrize("verb", VERBS)
def test_the_configuration_is_not_overwritten(run, bank, verb):
    refused(run, bank, verb, bank.config, "exists and is not a file that `gridkeep")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "name",
    [
        "tables/customers.parquet",
        "tables/transactions/new.parquet",
        "quarantine/customers.csv",
        "corrections/f.parquet",
        "grids/current",
        "snapshots/2025-06-01.parquet",
        "online/f.parquet",
        "reports/2025-06-01/drift.parquet",
        "logs/f.parquet",
        "mlruns/f.parquet",
        "quality.parquet",
        ".staged/f.parquet",
    ],
)
def test_what_gridkeep_keeps_is_not_overwritten_or_added_to(run, bank, verb, name):
    (bank.home / "grids").mkdir()
    (bank.home / "grids" / "current").write_text("g1")
    refused(run, bank, verb, bank.home / name, "belongs to gridkeep")


def test_what_is_kept_under_another_output_folder_or_store_is_known_too(run, bank):
    text = bank.config.read_text()
    more = '[output]\nfolder = "out"\n[tracking]\nuri = "sqlite:///models/kept.db"\n'
    bank.config.write_text(text + more)
    for name in ("out/tables/f.parquet", "models/kept.db", "models/artifacts/1/f.parquet"):
        refused(run, bank, "score", bank.home / name, "belongs to gridkeep")


@pytest.mark.parametrize("verb", VERBS)
def test_a_file_of_another_kind_is_not_overwritten(run, bank, verb):
    notes, table = bank.home / "notes.txt", bank.home / "table.parquet"
    notes.write_text("mine")
    pd.DataFrame({"customer_id": ["c1"]}).to_parquet(table)
    for out in (notes, table):
        refused(run, bank, verb, out, "exists and is not a file that `gridkeep")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", ["g.csv", "g", "g.parquet.gz"])
def test_an_ending_that_promises_another_format_is_refused(run, bank, verb, name):
    refused(run, bank, verb, bank.home / name, "does not end in .parquet")


@pytest.mark.parametrize("verb", VERBS)
def test_a_folder_that_is_not_there_is_not_made(run, bank, verb):
    for name in ("nonexist/g.parquet", "in/customers.csv/g.parquet"):
        refused(run, bank, verb, bank.home / name, "which is no folder")


def test_a_file_that_the_same_verb_wrote_or_that_is_empty_is_replaced(run, parted):
    out = parted.home / "f.parquet"
    out.touch()
    for day in ("2025-06-01", "2025-07-01"):
        answer = run("features", "--config", parted.config, "--as-of", day, "--out", out)
        assert answer.code == 0, answer
        assert {str(one) for one in pd.read_parquet(out)["as_of"]} == {day}
    refused(run, parted, "score", out, "exists and is not a file that `gridkeep score` wrote")


def test_every_reader_looks_only_where_it_says(tmp_path):
    """A reader is shown a folder with a file at each of its places, and no mark is of another."""
    for name in sorted(set(READERS) - {"tables"}):
        folder = tmp_path / name
        folder.mkdir()
        places = reader(name).places(SourceSettings(reader=name), folder)
        for place in places:
            file = folder / place.relative_to(folder).as_posix().replace("*", "x")
            file.parent.mkdir(exist_ok=True)
            file.write_text("anything")
        marks = reader(name).marks(SourceSettings(reader=name), folder)
        assert marks
        for seen in marks:
            assert any((folder / seen).match(str(place)) for place in places), (name, seen)
