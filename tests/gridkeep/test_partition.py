"""`gridkeep partition`: versions made from one another, by the command line."""

import json
import re

import pandas as pd
import pytest

VILLAGES = {"North": (30.50, 121.00), "South": (30.56, 121.00), "East": (30.50, 121.07)}


def customers(size: int) -> str:
    """As many customers in each of three villages, all of a village in one place."""
    rows = ["customer_id,onboarded_on,latitude,longitude,district,outlet_id"]
    for village, (latitude, longitude) in VILLAGES.items():
        rows += [f"{village}{at:03d},2024-01-05,{latitude},{longitude},d1,o1" for at in range(size)]
    return "\n".join(rows) + "\n"


@pytest.fixture
def villages(bank):
    """A bank of three villages, with 40 customers each."""
    bank.customers.write_text(customers(40))
    bank.transactions.write_text(
        "transaction_id,customer_id,posted_at,amount,balance_after\n"
        "t1,North001,2025-01-03 10:00:00,100.00,100.00\n"
    )
    floor(bank, 30)
    return bank


def floor(bank, customers: int) -> None:
    before = bank.config.read_text().partition("[grid]")[0]
    bank.config.write_text(f"{before}[grid]\nfloor = {customers}\n")


def partitioned(run, bank, *words: str) -> dict:
    answer = run("partition", "--json", "--config", bank.config, *words)
    assert answer.code == 0, answer
    return json.loads(answer.out)


def refused(answer, *words: str) -> None:
    assert answer.code == 1, answer
    message = answer.err[answer.err.index("error:") :]
    assert all(word in message for word in words), answer
    assert "Traceback" not in answer.err


def test_a_version_from_another_tells_what_changed(run, villages):
    old = partitioned(run, villages, "--valid-from", "2025-06-01")
    assert old["migrated"] is None
    floor(villages, 60)
    new = partitioned(
        run, villages, "--valid-from", "2025-07-01", "--from", old["report"]["version"]
    )
    assert new["migrated"]["before"] == old["report"]["version"]
    assert new["migrated"]["customers"] == 120
    assert new["migrated"]["fates"] == {"merged": 1}
    assert new["migrated"]["moved"] == 80
    folder = villages.home / "grids" / new["report"]["version"]
    told = json.loads((folder / "migration.json").read_text())
    assert (told["customers"], told["moved"]) == (120, 80)
    assert [flow["share"] for flow in told["flows"]] == [1.0, 1.0, 1.0]
    assert "80 customers of 120 who are counted on both" in (folder / "index.html").read_text()


def test_the_same_rule_from_a_version_keeps_every_cell(run, villages):
    old = partitioned(run, villages, "--valid-from", "2025-06-01")
    name = old["report"]["version"]
    villages.customers.write_text(customers(45))
    new = partitioned(run, villages, "--valid-from", "2025-07-01", "--from", name)
    assert new["migrated"]["fates"] == {"kept": 3}
    assert new["migrated"]["moved"] == 0
    assert new["report"]["published"]["not_counted"] == 15  # five came to each village
    page = (villages.home / "grids" / new["report"]["version"] / "index.html").read_text()
    assert "3 cells for 120 customers" in page
    assert "there are some who are not counted" in page


def test_the_same_version_again_is_said(run, villages):
    first = partitioned(run, villages, "--valid-from", "2025-06-01")["report"]["version"]
    words = ["--valid-from", "2025-06-01", "--from", first]
    answer = run("partition", "--config", villages.config, *words)
    assert answer.code == 0
    assert f"nothing changed since {first}" in answer.out


def test_the_answer_in_words_says_where_the_map_is_and_how_much_is_hidden(run, villages):
    answer = run("partition", "--config", villages.config, "--valid-from", "2025-06-01")
    assert "index.html (no figure about fewer than 10 customers: 0 of 3 cells" in answer.out


