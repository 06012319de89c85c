"""`gridkeep monitor` keeps what was compared with another cut-off apart from the month's own."""

from datetime import date

import pandas as pd
import pytest

from domain.errors import BadInput
from gridkeep.config import load_config
from gridkeep.workspace import months_to_compare, tables_in_place
from serving.profile import Profile


def quiet(step: str, share: float) -> None:
    """Nobody watches."""


def test_another_reference_is_written_to_a_folder_that_names_it(run, parted):
    with parted.config.open("a") as file:  # Evidently's page of all columns takes ten seconds
        file.write('[monitoring]\ncolumns = ["recency_days", "transactions_90d"]\n')
    for reference in ("2025-06-01", "2025-07-01"):
        words = ["--as-of", "2025-08-01", "--reference", reference]
        answer = run("monitor", "--config", parted.config, *words)
        assert answer.code == 0, answer
        assert f"reports/2025-08-01-against-{reference}/index.html" in answer.out
    folders = {path.name for path in (parted.home / "reports").iterdir()}
    assert folders == {"2025-08-01-against-2025-06-01", "2025-08-01-against-2025-07-01"}
    page = (parted.home / "reports" / "2025-08-01-against-2025-06-01" / "index.html").read_text()
    assert "Compared with the bank on 1 June 2025" in page


def test_the_month_of_the_profile_is_not_compared_with_itself(run, parted, monkeypatch):
    before, day = parted.written(), date(2025, 6, 1)
    profile = Profile(pd.DataFrame(), day, "grid-1")
    monkeypatch.setattr("serving.profile.champion_profile", lambda name, uri: profile)
    config = load_config(parted.config)
    with pytest.raises(BadInput, match="2025-06-01 itself, which would show no drift"):
        months_to_compare(config, tables_in_place(config), day, None, quiet)
    assert parted.written() == before
