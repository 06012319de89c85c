"""`bentoml build` packs a service that starts from its own files alone."""

import ast
import os
import subprocess
import sys
import tomllib

import pytest
import yaml

SILENT = {"BENTOML_DO_NOT_TRACK": "true"}


@pytest.fixture(scope="module")
def settings(repository):
    return yaml.safe_load((repository / "bentofile.yaml").read_text())


def test_the_packages_of_a_bento_have_the_ranges_of_the_project(repository, settings):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    for package in settings["python"]["packages"]:
        if not package.startswith("prometheus-client"):  # comes with bentoml, in its range
            assert package in project["dependencies"]


def test_every_library_that_serving_imports_is_packed(repository, settings):
    packed = {package.partition(">")[0] for package in settings["python"]["packages"]}
    ours = {"domain", "features", "serving", *sys.stdlib_module_names}
    for path in (repository / "serving").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in {name.partition(".")[0] for name in names} - ours:
                assert name.replace("_", "-") in packed, f"{path.name} imports {name}"


@pytest.mark.slow
def test_a_built_bento_holds_the_service_and_imports_by_itself(repository, tmp_path):
    environment = {**os.environ, **SILENT, "BENTOML_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "bentoml", "build", str(repository), "--version", "test"]
    built = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (bento,) = (tmp_path / "home" / "bentos" / "gridkeep").glob("test")
    packed = {path.relative_to(bento / "src").as_posix() for path in bento.rglob("src/**/*.py")}
    assert {"serving/service.py", "features/online.py", "domain/bundle.py"} <= packed
    assert not any(each.startswith(("tests/", "training/")) for each in packed)
    script = "import sys; sys.path.insert(0, '.'); import serving.service as s; print(s.__file__)"
    alone = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=bento / "src",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert alone.stdout.strip() == str(bento / "src" / "serving" / "service.py"), alone.stderr
