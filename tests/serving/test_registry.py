"""A real MLflow store in SQLite."""

import socket
import stat
import traceback

import pytest

from domain.errors import BadInput
from serving.loader import load_bundle
from serving.registry import NoChampion, fetch_champion


def test_the_champion_is_copied_with_its_version_and_digest(store, tmp_path, retention_folder):
    fetched = fetch_champion("retention", store, tmp_path / "private")
    assert (fetched.version, fetched.digest) == ("1", retention_folder[1])
    model = load_bundle(fetched.folder, fetched.digest, fetched.version)
    assert model.card.name == "retention"


def test_the_copy_lies_in_a_folder_that_only_we_can_read(store, tmp_path):
    fetched = fetch_champion("segmentation", store, tmp_path / "private")
    private = tmp_path / "private"
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    top = private / fetched.folder.relative_to(private).parts[0]
    assert stat.S_IMODE(top.stat().st_mode) == 0o700
    assert fetched.folder.is_relative_to(private)


def test_without_a_store_the_command_to_run_is_named_and_none_is_made(tmp_path):
    uri = f"sqlite:///{tmp_path}/none.db"
    with pytest.raises(NoChampion, match="run `gridkeep train retention`"):
        fetch_champion("retention", uri, tmp_path / "private")
    assert not (tmp_path / "none.db").exists()


def test_a_store_without_a_champion_says_so(tmp_path, registers, retention_folder):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    registers(uri, "retention", *retention_folder, champion=False)
    for name in ("retention", "segmentation"):
        with pytest.raises(NoChampion, match=f"no champion of gridkeep-{name}"):
            fetch_champion(name, uri, tmp_path / "private")


def test_a_version_without_a_digest_is_not_trusted(tmp_path, registers, retention_folder):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    registers(uri, "retention", retention_folder[0], None)
    with pytest.raises(BadInput, match=r"no tag 'gridkeep\.digest'"):
        fetch_champion("retention", uri, tmp_path / "private")


def test_files_changed_in_the_store_are_refused(tmp_path, registers, retention_folder):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    registers(uri, "retention", *retention_folder)
    stored = next((tmp_path / "artifacts").rglob("model.txt"))
    stored.write_text(stored.read_text() + "\n")
    fetched = fetch_champion("retention", uri, tmp_path / "private")
    with pytest.raises(BadInput, match=r"model\.txt of the model bundle was changed"):
        load_bundle(fetched.folder, fetched.digest)


def test_files_gone_from_the_store_are_one_clear_message(tmp_path, registers, retention_folder):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    registers(uri, "retention", *retention_folder)
    (tmp_path / "artifacts").rename(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="gridkeep-retention version 1"):
        fetch_champion("retention", uri, tmp_path / "private")


def test_a_password_in_the_address_is_never_told(tmp_path):
    with pytest.raises(BadInput) as told:
        fetch_champion("retention", "sqlite:///me:sesame@/none.db", tmp_path)
    assert "sesame" not in str(told.value)


def test_a_store_that_was_moved_gives_its_champion(tmp_path, registers, retention_folder):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    registers(f"sqlite:///{old}/mlflow.db", "retention", *retention_folder)
    old.rename(new)
    fetched = fetch_champion("retention", f"sqlite:///{new}/mlflow.db", tmp_path / "private")
    assert load_bundle(fetched.folder, fetched.digest).card.name == "retention"
    assert not old.exists()


@pytest.mark.parametrize(
    "uri",
    [
        "http://me:sesame@127.0.0.1:{port}",
        "postgresql+psycopg://me:sesame@127.0.0.1:{port}/models",
        "nosuch://me:sesame@127.0.0.1/models",
    ],
)
def test_a_registry_that_does_not_answer_is_bad_input_without_its_password(
    uri, tmp_path, monkeypatch, capfd
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as taken:  # bound and not listening: refused at once
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(BadInput, match=r"\*\*\*@127\.0\.0\.1.* cannot be used") as told:
            fetch_champion("retention", uri.format(port=taken.getsockname()[1]), tmp_path)
    everything = "".join(traceback.format_exception(told.value)) + "".join(capfd.readouterr())
    assert "sesame" not in everything
