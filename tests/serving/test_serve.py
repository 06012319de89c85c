"""Starting, refusing to start, keys, and stopping."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time

import httpx
import pytest

from domain.errors import BadInput
from domain.layout import Layout
from serving.deployment import Deployment
from serving.serve import SERVICE, serve
from serving.settings import ServingSettings

KEY, OTHER = "0123456789abcdef", "a-second-key-of-the-crm"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, servers, store, bank):
    """A service with two keys."""
    variables = {"GRIDKEEP_API_KEYS": f"{KEY}, {OTHER}"}
    started = servers(tmp_path_factory.mktemp("out"), store, bank.online, **variables)
    assert started.wait().startswith("http://")
    yield started
    started.stop()


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/docs.json", "/nowhere", "/", "//x"])
def test_every_route_needs_a_key(guarded, path):
    for headers in (
        {},
        {"Authorization": "Bearer wrong-key-wrong-key"},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
        {"Authorization": f"Bearer {KEY[:-1]}"},
        {"Authorization": f"Bearer {KEY}, {OTHER}"},
        {"Authorization": "Bearer"},
    ):
        with guarded.client() as client:
            answer = client.get(f"http://127.0.0.1:{guarded.port}{path}", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.slow
@pytest.mark.parametrize("key", [KEY, OTHER])
def test_each_key_opens(guarded, key):
    with guarded.client(key) as client:
        assert client.get("/v1/models").status_code == 200
        told = client.post("/v1/score", json={"customers": [{"customer_id": "C000001"}]})
        assert told.status_code == 200
        named = client.get("/v1/models", headers={"Host": "scores.bank.example"})
        assert named.status_code == 200


@pytest.mark.slow
def test_health_needs_no_key_and_tells_no_secret(guarded):
    with guarded.client() as client:
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 200
    for path in guarded.logs.iterdir():
        assert KEY.encode() not in path.read_bytes()


@pytest.mark.slow
def test_a_port_in_use_is_one_message(guarded, tmp_path, store, bank):
    with pytest.raises(BadInput, match=rf"port {guarded.port} of 127\.0\.0\.1 .*in use"):
        serve(ServingSettings(), Layout(tmp_path), "127.0.0.1", guarded.port, store, bank.online)


@pytest.mark.slow
def test_a_second_header_of_the_same_name_gives_nothing(guarded):
    connection = http.client.HTTPConnection("127.0.0.1", guarded.port, timeout=10)
    connection.putrequest("GET", "/v1/models")
    connection.putheader("Authorization", "Bearer forged-key-forged-key")
    connection.putheader("Authorization", f"Bearer {KEY}")
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 401


@pytest.mark.slow
def test_without_a_model_nothing_is_served_and_the_counts_of_others_stay(
    guarded, servers, tmp_path, bank, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with guarded.client(KEY) as client:
        assert client.get("/v1/models").status_code == 200
        counted = 'gridkeep_requests_total{route="/v1/models",status="200"}'
        assert counted in client.get("/metrics").text
        other = servers(tmp_path, f"sqlite:///{tmp_path}/none.db", bank.online)
        assert "run `gridkeep train retention`" in other.wait()
        assert other.process.wait(30) == 1
        with pytest.raises(httpx.ConnectError), other.client() as refused:
            refused.get("/livez")
        other.stop()
        assert counted in client.get("/metrics").text
    assert not list(tmp_path.glob("gridkeep-serve-*"))


@pytest.mark.slow
def test_bentoml_alone_lives_but_is_not_ready_without_a_model(tmp_path, bank):
    """As a container starts it: the reason stands in /readyz, and no score is given."""
    where = Deployment(bank.online, tmp_path / "logs", f"sqlite:///{tmp_path}/none.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bentoml", "serve", SERVICE, "--port", str(port)]
    command += ["--host", "127.0.0.1"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    told = {**where.variables(), "BENTOML_HOME": str(tmp_path / "home")}
    child = subprocess.Popen(command, env={**os.environ, **told}, **quiet)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            ready = _when_settled(client)
            assert ready.status_code == 503
            assert ready.json()["state"] == "failed"
            assert "gridkeep train retention" in ready.json()["detail"]
            assert client.get("/livez").status_code == 200
            asked = client.post("/v1/score", json={"customers": [{"customer_id": "C1"}]})
            assert asked.status_code == 503
            assert client.get("/v1/models").status_code == 503
    finally:
        child.terminate()
        child.wait(30)


def _when_settled(client):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            answer = client.get("/readyz")
            if answer.status_code == 200 or answer.json()["state"] == "failed":
                return answer
        time.sleep(0.2)
    pytest.fail("the service settled on nothing within a minute")


@pytest.mark.slow
def test_a_broken_bundle_never_serves(servers, tmp_path, registers, bank, retention_folder):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    registers(uri, "retention", *retention_folder)
    stored = next((tmp_path / "artifacts").rglob("model.txt"))
    stored.write_bytes(stored.read_bytes()[:-1])
    started = servers(tmp_path / "out", uri, bank.online)
    assert "model.txt of the model bundle was changed" in started.wait()
    started.stop()


@pytest.mark.slow
def test_a_stop_while_it_loads_leaves_nothing_running(servers, tmp_path, store, bank):
    started = servers(tmp_path, store, bank.online)
    while not (tmp_path / "logs" / "service.log").exists():
        time.sleep(0.05)
    time.sleep(1)
    started.stop()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", started.port))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_a_public_address_without_keys_is_refused(tmp_path, monkeypatch, host):
    monkeypatch.delenv("GRIDKEEP_API_KEYS", raising=False)
    with pytest.raises(BadInput, match=r"no key is set; set GRIDKEEP_API_KEYS"):
        serve(ServingSettings(), Layout(tmp_path), host, 3000, "sqlite:///x", tmp_path / "online")


def test_a_short_key_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDKEEP_API_KEYS", "short")
    with pytest.raises(BadInput, match="shorter than 16 characters"):
        serve(ServingSettings(), Layout(tmp_path), "127.0.0.1", 3000, "x", tmp_path / "online")


def test_a_log_folder_that_cannot_be_made_is_one_message(tmp_path):
    (tmp_path / "file").write_text("")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(BadInput, match=r"log folder .* cannot be written"):
        serve(ServingSettings(), Layout(tmp_path / "file"), "127.0.0.1", port, "x", tmp_path / "o")
