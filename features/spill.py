"""A folder for what does not fit into memory: private, and gone with the run, however it ends."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from features.atomic import claim, sweep

SPILL = "gridkeep-spill-"


class Spill(NamedTuple):
    """A folder that only this user can read, and the lock that says that it is in use."""

    path: Path
    lock: int

    def give_back(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)


def spill_folder() -> Spill:
    """A folder for us alone; those of killed runs, which hold customers' rows, are removed."""
    parent = Path(tempfile.gettempdir())
    sweep(parent, SPILL)
    return Spill(*claim(parent, SPILL, lambda path: path.mkdir(mode=0o700)))
