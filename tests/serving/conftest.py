"""Small real parts: boosters trained in a second, bundles on disk, a registry in SQLite."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.bundle import (
    CALIBRATION_FILE,
    CARD_FILE,
    CELL_RATES_FILE,
    DIGEST_TAG,
    HASHES_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    NEXT_FILE,
    ModelCard,
    bundle_digest,
    registered_name,
)
from domain.cell_rates import CELL_LEAVING_RATE, CellRates
from features.manifest import FeatureManifest
from features.online import build_online
from features.registry import FEATURES, features_hash
from features.settings import ValueSettings
from features.snapshot import METADATA
from serving.loader import LoadedModel, load_bundle
from serving.scoring import Scorer

AS_OF = date(2026, 1, 1)
NUMBERS = ("recency_days", "transactions_30d", "credit_90d", "balance_mean_90d", "age_years")
CATEGORIES = ("customer_occupation", "customer_kind")
GRID = "grid-00000007"
SEGMENTS = ("quiet", "middle", "busy")
PARAMS = {"verbose": -1, "num_threads": 1, "seed": 1, "deterministic": True, "min_data_in_leaf": 5}
PARAMS |= {"min_data_per_group": 1, "cat_smooth": 1}


RATES = CellRates(
    grid_version=GRID,
    bank_rate=0.1,
    prior_customers=40.0,
    customers_min=10,
    rates={f"cell-{at}": 0.03 * at for at in range(6)},  # none of cell-6
)


class Bank(NamedTuple):
    """A small bank: its snapshot, its online store, and the frame that both hold."""

    snapshot: Path
    online: Path
    frame: pd.DataFrame
    grid_version: str


def feature_frame(rows: int, seed: int = 0, every: bool = False) -> pd.DataFrame:
    """Customers with the columns of a snapshot; `every` registered feature, or the models' own."""
    rng = np.random.default_rng(seed)
    frame: dict[str, Any] = {"customer_id": [f"C{at:06d}" for at in range(rows)]}
    frame["as_of"] = [AS_OF] * rows
    frame["cell_id"] = [f"cell-{at % 7}" for at in range(rows)]
    wanted = [name for name in FEATURES if every or name in NUMBERS + CATEGORIES]
    for name in wanted:
        if FEATURES[name].kind == "number":
            values = np.round(rng.gamma(2.0, 20.0, rows), 6)
            values[rng.random(rows) < 0.1] = np.nan
            frame[name] = np.minimum(values, FEATURES[name].high or np.inf)
        else:
            frame[name] = rng.choice(np.array(["clerk", "farmer", "nurse", None]), rows)
    return pd.DataFrame(frame)


def write_bundle(
    folder: Path, name: str, change: dict[str, bytes | None] | None = None, rated: bool = False
) -> str:
    """A bundle as training writes it; its digest. `change` replaces files before hashing.

    None takes a file away. A `rated` model reads the rates of cells RATES.
    """
    folder.mkdir(parents=True)
    for file, content in (bundle_files(name, rated) | (change or {})).items():
        if content is not None:
            (folder / file).write_bytes(content)
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    (folder / HASHES_FILE).write_text(json.dumps(hashes))
    return bundle_digest(hashes)


