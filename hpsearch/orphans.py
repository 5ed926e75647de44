"""What a killed run leaves behind in shared memory: the data that its workers mapped."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_MEMORY = Path("/dev/shm")
# joblib names the folder of a run's mapped arrays after the process that made it.
_MAPS = re.compile(r"joblib_memmapping_folder_(\d+)_")


def clear_maps() -> None:
    """Remove the mapped arrays of runs that were killed together with the process that would have removed them.

    They lie in shared memory, which is to say in RAM: one copy of the data set per kill.
    """
    for place in (_MEMORY, Path(tempfile.gettempdir())):
        with suppress(OSError):  # another run may be removing them just now
            for folder in place.iterdir():
                found = _MAPS.match(folder.name)
                if found and folder.stat().st_uid == os.getuid() and not _alive(int(found[1])):
                    shutil.rmtree(folder, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
