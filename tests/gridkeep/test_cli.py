"""The command line: help with examples, exit codes, JSON, progress."""

import json
import os
import signal
import socket
import subprocess
import sys

import click
import pytest

from gridkeep import cli, mlflow_ui
from gridkeep.cli import group
from gridkeep.show import Progress

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
    assert set(promised.split()) | {"card", "segments", "serve", "monitor", "ui"} == set(VERBS)


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


@pytest.mark.parametrize("traceback", ["", "1"])
def test_a_bug_report_tells_no_password(run, monkeypatch, traceback):
    def fail(path):
        raise RuntimeError("no answer from 'postgresql://me:se@same@db/models?password=sesame'")

    monkeypatch.setenv("GRIDKEEP_TRACEBACK", traceback)
    monkeypatch.setattr(cli, "_config", fail)
    answer = run("models")
    assert answer.code == 3
    assert "***@db/models" in answer.err
    assert "same" not in answer.err
    assert ("Traceback" in answer.err) == bool(traceback)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_store_is_not_on_the_command_line_of_the_ui(run, bank, monkeypatch):
    started = []
    monkeypatch.setattr(mlflow_ui, "until_stopped", lambda *given: started.append(given))
    assert run("ui", "--config", bank.config, "--port", free_port()).code == 0
    command, named, _ = started[0]
    assert not [word for word in command if "://" in word]
    uri = f"sqlite:///{bank.home / 'mlruns' / 'mlflow.db'}"
    assert named["MLFLOW_BACKEND_STORE_URI"] == uri


def test_a_store_that_does_not_answer_is_exit_1(run, bank, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nosuch://me:sesame@127.0.0.1/models")
    for verb in (["models"], ["promote", "retention", "1"], ["ui", "--port", free_port()]):
        answer = run(*verb, "--config", bank.config)
        assert answer.code == 1, answer
        assert "nosuch://***@127.0.0.1/models cannot be used" in answer.err
        assert "sesame" not in answer.err


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


def test_long_work_tells_its_share_every_ten_seconds_where_there_is_no_terminal(capsys):
    seconds = iter([0.0, 4.0, 12.0, 12.0, 15.0, 21.0])
    progress = Progress(clock=lambda: next(seconds))
    for share in (0.0, 0.2, 0.55, 0.6, 1.0):
        progress("features", share)
    assert capsys.readouterr().err == "features ...\nfeatures: 55%\nfeatures: 21.0 s\n"


STOPPED_WHILE_WRITING = """
import os, signal, sys, time
from pathlib import Path
from features.atomic import replacing
from gridkeep import cli, verbs

def writing(config, as_of, out, progress):
    with replacing(out) as file:
        file.write_text("rows of customers")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)

verbs.score_bank = writing
cli.main()
"""


def test_a_terminated_run_leaves_nothing_half_written_and_says_so(bank):
    words = ["score", "--as-of", "2025-06-01", "--out", "s.parquet", "--config", str(bank.config)]
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_WHILE_WRITING, *words],
        cwd=bank.home,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert done.stderr == "stopped; nothing half-written was left\n"
    assert bank.written() == set()


def test_a_call_from_python_leaves_the_signal_handler_as_it_was(run):
    before = signal.getsignal(signal.SIGTERM)
    run("--help")
    assert signal.getsignal(signal.SIGTERM) is before
