"""Runs our commands as a person would, each in a process that is forked from one which has loaded what they need.

What a person has and this has not is the wait for imports; that each command imports what it needs is seen where one is
`by_itself`.
"""

import atexit
import os
import runpy
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from tests.forks import forks

ROOT = Path(__file__).resolve().parents[1]
DATASTREAM = "deployments.cli"
_PATIENCE = 60


def run(module: str, *words: str, env: Mapping[str, str], given: str = "") -> subprocess.CompletedProcess[str]:
    """Run `python -m MODULE WORDS` with this environment, and what is `given` to its standard input.

    Instead of a module, it may be a file.
    """
    with tempfile.TemporaryDirectory() as folder:
        names = [Path(folder) / name for name in ("given", "out", "said")]
        names[0].write_text(given)
        process = forks().Process(target=_become, args=(module, words, dict(env), names))
        process.start()
        process.join(_PATIENCE)
        process.kill()
        process.join()
        out, said = names[1].read_text(), names[2].read_text()
        assert process.exitcode is not None
        return subprocess.CompletedProcess([module, *words], process.exitcode, out, said)


def run_code(code: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run these lines of Python with this environment."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lines.py"
        file.write_text(code)
        return run(str(file), env=env)


def by_itself(module: str, *words: str, env: Mapping[str, str], given: str = "") -> subprocess.CompletedProcess[str]:
    """Do the same in a process that loads what it needs itself."""
    command = [sys.executable, "-m", module, *words]
    return subprocess.run(command, env=env, cwd=ROOT, input=given, capture_output=True, text=True, check=False)


def _become(module: str, words: tuple[str, ...], env: dict[str, str], names: list[Path]) -> None:
    with names[0].open() as given, names[1].open("w") as out, names[2].open("w") as said:
        for number, file in enumerate((given, out, said)):
            os.dup2(file.fileno(), number)
    sys.stdin = os.fdopen(0)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    _read_anew()
    sys.argv = [module, *words]
    try:
        if module.endswith(".py"):
            runpy.run_path(module, run_name="__main__")
        else:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        # As the interpreter ends: who serves in a thread is waited for first.
        threading._shutdown()
        atexit._run_exitfuncs()


def _read_anew() -> None:
    """Have Prefect read the environment again, as it does when it is imported."""
    from prefect.context import refresh_global_settings_context
    from prefect.logging.configuration import setup_logging

    refresh_global_settings_context()
    setup_logging()
