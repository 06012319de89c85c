"""Bad input by the command line: one clear message, exit code 1, nothing half-written."""

import json
import resource
import socket
import subprocess
import sys

import pandas as pd
import pytest


def refused(answer, *words: str) -> None:
    """One message on standard error that holds every word, exit 1, no traceback."""
    assert answer.code == 1, answer
    message = answer.err[answer.err.index("error:") :] if "error:" in answer.err else answer.out
    for word in words:
        assert word in message, (word, answer)
    assert "Traceback" not in answer.err


def replaced(path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_unknown_configuration_key(run, bank):
    bank.config.write_text("[grid]\nflor = 3\n")
    refused(run("check", "--config", bank.config), "unknown key 'grid.flor'", "floor")
    assert bank.written() == set()


def test_no_configuration(run, tmp_path):
    refused(run("check", "--config", tmp_path / "none.toml"), "none.toml", "gridkeep init")


def test_a_missing_file(run, bank):
    bank.transactions.unlink()
    answer = run("check", "--config", bank.config)
    assert answer.code == 1
    assert "transactions*.csv" in answer.out
    assert "customers.csv" in answer.out  # what is there instead
    assert "." + "intake" not in answer.out  # nothing of our own
    assert not (bank.home / "tables").exists()


def test_a_folder_of_sources_that_is_not_there(run, bank):
    replaced(bank.config, 'path = "in"', 'path = "inn"')
    answer = run("check", "--config", bank.config)
    assert answer.code == 1
    assert str(bank.home / "inn") in answer.out
    assert not (bank.home / "tables").exists()


def test_a_missing_column(run, bank):
    replaced(bank.transactions, "amount", "amt")
    answer = run("check", "--config", bank.config)
    assert answer.code == 1
    assert "'amount'" in answer.out
    assert "transactions.csv" in answer.out
    assert not (bank.home / "tables").exists()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("50.00,50.00", "fifty,50.00", ["amount", "'fifty'", "row 4"]),
        ("50.00,50.00", "NaN,50.00", ["amount", "NaN", "row 4"]),
        ("50.00,50.00", "inf,50.00", ["amount", "inf", "row 4"]),
        ("2025-03-05 12:30:00", "2025-02-30 12:30:00", ["posted_at", "2025-02-30", "row 4"]),
        ("t3,c2", "t3,nobody", ["nobody"]),
    ],
)
def test_a_bad_row_breaks_the_contract_and_waits_in_quarantine(run, bank, old, new, words):
    replaced(bank.transactions, old, new)
    answer = run("check", "--config", bank.config)
    assert answer.code == 1
    for word in words:
        assert word in answer.out, (word, answer.out)
    kept = pd.read_csv(bank.home / "quarantine" / "transactions.csv")
    assert kept[["file", "row"]].values.tolist() == [["transactions.csv", 4]]
    assert json.loads(kept.content[0])["transaction_id"] == "t3"
    assert not (bank.home / "tables").exists()


def test_a_tolerated_share_of_bad_rows_is_set_aside_and_the_rest_goes_on(run, bank):
    replaced(bank.config, "[sources]", "[sources]\nrejected_share_max = 0.3")
    replaced(bank.transactions, "50.00,50.00", "fifty,50.00")
    answer = run("check", "--config", bank.config)
    assert answer.code == 0, answer
    assert "quarantine" in answer.out
    assert len(pd.read_parquet(bank.home / "tables" / "transactions")) == 3


def test_a_repeated_id_with_other_content(run, bank):
    with bank.transactions.open("a") as file:
        file.write("t1,c1,2025-01-03 10:00:00,101.00,100.00\n")
    answer = run("check", "--config", bank.config)
    assert answer.code == 1
    assert "t1" in answer.out
    assert not (bank.home / "tables").exists()


def test_a_second_delivery_changes_nothing(run, bank):
    assert run("check", "--config", bank.config).code == 0
    (part,) = (bank.home / "tables" / "transactions").iterdir()
    before = part.read_bytes()
    bank.transactions.with_name("transactions_2.csv").write_text(bank.transactions.read_text())
    answer = run("check", "--config", bank.config)
    assert answer.code == 0
    assert [part] == list((bank.home / "tables" / "transactions").iterdir())
    assert part.read_bytes() == before


def test_an_empty_table(run, bank):
    bank.transactions.write_text(bank.transactions.read_text().splitlines()[0] + "\n")
    answer = run("check", "--config", bank.config)
    assert answer.code == 1
    assert "transactions" in answer.out
    assert "no rows" in answer.out


def test_a_customer_without_transactions_keeps_a_row(run, parted, tmp_path):
    out = tmp_path / "f.parquet"
    answer = run("features", "--config", parted.config, "--as-of", "2025-06-01", "--out", out)
    assert answer.code == 0, answer
    rows = pd.read_parquet(out).set_index("customer_id")
    assert rows.loc["c3", "transactions_365d"] == 0
    assert pd.isna(rows.loc["c3", "recency_days"])


def test_no_coordinates_is_said_and_districts_are_cells(run, bank):
    replaced(bank.customers, "30.60,121.00", ",")
    replaced(bank.customers, "30.61,121.01", ",")
    answer = run("partition", "--config", bank.config)
    assert answer.code == 0
    assert "no customer has coordinates" in answer.out
    assert "2 cells" in answer.out


def test_a_coordinate_at_zero_zero_is_said_and_not_used(run, bank):
    replaced(bank.customers, "30.60,121.00", "0,0")
    checked = run("check", "--config", bank.config)
    assert checked.code == 0
    answer = run("partition", "--config", bank.config)
    assert answer.code == 0
    assert "0,0 (first: c1)" in answer.out


