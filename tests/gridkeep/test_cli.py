"""The command line: help with examples, exit codes, JSON, progress."""

import json

import click
import pytest

from gridkeep import cli
from gridkeep.cli import group

VERBS = sorted(group.commands)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example_that_parses(run, verb):
    answer = run(verb, "--help")
    assert answer.code == 0
    assert "--config" in answer.out
    assert "--json" in answer.out
    example = answer.out.partition("Example:")[2].split()
    assert example[:2] == ["gridkeep", verb]
    command = group.commands[verb]
    context = click.Context(command, info_name=verb)
    command.parse_args(context, example[2:])


def test_every_promised_verb_is_there():
    promised = "demo init simulate check partition features train models promote rollback score"
    assert set(promised.split()) | {"serve", "monitor", "ui"} == set(VERBS)


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["train", "nonsense"],
        ["features", "--out", "x"],
        ["score", "--as-of", "31.01.2026", "--out", "x"],
        ["serve", "--port", "99999"],
        ["simulate", "--out", "x", "--customers", "0"],
        ["check", "--unknown"],
    ],
)
def test_wrong_words_are_bad_input_and_say_so(run, words):
    answer = run(*words)
    assert answer.code == 1
    assert answer.err
    assert "Traceback" not in answer.err


def test_a_bug_of_ours_is_exit_3_and_says_it_is_ours(run, monkeypatch):
    monkeypatch.setattr(cli, "_config", lambda path: 1 / 0)
    answer = run("models")
    assert answer.code == 3
    assert "bug of gridkeep" in answer.err
    assert "Traceback" not in answer.err


def test_json_is_one_document_on_standard_output(run, bank):
    answer = run("check", "--json", "--config", bank.config)
    assert answer.code == 0
    document = json.loads(answer.out)
    found = {table["table"]: table["accepted"] for table in document["quality"]["tables"]}
    assert (found["customers"], found["transactions"]) == (3, 4)
    parted = json.loads(run("partition", "--json", "--config", bank.config).out)
    assert parted["report"]["customers"] == 3


def test_no_models_yet_says_what_to_run(run, bank):
    answer = run("models", "--config", bank.config)
    assert answer.code == 0
    assert "gridkeep train retention" in answer.out


def test_progress_goes_to_standard_error(run, bank):
    answer = run("partition", "--config", bank.config)
    assert "placing customers" in answer.err
    assert "placing customers" not in answer.out