def bundle_files(name: str, rated: bool = False) -> dict[str, bytes]:
    frame = feature_frame(400)
    columns = frame[[*NUMBERS, *CATEGORIES]]
    if rated:
        columns = RATES.added_to(frame)[[*columns, CELL_LEAVING_RATE]]
    manifest = FeatureManifest.fit(columns)
    matrix = manifest.encode(columns)
    risk = np.nan_to_num(matrix[:, 0]) + 30 * (matrix[:, 5] == 2)  # one occupation leaves
    risk += 300 * matrix[:, -1] if rated else 0  # and so do some cells
    gone = risk > np.nan_to_num(matrix[:, 1], nan=40)
    files = {MANIFEST_FILE: manifest.model_dump_json().encode()}
    card = {
        "name": name,
        "grid_version": GRID if rated else "grid-00000001",
        "trained_as_of": [AS_OF],
        "evaluated_as_of": [AS_OF],
        "profile_as_of": AS_OF,
        "git_revision": "0" * 40,
        "features_hash": features_hash(),
        "data_hashes": {},
        "settings": {},
        "metrics": {"auc": 0.8},
    }
    if rated:
        files[CELL_RATES_FILE] = RATES.model_dump_json().encode()
    if name == "retention":
        card |= {"value_feature": "balance_mean_90d", "risk_edges": [0.3, 0.6]}
        knots = {"raw": [-4.0, -1.0, 0.0, 2.0], "probability": [0.01, 0.2, 0.5, 0.95]}
        files[CALIBRATION_FILE] = json.dumps(knots).encode()
        files[MODEL_FILE] = _trees(matrix, gone, manifest, {"objective": "binary"})
    else:
        card |= {"segments": SEGMENTS}
        classes = np.digitize(np.nan_to_num(matrix[:, 1]), [20, 50])
        many = {"objective": "multiclass", "num_class": 3}
        files[MODEL_FILE] = _trees(matrix, classes, manifest, many)
        files[NEXT_FILE] = _trees(matrix, np.roll(classes, 1), manifest, many)
    return {**files, CARD_FILE: ModelCard.model_validate(card).model_dump_json().encode()}


def outlook_files() -> dict[str, bytes]:
    """A model by horizon of two definitions, and a margin model, as training writes them."""
    from training.outlook.horizons import fit_kind
    from training.outlook.value import fit_value
    from training.settings import RetentionSettings

    frame, random = feature_frame(400), np.random.default_rng(5)
    columns, ids = frame[[*NUMBERS, *CATEGORIES]], frame["customer_id"]
    soon = np.nan_to_num(columns["recency_days"]) / 80 > random.random(400)
    lost = pd.DataFrame({"lost_30d": soon, "lost_90d": soon | (random.random(400) < 0.3)})
    settings = RetentionSettings(rounds=20, threads=1)
    files: dict[str, str] = {}
    for kind in ("silent", "closed"):
        files |= fit_kind(kind, columns, lost.astype(int), ids, (30, 90), settings).files()
    margin = np.nan_to_num(columns["balance_mean_90d"].to_numpy()) * random.gamma(4, 0.25, 400)
    files |= fit_value(columns, margin, ids, ValueSettings(), settings).files()
    return {name: text.encode() for name, text in files.items()}


def _trees(
    matrix: np.ndarray, label: np.ndarray, manifest: FeatureManifest, objective: dict[str, object]
) -> bytes:
    data = lightgbm.Dataset(
        matrix,
        label.astype(float),
        feature_name=manifest.names,
        categorical_feature=manifest.categories,
    )
    text: str = lightgbm.train(PARAMS | objective, data, 20).model_to_string()
    return text.encode()


def register(uri: str, name: str, folder: Path, digest: str | None, champion: bool = True) -> str:
    """Register the bundle in a real MLflow store; the version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own libraries deprecate one another
        return _registered(uri, name, folder, digest, champion)


def _registered(uri: str, name: str, folder: Path, digest: str | None, champion: bool) -> str:
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    experiment = client.get_experiment_by_name("tests")
    artifacts = Path(uri.removeprefix("sqlite:///")).parent / "artifacts"
    number = (
        experiment.experiment_id
        if experiment
        else client.create_experiment("tests", artifacts.as_uri())
    )
    run = client.create_run(number)
    client.log_artifacts(run.info.run_id, str(folder), "model")
    if not client.search_registered_models(f"name = '{registered_name(name)}'"):
        client.create_registered_model(registered_name(name))
    version = client.create_model_version(
        registered_name(name),
        f"{run.info.artifact_uri}/model",
        run.info.run_id,
        tags={DIGEST_TAG: digest} if digest else None,
    ).version
    if champion:
        client.set_registered_model_alias(registered_name(name), "champion", version)
    return str(version)


def write_snapshot(path: Path, frame: pd.DataFrame) -> None:
    """The frame as `gridkeep features` writes it, with all that is said about it."""
    words = {
        "as_of": [AS_OF.isoformat()],
        "grid_version": GRID,
        "features": [name for name in frame.columns if name in FEATURES],
        "features_hash": features_hash(),
        "data_hashes": {},
    }
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table.replace_schema_metadata({METADATA: json.dumps(words).encode()}), path)


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """A snapshot of 300 customers and the online store built of it."""
    folder = tmp_path_factory.mktemp("bank")
    frame = feature_frame(300, seed=21, every=True)
    write_snapshot(folder / "snapshot.parquet", frame)
    build_online(folder / "snapshot.parquet", folder / "online.sqlite")
    return Bank(folder / "snapshot.parquet", folder / "online.sqlite", frame, GRID)


class Server:
    """`serve` in a process of its own, and a client that speaks to it."""

    def __init__(
        self, folder: Path, uri: str, online: Path, language: str = "en", **variables: str
    ) -> None:
        self.port, self.logs = free_port(), folder / "logs"
        told = [str(each) for each in (folder, self.port, uri, online, language)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, *told],
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait(self) -> str:
        """What it says when it is ready, or when it could not be."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def client(self, key: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=30, trust_env=False
        )

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(40)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        return code


