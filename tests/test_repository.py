"""The repository as a stranger meets it: names, docs, commands, secrets."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest

PACKAGES = ["domain", "features", "training", "serving", "monitoring", "gridkeep"]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_provides_a_package_of_our_name(package):
    assert set(packages_distributions().get(package, ["gridkeep"])) == {"gridkeep"}


def commands_of(text: str) -> list[str]:
    """Lines of the shell blocks of a page, comments left out."""
    blocks = re.findall(r"```(?:sh|console|bash)\n(.*?)```", text, re.DOTALL)
    lines = [line.split("  #")[0].rstrip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_both_readmes_show_the_same_commands(repository):
    english = (repository / "README.md").read_text(encoding="utf-8")
    chinese = (repository / "README.zh-CN.md").read_text(encoding="utf-8")
    assert commands_of(english)
    assert commands_of(english) == commands_of(chinese)


def test_the_readme_names_only_commands_that_there_are(repository):
    from gridkeep.cli import group

    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    for line in commands_of((repository / "README.md").read_text(encoding="utf-8")):
        words = line.split()
        if words[0] == "make":
            assert f"\n{words[1]}:" in makefile
        if "gridkeep" in words[0]:
            assert words[1] in group.commands


def test_generated_pages_are_what_the_code_says(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "docs"))
    import generate

    for page, text in generate.PAGES.items():
        assert (repository / "docs" / page).read_text(encoding="utf-8") == text(), (
            f"docs/{page} is stale; run `make docs`"
        )
        assert "Pydantic" not in text(), page  # a key without a default is required


def test_links_of_the_docs_lead_somewhere(repository):
    pages = [*repository.glob("*.md"), *(repository / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_nothing_committed_names_this_machine_or_holds_data(repository):
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=False
    )
    if tracked.returncode:
        pytest.skip("not a git checkout")
    names = tracked.stdout.splitlines()
    assert not [name for name in names if name.endswith((".parquet", ".db", ".pkl", ".joblib"))]
    assert [name for name in names if name.startswith("mlruns/")] in ([], ["mlruns/README.md"])
    home = str(repository)
    for name in names:
        content = (repository / name).read_bytes()
        assert home.encode() not in content, f"{name} holds the path of this checkout"


def test_importing_the_packages_calls_nothing_heavy():
    code = (
        "import sys, gridkeep.cli;"
        "heavy = {'pandas', 'mlflow', 'bentoml', 'evidently', 'lightgbm', 'ibis', 'matplotlib'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_road_to_serving_knows_no_pickle(repository):
    for package in PACKAGES:
        for module in (repository / package).rglob("*.py"):
            text = module.read_text(encoding="utf-8")
            assert not re.search(r"^\s*(import|from) (pickle|joblib|dill|cloudpickle)", text, re.M)
            assert "pyfunc.load_model(" not in text


def test_every_column_of_scores_and_drift_is_described(repository):
    from domain.scores import SCORE_COLUMNS
    from monitoring.drift import DRIFT_COLUMNS

    page = (repository / "docs" / "outputs.md").read_text(encoding="utf-8")
    missing = [name for name in (*SCORE_COLUMNS, *DRIFT_COLUMNS) if f"`{name}`" not in page]
    assert missing == []


def test_every_configuration_key_has_a_meaning(repository):
    page = (repository / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert [line for line in page.splitlines() if line.endswith("|  |")] == []
