"""The command in this process, where a test is about its results and not about how it starts."""

import io
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch


def gridkeep_in(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`gridkeep WORDS...` in a folder; its exit code, standard output and standard error."""
    from gridkeep.cli import main

    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        chdir(home),
        redirect_stdout(out),
        redirect_stderr(err),
        patch.object(sys, "argv", ["gridkeep", *words]),
        patch.dict(os.environ),
    ):
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def gridkeep_started(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The same by an interpreter that starts anew, as a user's shell does."""
    command = [sys.executable, "-m", "gridkeep", *words]
    return subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
