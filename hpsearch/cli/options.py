"""Options of the command line: those that commands share, and the ones of a run in one object."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hpsearch.errors import HpsearchError, must_be


def _parse_jobs(text: str) -> int:
    """Return the number of jobs that a text names; the execution checks its range."""
    try:
        return int(text)
    except ValueError:
        raise HpsearchError(must_be("jobs", "a whole number >= 1", text, "Leave it out for one worker per core.")) from None


def _parse_seconds(text: str) -> float:
    """Return the seconds that a text names; the execution checks their range."""
    try:
        return float(text)
    except ValueError:
        advice = "Leave it out to wait for ever."
        raise HpsearchError(must_be("patience", "a number of seconds", text, advice)) from None


Debug = Annotated[bool, typer.Option("--debug", help="Stop in the debugger where the objective raises.")]
Uri = Annotated[str | None, typer.Option("--tracking-uri", help="Another MLflow store: sqlite:///FILE or http://HOST:PORT.")]
StudyFile = Annotated[Path, typer.Argument(help="A Python file that defines a study.")]
StudyName = Annotated[str | None, typer.Option("--study", help="The name of the study, if the file defines several.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A study's name, as in: hpsearch list")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", parser=_parse_jobs, metavar="N", help="Trials that run in parallel; default: one per core."),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start again instead of resuming the recorded study.")]
Retry = Annotated[bool | None, typer.Option("--retry/--no-retry", help="Run failed trials again; a grid always does.")]
Smoke = Annotated[bool, typer.Option("--smoke", help="Check the study: two trials of one epoch on little data, not recorded.")]
Model = Annotated[
    bool | None, typer.Option("--model/--no-model", help="Log the best model in MLflow; default: if that is quick.")
]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Draw the plots and the report at the end.")]
AcceptChange = Annotated[
    bool, typer.Option("--accept-change", help="Resume although the objective changed; earlier trials are marked.")
]
TakeOver = Annotated[
    bool, typer.Option("--take-over", help="Go on with a study on a server whose machine fell silent, without the usual wait.")
]
BackendOption = Annotated[str, typer.Option("--backend", help="loky (processes), threading or sequential.")]
ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="WHERE",
        help="local (default), dask://HOST:PORT or tls://...; who reaches a scheduler can run code on its workers and here.",
    ),
]
Patience = Annotated[
    float | None,
    typer.Option(
        "--patience",
        parser=_parse_seconds,
        metavar="SECONDS",
        help="How long a study waits while its cluster has no worker; default: for ever.",
    ),
]
AnyMachine = Annotated[
    bool, typer.Option("--any-machine", help="Also use workers with other versions or processors; their bits may differ.")
]

Trials = Annotated[int | None, typer.Option("--trials", metavar="N", help="Another number of trials, under a name of its own.")]
Seed = Annotated[int | None, typer.Option("--seed", metavar="S", help="Another seed, under a name of its own.")]


@dataclass(frozen=True)
class RunOptions:
    """The options of a run: those of ``hpsearch run FILE``, and of a study's own file."""

    jobs: Jobs = None
    fresh: Fresh = False
    retry: Retry = None
    smoke: Smoke = False
    tracking_uri: Uri = None
    backend: BackendOption = "loky"
    model: Model = None
    report: Report = True
    accept_change: AcceptChange = False
    take_over: TakeOver = False
    executor: ExecutorOption = None
    patience: Patience = None
    any_machine: AnyMachine = False
    trials: Trials = None
    seed: Seed = None