SERVE = """
import sys
from pathlib import Path
from domain.errors import BadInput
from domain.layout import Layout
from serving.serve import serve
from serving.settings import ServingSettings

folder, port, uri, online, language = sys.argv[1:]
try:
    settings, layout = ServingSettings(language=language), Layout(Path(folder))
    sys.exit(serve(settings, layout, "127.0.0.1", int(port), uri, Path(online),
        lambda url: print(url, flush=True)))
except BadInput as error:
    print(error, flush=True)
    sys.exit(1)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def servers() -> type[Server]:
    return Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, store: str, bank: Bank) -> Iterator[Server]:
    """The real service with both champions, without keys."""
    started = Server(tmp_path_factory.mktemp("out"), store, bank.online)
    assert started.wait() == f"http://127.0.0.1:{started.port}"
    yield started
    assert started.stop() == 0


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as opened:
        yield opened


@pytest.fixture(scope="session")
def frames() -> Callable[..., pd.DataFrame]:
    return feature_frame


@pytest.fixture(scope="session")
def snapshots() -> Callable[[Path, pd.DataFrame], None]:
    return write_snapshot


@pytest.fixture(scope="session")
def bundles() -> Callable[..., str]:
    return write_bundle


@pytest.fixture(scope="session")
def registers() -> Callable[..., str]:
    return register


@pytest.fixture(scope="session")
def retention_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("bundles") / "retention"
    return folder, write_bundle(folder, "retention")


@pytest.fixture(scope="session")
def rated_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A retention model that reads the rate of loss of cells of GRID."""
    folder = tmp_path_factory.mktemp("bundles") / "rated"
    return folder, write_bundle(folder, "retention", rated=True)


@pytest.fixture(scope="session")
def outlook_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A retention model of [label] kind silent with everything of the time ahead."""
    folder = tmp_path_factory.mktemp("bundles") / "outlook"
    card = json.loads(bundle_files("retention")[CARD_FILE])
    card["settings"] = {"label": {"kind": "silent"}}
    change = {**outlook_files(), CARD_FILE: json.dumps(card).encode()}
    return folder, write_bundle(folder, "retention", change)


@pytest.fixture(scope="session")
def segmentation_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("bundles") / "segmentation"
    return folder, write_bundle(folder, "segmentation")


@pytest.fixture(scope="session")
def retention(retention_folder: tuple[Path, str]) -> LoadedModel:
    return load_bundle(*retention_folder, version="3")


@pytest.fixture(scope="session")
def segmentation(segmentation_folder: tuple[Path, str]) -> LoadedModel:
    return load_bundle(*segmentation_folder, version="5")


@pytest.fixture(scope="session")
def scorer(retention: LoadedModel, segmentation: LoadedModel) -> Scorer:
    return Scorer(retention, segmentation)


@pytest.fixture(scope="session")
def store(
    tmp_path_factory: pytest.TempPathFactory,
    retention_folder: tuple[Path, str],
    segmentation_folder: tuple[Path, str],
) -> str:
    """The address of a registry with both champions."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('mlruns')}/mlflow.db"
    register(uri, "retention", *retention_folder)
    register(uri, "segmentation", *segmentation_folder)
    return uri
