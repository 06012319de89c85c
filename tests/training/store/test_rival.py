import shutil
from pathlib import Path

import pytest

from domain.errors import BadInput
from tests.training.versions import register
from training.store.rival import rival_of
from training.tracking import Store


def test_that_a_champion_is_gone_is_told_without_the_place_of_the_store(
    store: Store, tmp_path: Path
) -> None:
    assert rival_of(store, store.champion("retention"), tmp_path) is None
    register(store, tmp_path)
    shutil.rmtree(tmp_path / "mlruns" / "artifacts")
    rival = rival_of(store, store.champion("retention"), tmp_path)
    assert rival is not None
    assert rival.version == "1"
    with pytest.raises(BadInput, match="cannot be fetched") as told:  # goes into notes and cards
        rival.place()
    assert tmp_path.name not in str(told.value)
