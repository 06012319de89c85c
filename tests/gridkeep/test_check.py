"""`gridkeep check`, its gate before training, and the reconciliation, as a user meets them."""

import json
import shutil

import pandas as pd
import pyarrow.parquet as pq
import pytest


@pytest.fixture
def spoilt(bank):
    """A bank of which a third of the customers were born after they joined."""
    rows = [
        f"c{at},2024-01-05,{'2025-01-01' if at % 3 == 0 else '1980-01-01'}" for at in range(1, 91)
    ]
    bank.customers.write_text("\n".join(["customer_id,onboarded_on,birth_date", *rows]) + "\n")
    return bank


def test_check_shows_dimensions_accuracy_and_a_page(run, bank):
    answer = run("check", "--config", bank.config)
    assert answer.code == 0
    assert "completeness" in answer.out
    assert "customer information accuracy: 100.0 % of 3 (43.9 % to 100.0 %)" in answer.out
    assert "no grid yet" in answer.out
    assert answer.out.rstrip().endswith("the contract holds")
    page = (bank.home / "quality.html").read_text("utf-8")
    assert "too few to say whether the target of 98.0 % is met" in page


def test_after_a_partition_there_are_figures_of_cells(run, parted):
    told = json.loads(run("check", "--config", parted.config, "--json").out)["summary"]
    assert told["accuracy"]["good"] == 3
    assert told["cells"] > 0
    assert {one["dimension"] for one in told["dimensions"]} >= {"validity", "consistency"}
    rows = pd.read_parquet(parted.home / "quality.parquet")
    assert set(rows.cell_id) > {"all"}


def test_training_is_refused_on_tables_that_are_surely_too_bad(run, spoilt):
    checked = run("check", "--config", spoilt.config)
    assert checked.code == 0  # the contract holds; the figures are told
    assert "too low to train on: customers: accuracy" in checked.out
    run("partition", "--config", spoilt.config)
    answer = run("train", "retention", "--config", spoilt.config)
    assert answer.code == 1
    assert "customers.birth_date: consistency" in answer.err
    assert "66.7 % of 90 (56.4 % to 75.5 %), below quality.consistency_min = 0.95" in answer.err
    assert not (spoilt.home / "mlruns").exists()
    spoilt.config.write_text(spoilt.config.read_text() + "[quality]\ngate = false\n")
    answer = run("train", "retention", "--config", spoilt.config)
    assert "quality." not in answer.err  # it goes on to the next thing that is wrong
    assert "history" in answer.err or "cut-off" in answer.err


def test_a_row_corrected_in_quarantine_enters_the_tables(run, bank):
    text = bank.transactions.read_text()
    bank.transactions.write_text(text.replace("50.00,50.00", "fifty,50.00"))
    assert run("check", "--config", bank.config).code == 1  # more than a hundredth was rejected
    mended = bank.home / "mended" / "transactions.csv"
    mended.parent.mkdir()
    shutil.copy(bank.home / "quarantine" / "transactions.csv", mended)
    refused = run("check", "--replay", mended, "--config", bank.config)
    assert refused.code == 1
    assert "no line of" in refused.err
    mended.write_text(mended.read_text().replace("fifty", "50"))
    answer = run("check", "--replay", mended, "--config", bank.config)
    assert answer.code == 0, answer
    assert "the corrected row is good now; kept in" in answer.out
    rows = pd.read_parquet(bank.home / "tables" / "transactions")
    assert rows.amount.tolist() == [100.0, -20.0, 50.0, 50.0]
    again = run("check", "--replay", mended, "--config", bank.config)
    assert again.code == 1
    assert "replayed before" in again.err
    assert "Traceback" not in again.err
    told = json.loads(run("check", "--config", bank.config, "--json").out)
    assert told["replayed"] is None
    assert pd.read_parquet(bank.home / "tables" / "transactions").equals(rows)


def test_a_corrected_row_that_is_still_bad_is_told_with_its_reason(run, bank):
    text = bank.transactions.read_text()
    bank.transactions.write_text(text.replace("50.00,50.00", "fifty,50.00"))
    run("check", "--config", bank.config)
    quarantine = bank.home / "quarantine" / "transactions.csv"  # edited where it lies
    quarantine.write_text(quarantine.read_text().replace("fifty", "fifty yuan"))
    answer = run("check", "--replay", quarantine, "--config", bank.config)
    assert answer.code == 1
    assert "the corrected row is not good yet; kept in" in answer.out
    assert "row 4 of transactions.csv: amount: not a number" in answer.out


def test_features_are_reconciled_with_the_source(run, parted):
    out = parted.home / "features.parquet"
    words = ("--as-of", "2025-08-06", "--out", out, "--config", parted.config)
    told = json.loads(run("features", *words, "--json").out)["reconciliation"]
    written = json.loads((parted.home / "features.parquet.reconciliation.json").read_text())
    assert written["holds"] is True
    assert written["lines"] == told["lines"]
    assert {line["what"] for line in told["lines"]} >= {
        "transactions: delivered rows",
        "transactions: delivered amounts",
        "credit_365d at 2025-08-06",
    }


def test_features_that_do_not_come_out_are_a_bug_of_ours(run, parted, monkeypatch):
    from features import snapshot

    write = snapshot.write_features

    def forgetful(*given, **more):
        info = write(*given, **more)
        rows = pq.read_table(info.path)
        pq.write_table(rows.slice(1), info.path)
        return info

    monkeypatch.setattr(snapshot, "write_features", forgetful)
    out = parted.home / "features.parquet"
    answer = run("features", "--as-of", "2025-08-06", "--out", out, "--config", parted.config)
    assert answer.code == 3
    assert "customers in the table at 2025-08-06: 3 is not 2 with features" in answer.err
    assert (
        json.loads((parted.home / "features.parquet.reconciliation.json").read_text())["holds"]
        is False
    )


def test_check_tells_the_worst_source_when_it_is_surely_behind_the_others(run, bank):
    for at in range(3):
        lines = [
            f"n{at}-{row},c1,2025-06-0{at + 1} 10:00:00,{'x' if at == 1 and row < 40 else 1},"
            for row in range(100)
        ]
        head = "transaction_id,customer_id,posted_at,amount,balance_after"
        path = bank.transactions.with_name(f"transactions_{at}.csv")
        path.write_text("\n".join([head, *lines]) + "\n")
    text = bank.config.read_text()
    bank.config.write_text(text.replace("[sources]\n", "[sources]\nrejected_share_max = 0.5\n"))
    answer = run("check", "--config", bank.config)
    assert answer.code == 0
    assert (
        "worst source, surely behind the others: transactions_1.csv: transactions.amount: "
        "validity (inside the contract) is 60.0 % of 100 (50.2 % to 69.1 %), that of the other "
        "sources 100.0 % of 204" in answer.out
    )
    told = json.loads(run("check", "--config", bank.config, "--json").out)
    worst = told["summary"]["behind"][0]
    assert (worst["measure"]["source"], worst["rest"]["checked"]) == ("transactions_1.csv", 204)
    sources = {one["source"]: one for one in told["quality"]["sources"]}
    assert sources["transactions_1.csv"]["rejected"] == 40
    assert "transactions_1.csv" in (bank.home / "quality.html").read_text("utf-8")


def test_check_tells_no_source_where_all_are_alike(run, bank):
    answer = run("check", "--config", bank.config)
    assert "worst source" not in answer.out
    rows = pd.read_parquet(bank.home / "quality.parquet")
    assert set(rows.source) > {"all", "customers.csv"}
