"""The options that commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from hpsearch.errors import HpsearchError, must_be


def _whole(text: str) -> int:
    """Read a number of jobs; what it means is for the execution to judge."""
    try:
        return int(text)
    except ValueError:
        raise HpsearchError(must_be("jobs", "a whole number >= 1", text, "Leave it out for one worker per core.")) from None


Debug = Annotated[bool, typer.Option("--debug", help="Stop in the debugger where the objective raises.")]
Uri = Annotated[str | None, typer.Option("--tracking-uri", help="Another MLflow store: sqlite:///FILE or http://HOST:PORT.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A study's name, as in: hpsearch list")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", parser=_whole, metavar="N", help="Trials side by side; all cores where left out."),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start anew instead of going on with the recorded study.")]
Retry = Annotated[bool | None, typer.Option("--retry/--no-retry", help="Run trials that failed again; a grid does so anyway.")]
Smoke = Annotated[bool, typer.Option("--smoke", help="Check the study: two trials of one epoch, little data, no record.")]
Model = Annotated[
    bool | None, typer.Option("--model/--no-model", help="Log the best network, for MLflow to load; done where it is quick.")
]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Draw the pictures and the report at the end.")]
BackendOption = Annotated[str, typer.Option("--backend", help="loky (processes), threading or sequential.")]
