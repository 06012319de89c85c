"""The command in a process of its own, forked from one that has imported the libraries.

Nothing but imports is shared between calls. Each verb is also run by an interpreter that starts
anew, in the tests of bad input, of notebooks and of the whole road.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

IMPORTED = ("gridkeep.verbs", "training.train", "serving.batch", "monitoring.evidently_reports")
HOME = Path(__file__).resolve().parents[1]

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload([*IMPORTED, "evidently", "mlflow", "matplotlib.pyplot"])


def gridkeep_in(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`gridkeep WORDS...` in a folder; its exit code, standard output and standard error."""
    with tempfile.TemporaryDirectory() as folder:
        said = [Path(folder) / name for name in ("out", "err")]
        process = processes.Process(target=_call, args=(home, words, *said))
        process.start()
        process.join()
        out, err = (path.read_text("utf-8") for path in said)
        code = process.exitcode
        process.close()
    return subprocess.CompletedProcess(words, code, out, err)


def _call(home: Path, words: tuple[str, ...], *said: Path) -> None:
    for path, stream in zip(said, (1, 2), strict=True):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream)
    os.chdir(home)
    sys.argv = ["gridkeep", *words]
    from gridkeep.cli import main

    main()
