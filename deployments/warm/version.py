"""Tells when the code that a process has loaded is no longer the code that is there."""

import os
import site
import sys
import time
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path

Stamp = tuple[int, int, int] | None


def loaded() -> dict[str, Stamp]:
    """Return what decides of what is imported, each with what changes when it does.

    These are the files of all modules, the interpreter, and the folders that packages are installed in, from which a
    process learns when it starts where the editable ones are.
    """
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    installed = [*site.getsitepackages(), site.getusersitepackages()]
    return stamped({sys.executable, *installed, *(file for file in files if isinstance(file, str))})


def own(known: Mapping[str, Stamp]) -> dict[str, Stamp]:
    """Return those of the files that are no library's: they change while people work."""
    libraries = tuple({str(Path(prefix) / "lib") for prefix in (sys.prefix, sys.base_prefix)})
    return {file: seen for file, seen in known.items() if not file.startswith(libraries)}


def blamed(error: BaseException) -> dict[str, Stamp]:
    """Return the files of this project's packages, and others where an error may have to be mended."""
    project = Path(__file__).resolve().parents[2]
    packages = ("blocks", "datastream", "deployments", "tasks")
    files = [str(file) for package in packages for file in (project / package).rglob("*.py")]
    traced = traceback.extract_tb(error.__traceback__)
    return stamped([*files, getattr(error, "filename", None) or __file__, *(frame.filename for frame in traced)])


def stamped(files: Iterable[str]) -> dict[str, Stamp]:
    """Return each file with its stamp."""
    return {file: stamp(file) for file in files}


def changed(known: Mapping[str, Stamp]) -> str | None:
    """Return a file that is another one by now, or None."""
    return next((file for file, before in known.items() if stamp(file) != before), None)


def newer(known: Mapping[str, Stamp], moment: float) -> str | None:
    """Return a file that was written after a moment, or None. One from the future tells of a clock set back."""
    now = time.time()
    return next((file for file, seen in known.items() if seen and moment < seen[2] / 1e9 <= now), None)


def stamp(file: str) -> Stamp:
    """Return what tells one content of a file from another. Whoever writes can set its time back, but not this one."""
    try:
        found = os.stat(file)  # noqa: PTH116 - some thousands of files are looked at before each run
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_ctime_ns
