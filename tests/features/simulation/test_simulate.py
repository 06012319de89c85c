"""Same seed, same bytes; nothing half-written; wrong arguments are told."""

import hashlib
import os
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInput
from features.settings import BankSettings, LabelSettings, SourceSettings
from features.simulation import simulate
from features.simulation.bank import draw_block
from features.simulation.foresight import leaving_ahead
from features.simulation.leaving import draw_history, odds_of
from features.simulation.people import draw_people
from features.simulation.planted import plant
from features.simulation.settings import BLOCK, Plan
from features.simulation.territory import draw_county


def digests(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    simulate(tmp_path / "here", 2_500, 4, 3)
    code = "import sys; from pathlib import Path; from features.simulation import simulate; "
    code += "simulate(Path(sys.argv[1]), 2_500, 4, 3)"
    environment = {**os.environ, "PYTHONHASHSEED": "77", "TZ": "America/New_York"}
    root = Path(__file__).resolve().parents[3]
    there = tmp_path / "there" / "deeper"
    subprocess.run([sys.executable, "-c", code, str(there)], check=True, cwd=root, env=environment)
    assert digests(tmp_path / "here") == digests(there)
    assert len(digests(there)) == 12


def test_another_seed_gives_other_tables(tmp_path: Path) -> None:
    simulate(tmp_path / "a", 200, 3, 1)
    simulate(tmp_path / "b", 200, 3, 2)
    first, second = digests(tmp_path / "a"), digests(tmp_path / "b")
    assert [name for name in first if first[name] == second[name]] == [
        "gridkeep.toml",
        "truth/README.md",
    ]


def test_a_block_does_not_depend_on_the_blocks_around_it() -> None:
    """The last block of a large bank, drawn first and alone, and after all others."""
    plan = Plan(3 * BLOCK, 3, 5, date(2024, 1, 1))
    county = draw_county(plan)
    planted = plant(plan, county)
    alone = draw_block(plan, county, planted, 1)
    for block in (0, 2):
        draw_block(plan, county, planted, block)
    again = draw_block(Plan(2 * BLOCK, 3, 5, plan.start), county, planted, 1)
    for one, other in zip(alone.ledger, again.ledger, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_larger_bank_begins_with_the_smaller_one(tmp_path: Path) -> None:
    simulate(tmp_path / "small", BLOCK, 2, 4)
    simulate(tmp_path / "large", BLOCK + 10, 2, 4)
    small = pq.read_table(tmp_path / "small" / "transactions.parquet")
    large = pq.read_table(tmp_path / "large" / "transactions.parquet")
    assert large.slice(0, small.num_rows).equals(small)


@settings(max_examples=12, deadline=None)
@given(
    customers=st.integers(1, 60),
    months=st.integers(1, 14),
    seed=st.integers(0, 2**40),
    start=st.dates(date(1992, 1, 1), date(2090, 12, 1)).map(lambda day: day.replace(day=1)),
)
def test_banks_of_any_size_are_written(
    tmp_path_factory: pytest.TempPathFactory, customers: int, months: int, seed: int, start: date
) -> None:
    out = tmp_path_factory.mktemp("any")
    summary = simulate(out, customers, months, seed, start)
    assert pq.read_metadata(out / "customers.parquet").num_rows == summary.customers == customers
    rows = pq.read_metadata(out / "transactions.parquet").num_rows
    assert rows == summary.transactions
    assert pq.read_metadata(out / "closures.parquet").num_rows == summary.closures


def test_the_forward_probability_is_what_many_lives_show() -> None:
    """An oracle by brute force: the same customers live on a thousand times."""
    plan = Plan(40, 5, 11, date(2024, 1, 1))
    county = draw_county(plan)
    people = draw_people(plan, county, 0)
    people = people._replace(
        joined_month=np.full(40, -1), contact_effect=np.zeros(40), salaried=np.ones(40, dtype=bool)
    )
    odds = odds_of(people, county, plan)
    odds = odds._replace(leave=odds.leave + 2.0, fade=odds.fade + 2.0)
    nobody = np.zeros((40, 5), dtype=np.bool_)
    promised, happened = [], []
    for life in range(1_000):
        history = draw_history(plan, people, odds, nobody, np.random.default_rng(life))
        there = history.left_month > 0
        promised.append(leaving_ahead(odds, history)[there, 0])
        happened.append((history.left_month < 4)[there])
    p, y = np.concatenate(promised), np.concatenate(happened)
    for low, high in ((0.0, 0.2), (0.2, 0.4), (0.4, 1.0)):
        of = (p >= low) & (p < high)
        error = np.sqrt((p[of] * (1 - p[of])).sum())
        assert of.sum() > 1_000
        assert abs(y[of].sum() - p[of].sum()) < 4 * error


def test_the_configuration_beside_the_tables_reads_them(tmp_path: Path) -> None:
    assert simulate(tmp_path, 20, 2, 1).config_written
    config = tomllib.loads((tmp_path / "gridkeep.toml").read_text())
    assert BankSettings(**config["bank"]).timezone == "Asia/Shanghai"
    assert SourceSettings(**config["sources"]).reader == "simulated"
    assert LabelSettings(**config["label"]).kind == "closed"


def test_a_configuration_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "gridkeep.toml").write_text("# mine\n")
    assert not simulate(tmp_path, 20, 2, 1).config_written
    assert (tmp_path / "gridkeep.toml").read_text() == "# mine\n"


def test_no_configuration_is_written_when_none_is_wanted(tmp_path: Path) -> None:
    simulate(tmp_path, 20, 2, 1, write_config=False)
    assert not (tmp_path / "gridkeep.toml").exists()


def test_progress_rises_to_one(tmp_path: Path) -> None:
    shares: list[float] = []
    simulate(tmp_path, 2 * BLOCK + 1, 1, 1, progress=lambda step, share: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"customers": 0}, "customers is 0"),
        ({"customers": 10_000_001}, "customers is 10000001"),
        ({"months": 0}, "months is 0"),
        ({"months": 601}, "months is 601"),
        ({"seed": -1}, "seed is -1"),
        ({"start": date(2024, 1, 2)}, "first day of a month"),
        ({"start": date(1991, 1, 1)}, "1992"),
    ],
)
def test_wrong_arguments_are_told_and_nothing_is_written(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    asked: dict[str, object] = {"customers": 10, "months": 2, "seed": 1, **change}
    with pytest.raises(BadInput, match=message):
        simulate(tmp_path / "out", **asked)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_a_target_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(BadInput, match="cannot write the simulation"):
        simulate(tmp_path / "out", 10, 2, 1)
    assert (tmp_path / "out").read_text() == "mine"


def test_an_interrupted_simulation_leaves_the_old_one(tmp_path: Path) -> None:
    simulate(tmp_path, 30, 2, 1)
    before = digests(tmp_path)

    def stop(step: str, share: float) -> None:
        if share > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path, BLOCK + 1, 2, 2, progress=stop)
    assert digests(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    """A child that may write no file larger than 100 kB meets the error of a full disk."""
    code = """
import resource, signal, sys
from pathlib import Path
from domain.errors import BadInput
from features.simulation import simulate
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    simulate(Path(sys.argv[1]), 2_000, 12, 1)
except BadInput as error:
    print(error)
"""
    root = Path(__file__).resolve().parents[3]
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-c", code, str(out)], capture_output=True, text=True, cwd=root
    )
    assert done.stdout.startswith("cannot write the simulation to "), done.stderr
    assert done.stderr == ""
    assert not out.exists()
