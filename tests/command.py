"""The command line, called in this process: the same entry point as the command, without seconds of imports for each call."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from hpsearch.cli import app

ENDS = (signal.SIGTERM, signal.SIGHUP)


def run_command(folder: Path, *arguments: str, answer: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Return what `hpsearch ARGUMENTS`, typed in a folder, prints and its exit code."""
    out, errors, handlers, path = StringIO(), StringIO(), {n: signal.getsignal(n) for n in ENDS}, list(sys.path)
    with chdir(folder), redirect_stdout(out), redirect_stderr(errors), pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for name, value in {"COLUMNS": "160", **environment}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["hpsearch", *arguments])
        patch.setattr(sys, "stdin", StringIO(answer))
        try:
            app(list(arguments))
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            sys.path[:] = path
    return subprocess.CompletedProcess(list(arguments), code, out.getvalue(), errors.getvalue())