def test_the_floor_of_publication_is_a_setting(run, villages):
    villages.config.write_text("[publication]\ncustomers_min = 50\n" + villages.config.read_text())
    found = partitioned(run, villages, "--valid-from", "2025-06-01")
    assert found["report"]["published"]["hidden_cells"] == 3
    villages.config.write_text(villages.config.read_text().replace("= 50", "= 0"))
    refused(run("partition", "--config", villages.config), "publication.customers_min")


def least_told(bank, customers: int) -> None:
    rest = re.sub(r"\[publication\]\n.*\n", "", bank.config.read_text())
    bank.config.write_text(f"[publication]\ncustomers_min = {customers}\n{rest}")


def test_a_version_that_was_told_by_another_rule_is_named(run, villages):
    first = partitioned(run, villages, "--valid-from", "2025-06-01")
    name = first["report"]["version"]
    assert first["told_otherwise"] == {}
    least_told(villages, 50)
    answer = run("partition", "--config", villages.config, "--valid-from", "2025-06-01")
    assert answer.code == 0
    assert (
        f"customers_min is 50 now, but was another when a version was published ({name} with 10)"
        in (answer.out)
    )
    assert "make a new version with a later --valid-from" in answer.out
    assert "no figure about fewer than 10 customers" in answer.out  # of the version as it is
    later = partitioned(run, villages, "--valid-from", "2025-07-01")
    assert later["report"]["published"]["customers_min"] == 50
    assert later["told_otherwise"] == {name: 10}


def test_an_earlier_version_that_told_less_is_not_named(run, villages):
    least_told(villages, 50)
    name = partitioned(run, villages, "--valid-from", "2025-06-01")["report"]["version"]
    least_told(villages, 20)
    again = partitioned(run, villages, "--valid-from", "2025-06-01")
    assert again["told_otherwise"] == {name: 50}
    later = partitioned(run, villages, "--valid-from", "2025-07-01")
    assert later["told_otherwise"] == {}


def test_a_version_that_is_not_there(run, villages):
    first = partitioned(run, villages)["report"]["version"]
    before = villages.written()
    answer = run("partition", "--config", villages.config, "--from", "grid-nowhere")
    refused(answer, "'grid-nowhere'", first)
    assert villages.written() == before


def test_from_a_version_before_there_is_any(run, villages):
    answer = run("partition", "--config", villages.config, "--from", "grid-nowhere")
    refused(answer, "'grid-nowhere'", "gridkeep partition")
    assert villages.written() == set()


@pytest.mark.parametrize("with_memory", [True, False])
def test_a_day_before_the_version_in_force(run, villages, with_memory):
    first = partitioned(run, villages, "--valid-from", "2025-06-01")["report"]["version"]
    before = villages.written()
    words = ["--valid-from", "2025-05-31", *(["--from", first] if with_memory else [])]
    answer = run("partition", "--config", villages.config, *words)
    refused(answer, first, "2025-06-01", "--valid-from")
    assert villages.written() == before


def test_corrupt_cells(run, villages):
    first = partitioned(run, villages)["report"]["version"]
    (villages.home / "grids" / first / "cells.geojson").write_text("{")
    refused(run("partition", "--config", villages.config, "--from", first), first, "from a copy")
    out = villages.home / "f.parquet"
    words = ["--as-of", "2025-01-15", "--out", out]
    refused(run("features", "--config", villages.config, *words), first, "from a copy")


def test_history_before_and_after_can_be_restated(run, villages):
    from domain.layout import Layout
    from domain.migration import restate
    from features.grid_store import read_grid, read_migration

    old = partitioned(run, villages, "--valid-from", "2025-06-01")["report"]["version"]
    floor(villages, 60)
    words = ["--valid-from", "2025-07-01", "--from", old]
    new = partitioned(run, villages, *words)["report"]["version"]
    layout = Layout(villages.home)
    way = read_migration(layout, old, new)
    history = read_grid(layout, old).assignment[["customer_id", "cell_id"]].assign(spend=2.0)
    found = restate(history, way, ["spend"]).set_index("cell_id").spend
    sizes = read_grid(layout, new).assignment.cell_id.value_counts()
    pd.testing.assert_series_equal(found, (2.0 * sizes).sort_index(), check_names=False)
