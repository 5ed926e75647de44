"""The command line: the one place that puts a study, a store and a display together."""

from __future__ import annotations

import inspect
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpsearch.cli.options import BackendOption, Debug, Fresh, Jobs, Model, Name, Report, Retry, Smoke, Uri
from hpsearch.errors import HpsearchError, must_be
from hpsearch.execution.signals import Terminated

if TYPE_CHECKING:
    from hpsearch.study import Study

_INTERRUPTED, _TERMINATED, _WRONG_INPUT = 130, 143, 2


typer_app = typer.Typer(
    help="Hyperparameter search: the same trials at any number of workers and after any crash, every one in MLflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def app(arguments: list[str] | None = None, commands: typer.Typer | None = None) -> None:
    """Run the command line; bad input ends with one sentence and code 2, Ctrl-C with code 130, a termination with 143."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = (commands or typer_app)(arguments, standalone_mode=False)
    except HpsearchError as error:
        _say_error(str(error))
        sys.exit(_WRONG_INPUT)
    except Terminated:
        sys.exit(_TERMINATED)
    except (KeyboardInterrupt, typer.Abort):
        _say_error("Interrupted.")
        sys.exit(_INTERRUPTED)
    except Exception as error:
        if not hasattr(error, "exit_code"):  # not a usage error of the command line parser
            raise
        _say_usage(error)
        sys.exit(error.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def main(study: Study) -> None:
    """Offer the command line of ``hpsearch run FILE`` in the study's own file, as in ``python FILE --jobs 2``."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    def run_this(**options: Any) -> None:
        from hpsearch.cli.commands import run_study

        run_study(study, Path(file).resolve() if file else None, **options)

    # What `run` takes but for what names the study: an option is written down once.
    given = inspect.signature(run, eval_str=True).parameters.values()
    taken = [parameter for parameter in given if parameter.name not in ("file", "study")]
    run_this.__signature__ = inspect.Signature(taken)  # type: ignore[attr-defined]
    run_this.__annotations__ = {parameter.name: parameter.annotation for parameter in taken}
    single.command(help=study.question or f"Run the study {study.name}.")(run_this)
    app(commands=single)


@typer_app.command()
def run(
    file: Annotated[Path, typer.Argument(help="A Python file that defines a study.")],
    jobs: Jobs = None,
    fresh: Fresh = False,
    retry: Retry = None,
    smoke: Smoke = False,
    tracking_uri: Uri = None,
    backend: BackendOption = "loky",
    model: Model = None,
    report: Report = True,
    study: Annotated[str | None, typer.Option("--study", help="Which study, where the file defines several.")] = None,
) -> None:
    """Run the study in FILE, or go on with it where an earlier run ended."""
    from hpsearch.cli.commands import run_study
    from hpsearch.cli.loading import load_study

    run_study(load_study(file, study), file.resolve(), jobs, fresh, retry, smoke, tracking_uri, backend, model, report)


@typer_app.command()
def ui(
    port: Annotated[int, typer.Option(help="The port on this machine.")] = 5000,
    tracking_uri: Uri = None,
) -> None:
    """Show the studies of this project in MLflow's pages, on this machine only."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from hpsearch.cli.commands import study_links, terminal
    from hpsearch.tracking import project_root
    from hpsearch.tracking.pages import links
    from hpsearch.tracking.store import server

    console, root = terminal(), project_root(Path.cwd())
    # Looked up in a process of its own: reading the store takes MLflow's 170 MB, which this one would keep while it waits.
    with ProcessPoolExecutor(1, get_context("spawn")) as reader:
        store, found = reader.submit(study_links, tracking_uri, root, f"http://{server.HOST}:{port}").result()
    with server.serve(store, port) as pages:
        console.print(f"MLflow shows {len(found)} studies at {links.home(pages.url)} (Ctrl-C ends it).", soft_wrap=True)
        for name, link in found[:10]:
            console.print(f"  {name}: {link}", markup=False, soft_wrap=True)
        pages.wait()


@typer_app.command("list")
def list_studies(tracking_uri: Uri = None) -> None:
    """List the recorded studies with their state and best value."""
    from hpsearch.cli.commands import open_store, terminal
    from hpsearch.cli.display import studies_table
    from hpsearch.tracking.runs import catalog

    studies = catalog.studies(open_store(tracking_uri))
    terminal().print(studies_table(studies) if studies else "No study is recorded here yet. Run one: hpsearch run FILE")


@typer_app.command()
def show(
    name: Name,
    tracking_uri: Uri = None,
    trials: Annotated[int, typer.Option(help="How many of the best trials to show.")] = 10,
) -> None:
    """Show one recorded study: what was searched, the best trials, what failed."""
    from hpsearch.cli.commands import open_store, show_summary, terminal
    from hpsearch.tracking.runs import catalog

    store = open_store(tracking_uri)
    summary = catalog.summary(store, name)
    show_summary(terminal(), summary, catalog.trial_rows(store, summary), trials)


@typer_app.command()
def compare(
    arms: Annotated[list[str], typer.Argument(metavar="A B ...", help="Study files (FILE or FILE:STUDY), or recorded names.")],
    repetitions: Annotated[int, typer.Option(help="Searches per arm, on paired seeds.")] = 10,
    budget: Annotated[float | None, typer.Option(help="What every search may spend; the least of all where left out.")] = None,
    unit: Annotated[str, typer.Option(help="What is spent: trials, epochs or seconds.")] = "trials",
    name: Annotated[str, typer.Option(help="The comparison's name in the store; the arms' names where left out.")] = "",
    seed: Annotated[int, typer.Option(help="Decides the seeds of all repetitions.")] = 0,
    jobs: Jobs = None,
    fresh: Fresh = False,
    tracking_uri: Uri = None,
) -> None:
    """Run studies many times on the same seeds, and say which is better, with intervals; differences inside noise are ties."""
    from hpsearch.cli.commands import compare_studies

    compare_studies(arms, tracking_uri, repetitions, budget, unit, name, seed, jobs, fresh)


@typer_app.command("report")
def write_report(
    name: Name,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the page to this file too.")] = None,
    tracking_uri: Uri = None,
) -> None:
    """Draw a study's report, one page that needs no network, and keep it among the study's artifacts."""
    from hpsearch.cli.commands import write_report

    write_report(name, out, tracking_uri)


@typer_app.command("plot")
def write_plot(
    name: Name,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="history, curves, slice, parallel, map, ranges or importance.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="FILE.png, or FILE.html to zoom in.")] = None,
    tracking_uri: Uri = None,
) -> None:
    """Write one picture of a study."""
    from hpsearch.cli.commands import write_plot

    write_plot(name, kind, out, tracking_uri)


@typer_app.command("export")
def write_network(
    name: Name,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="NAME.npz where left out.")] = None,
    tracking_uri: Uri = None,
) -> None:
    """Write a study's best network to a file, for hpsearch.nn.load; it is trained once more, to the same bits."""
    from hpsearch.cli.commands import write_network

    write_network(name, out, tracking_uri)


@typer_app.command("test")
def score_test_part(name: Name, tracking_uri: Uri = None) -> None:
    """Open the sealed test part and score the best trial on it; every opening is counted and logged."""
    from hpsearch.analysis.conclusions import Conclusions
    from hpsearch.analysis.sentences import describe_test_error
    from hpsearch.cli.commands import recorded_result, terminal

    console = terminal()
    result = recorded_result(name, tracking_uri)
    scores = result.test()
    opened = f"Trial {result.best.number} of {name} on the test part:"
    console.print(opened, " ".join(f"{key}={value:.4f}" for key, value in scores.items()), markup=False)
    if said := describe_test_error(Conclusions(result.findings), scores):
        console.print(said, markup=False)


@typer_app.command()
def rerun(
    name: Name,
    number: Annotated[int, typer.Argument(metavar="TRIAL", help="The trial's number.")],
    debug: Debug = False,
    tracking_uri: Uri = None,
) -> None:
    """Run one recorded trial again and compare it bit by bit with the record."""
    from hpsearch.cli.commands import recorded_result, say_rerun
    from hpsearch.search.rerun import rerun as run_again

    result = recorded_result(name, tracking_uri)
    trial = next((t for t in result.trials if t.number == number), None)
    if trial is None:
        known = f"one of the {len(result.trials)} recorded trials"
        raise HpsearchError(must_be("TRIAL", known, number, f"See: hpsearch show {name}"))
    try:
        again = run_again(result.study, trial, result.trials, debug)
    except Exception:
        import pdb

        pdb.post_mortem()
        raise typer.Exit(1) from None
    say_rerun(name, trial.number, again.differences)


@typer_app.command()
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    tracking_uri: Uri = None,
) -> None:
    """Remove a study with all its trials and artifacts, after asking."""
    from hpsearch.cli.commands import open_store, terminal
    from hpsearch.tracking.runs import catalog, deletion

    store = open_store(tracking_uri)
    summary = catalog.summary(store, name)
    if not yes:
        typer.confirm(f"Delete study {name!r} with {summary.trials} trials and all their artifacts?", abort=True)
    terminal().print(deletion.delete_study(store, name), markup=False)


