"""gridkeep.toml: what is wrong is named, and where."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from gridkeep.config import Config, load_config
from gridkeep.templates import template, write_template

READERS = ["simulated", "berka", "complete_journey", "telco", "tables"]


def written(folder: Path, text: str) -> Path:
    path = folder / "gridkeep.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[grid]\nflor = 3", r"unknown key 'grid\.flor'; known are area_cells, areas, band, basis"),
        ("[gird]\nfloor = 3", r"unknown key 'gird'; known are bank,"),
        ("[sources.customers]\nfiel = 'a'", r"unknown key 'sources\.customers\.fiel'; known are"),
        ("[grid]\nfloor = 'many'", r"grid\.floor = 'many': .*integer"),
        ("[label]\nkind = 'gone'", r"label\.kind = 'gone'"),
        ("[bank]\ntimezone = 'Mars/Base'", r"unknown time zone 'Mars/Base'"),
        ("[profit]\ncontact_cost = -1", r"profit\.contact_cost = -1: it must be 0 or more"),
        ("[profit]\noffer_cost = nan", r"profit\.offer_cost = nan: .*finite number"),
        ("[profit]\naccept_alpha = 0", r"profit\.accept_alpha = 0: it must be more than 0"),
        ("[profit]\naccept_beta = inf", r"profit\.accept_beta = inf: .*finite number"),
        (
            "[profit]\nacceptance = 1.2",
            r"unknown key 'profit\.acceptance'; known are accept_alpha,",
        ),
        ("[profit]\ncontact_capacity = 0", r"profit\.contact_capacity = 0: it must be 1 or more"),
        (
            "[profit]\noffer_cost = 300.0",
            r"profit\.customer_value \(200\) is not above profit\.offer_cost \(300\): no contact "
            r"could ever pay; set what a customer who stays is worth",
        ),
        (
            "[sources.customers]\nencoding = 'gbk2'",
            r"unknown encoding 'gbk2'; write one of Python's",
        ),
        ("[sources.customers]\nencoding = 'rot13'", r"sources\.customers\.encoding = 'rot13'"),
        ("[label]\ngap_days = -5", r"toml: label\.gap_days = -5: it must be 0 or more$"),
        ("[bank]\ntimezone = 'Mars'", r"bank\.timezone = 'Mars': unknown time zone 'Mars'; write"),
        (
            "[retention]\nhorizons = [90, 30]",
            r"toml: retention\.horizons must rise, from 1 day on$",
        ),
        ("[grid]\nband = [2.0, 0.5]", r"toml: grid: band must be a share of the floor up to 1 and"),
        (
            "[sources.transactions.direction]\nspent = ['s']\nreceived = ['r']",
            r"toml: sources\.transactions\.direction\.column: it is required$",
        ),
        ("[sources]\nreader = 'csv'", r"sources\.reader = 'csv': it must be 'simulated',"),
        ("[grid\nfloor = 3", "not valid TOML"),
        ("home = '/'", "unknown key 'home'"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path, text, message):
    with pytest.raises(BadInput, match=message):
        load_config(written(tmp_path, text))


def test_costs_and_capacity_are_read_from_the_file(tmp_path):
    text = "[profit]\ncontact_cost = 4\naccept_alpha = 31\naccept_beta = 71\ncontact_capacity = 500"
    found = load_config(written(tmp_path, text)).profit
    assert (found.contact_cost, found.contact_capacity) == (4.0, 500)
    assert (found.offer_cost, found.customer_value) == (10.0, 200.0)  # as published
    assert found.acceptance == pytest.approx(31 / 102)


@pytest.mark.parametrize(
    "url", ["sc://spark:15002/;token=secret", "https://ann:secret@spark/?token=secret", "x;secret"]
)
def test_a_refused_address_keeps_its_token_to_itself(tmp_path: Path, url: str) -> None:
    path = written(tmp_path, f'[engine]\nkind = "spark"\nurl = "{url}"')
    with pytest.raises(BadInput, match=r"engine\.url") as refused:
        load_config(path)
    assert "secret" not in str(refused.value)


def test_a_missing_file_says_how_to_start_one(tmp_path):
    with pytest.raises(BadInput, match="gridkeep init"):
        load_config(tmp_path / "none.toml")


def test_paths_are_relative_to_the_file(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    config = load_config(written(tmp_path, "[sources]\npath = 'in'\n[output]\nfolder = 'out'"))
    assert config.source_folder == tmp_path / "in"
    assert config.layout.tables == tmp_path / "out" / "tables"
    assert config.tracking_uri == f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}"


def test_the_tracking_server_of_the_environment_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert load_config(written(tmp_path, "")).tracking_uri == "http://127.0.0.1:5000"


@pytest.mark.parametrize("reader", READERS)
def test_every_template_is_a_valid_configuration(tmp_path, reader):
    path = tmp_path / "gridkeep.toml"
    write_template(path, reader)
    assert load_config(path).sources.reader == reader
    with pytest.raises(BadInput, match="exists"):
        write_template(path, reader)
    assert path.read_text(encoding="utf-8") == template(reader)


@given(st.text(max_size=200))
def test_any_text_is_a_configuration_or_one_clear_refusal(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("toml") / "gridkeep.toml"
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    refusal = None
    try:
        config = load_config(path)
    except BadInput as error:
        refusal = str(error)
    assert isinstance(config, Config) if refusal is None else str(path) in refusal