def test_a_cut_off_before_all_data(run, parted, tmp_path):
    out = tmp_path / "f.parquet"
    answer = run("features", "--config", parted.config, "--as-of", "2020-01-01", "--out", out)
    refused(answer, "2020-01-01", "2025-01-03")
    assert not out.exists()


def test_a_day_that_does_not_exist(run, bank):
    answer = run("features", "--config", bank.config, "--as-of", "2025-02-30", "--out", "x")
    assert answer.code == 1
    assert "2025-02-30" in answer.err
    assert "2026-01-31" in answer.err


LABELLED = """
[label]
observation_days = 30
gap_days = 0
outcome_days = {outcome}
[retention]
train_as_of = ["2025-02-01"]
evaluate_as_of = ["{evaluate}"]
"""


def test_a_label_window_past_the_data(run, parted):
    with parted.config.open("a") as file:
        file.write(LABELLED.format(outcome=30, evaluate="2025-08-01"))
    refused(run("train", "retention", "--config", parted.config), "2025-08-01", "2025-08-0")
    assert not list(parted.home.glob("mlruns/artifacts/*"))


def test_fewer_than_two_classes(run, parted):
    with parted.config.open("a") as file:
        file.write(LABELLED.format(outcome=30, evaluate="2025-03-20"))
    answer = run("train", "retention", "--config", parted.config)
    refused(answer, "0 churned; a model needs both")


def test_scores_without_a_model(run, parted, tmp_path):
    out = tmp_path / "s.parquet"
    answer = run("score", "--config", parted.config, "--as-of", "2025-06-01", "--out", out)
    refused(answer, "no champion", "gridkeep train retention")
    assert not out.exists()


def test_features_before_a_grid(run, bank, tmp_path):
    out = tmp_path / "f.parquet"
    answer = run("features", "--config", bank.config, "--as-of", "2025-06-01", "--out", out)
    refused(answer, "gridkeep partition")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["score", "--out", "s.parquet"], "no champion"),
        (["serve", "--port", "3999"], "no champion"),
        (["serve", "--host", "0.0.0.0"], "no key is set"),
    ],
)
def test_what_is_missing_is_asked_before_features_are_made(run, parted, words, told):
    before = parted.written()
    answer = run(*words, "--config", parted.config, "--as-of", "2025-06-01")
    refused(answer, told)
    assert answer.err.startswith("error: ")  # not a step was told before
    assert parted.written() == before


def test_a_port_in_use(run, parted):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = ["serve", "--config", parted.config, "--port", port, "--as-of", "2025-06-01"]
        refused(run(*words), f"port {port}")
        refused(run("ui", "--config", parted.config, "--port", port), f"port {port} of 127.0.0.1")
    assert not (parted.home / "mlruns").exists()


def test_an_output_folder_that_cannot_be_written(run, bank, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    replaced(bank.config, "[grid]", '[output]\nfolder = "file"\n[grid]')
    refused(run("check", "--config", bank.config), "file")


def test_a_file_that_cannot_be_written(run, parted):
    out = parted.home / "in" / "customers.csv" / "f.parquet"
    answer = run("features", "--config", parted.config, "--as-of", "2025-06-01", "--out", out)
    refused(answer, "f.parquet")


@pytest.mark.parametrize("verb", ["check", "partition", "features"])
def test_a_full_disk_leaves_nothing_half_written(run, bank, verb):
    """A limit of the file size stands for the full disk: the write fails in the middle."""
    steps = {"check": [], "partition": ["check"], "features": ["partition"]}
    for step in steps[verb]:
        assert run(step, "--config", bank.config).code == 0
    before = bank.written()
    words = ["--as-of", "2025-06-01", "--out", str(bank.home / "f.parquet")]
    code = "import sys; from gridkeep.cli import main; sys.argv[0] = 'gridkeep'; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, verb, "--config", str(bank.config)]
        + (words if verb == "features" else []),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)),
    )
    assert done.returncode == 1, done
    assert "error:" in done.stderr
    assert "Traceback" not in done.stderr
    assert bank.written() == before


def test_a_bank_of_that_name_is_not_overwritten(run, tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    refused(run("simulate", "--out", tmp_path, "--customers", "10"), "not an empty folder")
    refused(run("demo", "--out", tmp_path), "holds other files")
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_a_month_against_itself(run, bank):
    words = ["--config", bank.config, "--as-of", "2025-06-01", "--reference", "2025-06-01"]
    refused(run("monitor", *words), "--reference 2025-06-01", "no drift")
    assert bank.written() == set()


def test_a_reference_before_all_data_is_told_before_any_features_are_computed(run, parted):
    before = parted.written()
    words = ["--config", parted.config, "--as-of", "2025-06-01", "--reference", "2020-01-01"]
    refused(run("monitor", *words), "2020-01-01", "choose a later --reference")
    assert parted.written() == before


def test_two_empty_tables_are_two_lines_below_one_error(run, bank):
    for name in ("customers", "transactions"):
        file = bank.home / "in" / f"{name}.csv"
        file.write_text(file.read_text().splitlines()[0] + "\n")
    answer = run("partition", "--config", bank.config)
    assert answer.code == 1
    assert answer.err.endswith(
        "error: 2 faults:\n  table 'customers' has no rows; deliver at least one\n"
        "  table 'transactions' has no rows; deliver at least one\n"
    )