@typer_app.command("doctor")
def examine(
    repair: Annotated[
        bool, typer.Option("--repair", "--mend", help="Repair what can be repaired; no finished trial is removed.")
    ] = False,
    tracking_uri: Uri = None,
) -> None:
    """Find damage left by killed runs and outages.

    The exit code is 0 if the store is healthy or was repaired, 1 if problems remain. Studies that run are left alone.
    """
    from hpsearch.cli.commands import examine_store

    examine_store(tracking_uri, repair)


@typer_app.command("reproduce")
def run_reproduction(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Which one, or all; without it they are listed.")] = None,
    full: Annotated[bool, typer.Option("--full", help="The published size, or 20 seeds.")] = False,
    trials: Annotated[
        int | None, typer.Option("--trials", metavar="N", help="Searches of N trials, or N seeds: a quick look.")
    ] = None,
    jobs: Jobs = None,
    fresh: Fresh = False,
    seed: Annotated[int, typer.Option("--seed", help="Of all its studies.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write the pictures to this folder too.")] = None,
    tracking_uri: Uri = None,
) -> None:
    """Run a published comparison again, and show published figures beside ours."""
    from hpsearch.cli.reproduce import reproduce

    reproduce(name, tracking_uri, out, full=full, trials=trials, jobs=jobs, fresh=fresh, seed=seed)


@typer_app.command("data")
def list_data() -> None:
    """List the data sets, and where each was found or how to get it."""
    from hpsearch.cli.commands import terminal
    from hpsearch.cli.display import data_table
    from hpsearch.data import available

    terminal().print(data_table(available()))


def _terminate(signum: int, frame: object) -> None:
    """End as politely as after Ctrl-C where the system asks for the end: no server and no study is left behind."""
    raise Terminated


def _say_error(sentence: str) -> None:
    typer.echo(f"hpsearch: {sentence}", err=True)


def _say_usage(error: Any) -> None:
    """Say what is wrong with the command itself, in one sentence, and where to look."""
    message = getattr(error, "format_message", lambda: str(error))()
    if message:
        _say_error(f"{message.rstrip('.')}. See: hpsearch --help")
