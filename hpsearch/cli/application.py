"""Command line: the commands with their options, exit codes and error messages."""

from __future__ import annotations

import atexit
import gc
import importlib.metadata
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpsearch.cli.options import (
    AcceptChange,
    AnyMachine,
    BackendOption,
    Debug,
    ExecutorOption,
    Fresh,
    Jobs,
    Model,
    Name,
    Patience,
    Report,
    Retry,
    RunOptions,
    Seed,
    Smoke,
    StudyFile,
    StudyName,
    TakeOver,
    Trials,
    Uri,
)
from hpsearch.errors import HpsearchError, must_be
from hpsearch.execution.signals import HANGUP, Terminated, ending_signals, leave_closed_terminal

if TYPE_CHECKING:
    from hpsearch.study import Study

_INTERRUPTED, _WRONG_INPUT = 130, 2


typer_app = typer.Typer(
    help="Hyperparameter search: the same trials at any number of workers and after any crash, every one in MLflow.",
    pretty_exceptions_enable=False,
)


def app(arguments: list[str] | None = None, commands: Callable[..., Any] | None = None) -> None:
    """Run the command line; exit with 2 and one sentence for bad input, 130 after Ctrl-C, 143 after SIGTERM.

    A closed terminal (SIGHUP) ends it like SIGTERM, with 129; under ``nohup`` it goes on. Without arguments ``hpsearch`` prints
    its help.
    """
    # At its end Python would look through a million objects for cycles that the process takes with it: a second.
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    before = {number: signal.signal(number, _terminate) for number in ending_signals()}
    try:
        words = sys.argv[1:] if arguments is None else arguments
        code = commands(words, standalone_mode=False) if commands else typer_app(words or ["--help"], standalone_mode=False)
    except HpsearchError as error:
        _say_error(str(error))
        sys.exit(_WRONG_INPUT)
    except Terminated as end:
        before = {}  # a terminal that closes sends several
        sys.exit(end.code)
    except (KeyboardInterrupt, typer.Abort):
        _say_error("Interrupted.")
        sys.exit(_INTERRUPTED)
    except Exception as error:
        if not hasattr(error, "exit_code"):  # not a usage error of the command line parser
            _reject_secrets(error)
            raise
        _say_usage(error)
        sys.exit(error.exit_code)
    finally:  # a program that called this goes on
        for number, handler in before.items():
            signal.signal(number, handler)
    sys.exit(code if isinstance(code, int) else 0)


def main(study: Study) -> None:
    """Run the command line of a study's own file, as in ``python FILE --jobs 2``; its options are those of ``hpsearch run``."""
    from hpsearch.search.source_file import is_only_loaded

    if is_only_loaded(study.name):
        return
    script = getattr(sys.modules["__main__"], "__file__", None)
    file = study.file or (Path(script).resolve() if script else None)
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(help=study.question or f"Run the study {study.name}.")(RunOptions)

    def parse_and_run(arguments: list[str], **settings: Any) -> Any:
        from hpsearch.cli.commands import run_study

        options = single(arguments, **settings)
        if not isinstance(options, RunOptions):  # the help was printed
            return options
        return run_study(study, file, options)

    app(commands=parse_and_run)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hpsearch {importlib.metadata.version('hpsearch')}")
        raise typer.Exit


@typer_app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Search hyperparameters: the same trials at any number of workers and after any crash, every one in MLflow."""


@typer_app.command()
def run(
    file: StudyFile,
    jobs: Jobs = None,
    fresh: Fresh = False,
    retry: Retry = None,
    smoke: Smoke = False,
    tracking_uri: Uri = None,
    backend: BackendOption = "loky",
    model: Model = None,
    report: Report = True,
    accept_change: AcceptChange = False,
    take_over: TakeOver = False,
    executor: ExecutorOption = None,
    patience: Patience = None,
    any_machine: AnyMachine = False,
    trials: Trials = None,
    seed: Seed = None,
    study: StudyName = None,
) -> None:
    """Run the study in FILE, or resume it if it was interrupted."""
    from hpsearch.cli.commands import run_study
    from hpsearch.cli.loading import load_study

    options = RunOptions(
        jobs=jobs,
        fresh=fresh,
        retry=retry,
        smoke=smoke,
        tracking_uri=tracking_uri,
        backend=backend,
        model=model,
        report=report,
        accept_change=accept_change,
        take_over=take_over,
        executor=executor,
        patience=patience,
        any_machine=any_machine,
        trials=trials,
        seed=seed,
    )
    run_study(load_study(file, study), file.resolve(), options)


@typer_app.command("check")
def check_study(
    file: StudyFile,
    jobs: Jobs = None,
    study: StudyName = None,
) -> None:
    """Run the pre-flight checks of the study in FILE, and nothing else; nothing is recorded.

    The exit code is 0 if they pass or the objective has none, 1 if they find a bug.
    """
    from hpsearch.cli.checking import check_study
    from hpsearch.cli.loading import load_study

    check_study(load_study(file, study), file.resolve(), jobs)


@typer_app.command("rate")
def find_rate(
    file: StudyFile,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Draw the cost curves to FILE.png, .svg, .pdf or .html.")
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", metavar="N", help="Epochs of each training.")] = 5,
    repeats: Annotated[int, typer.Option("--repeats", metavar="N", help="Trainings at each rate.")] = 3,
    rows: Annotated[
        int | None, typer.Option("--rows", metavar="N", help="Train on the first N rows only; default: all.")
    ] = None,
    study: StudyName = None,
) -> None:
    """Find the learning rate up to which the training cost falls, for the network of the study in FILE.

    Nothing is recorded. Prints the threshold, half of it, and a range for the study's space.
    """
    from hpsearch.cli.checking import find_study_rate
    from hpsearch.cli.loading import load_study

    find_study_rate(load_study(file, study), out, epochs, repeats, rows)


@typer_app.command()
def ui(
    port: Annotated[int, typer.Option(help="The port on this machine.")] = 5000,
    tracking_uri: Uri = None,
) -> None:
    """Serve the home page of this project's studies, and MLflow's pages behind it, on this machine only."""
    from hpsearch.cli.pages import serve_pages

    serve_pages(tracking_uri, port)


@typer_app.command("page")
def write_page(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.")] = Path("hpsearch.html"),
    tracking_uri: Uri = None,
) -> None:
    """Write the home page of all studies to one file, such as for a server that others run."""
    from hpsearch.cli.pages import write_page

    write_page(out, tracking_uri)


@typer_app.command()
def watch(name: Name, tracking_uri: Uri = None) -> None:
    """Follow a running study from another terminal or machine, until it ends or Ctrl-C."""
    from hpsearch.cli.watching import watch_study

    watch_study(name, tracking_uri)


@typer_app.command()
def stop(name: Name, tracking_uri: Uri = None) -> None:
    """End a running study from another terminal or machine, as Ctrl-C there would; its command resumes it."""
    from hpsearch.cli.watching import stop_study

    stop_study(name, tracking_uri)


@typer_app.command("list")
def list_studies(tracking_uri: Uri = None) -> None:
    """List the recorded studies: state, trials done and planned, best value, date and duration."""
    from hpsearch.analysis.sentences import describe_earlier
    from hpsearch.cli.commands import show_studies, store_to_read, terminal
    from hpsearch.tracking.runs import catalog

    studies = catalog.studies(store_to_read(tracking_uri))
    show_studies(terminal(), studies)
    for study in studies:
        for line in describe_earlier(study.earlier):
            terminal().print(f"{study.name}: {line}", markup=False, soft_wrap=True)
        for line in study.damaged:
            terminal().print(line, markup=False, style="yellow", soft_wrap=True)


@typer_app.command()
def show(
    name: Name,
    tracking_uri: Uri = None,
    trials: Annotated[int, typer.Option(help="The number of best trials to show.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print all trials as JSON, exact, for another program.")] = False,
) -> None:
    """Show one recorded study: its settings, its best trials and its failures."""
    from hpsearch.cli.commands import show_summary, store_to_read, terminal
    from hpsearch.cli.display import study_json
    from hpsearch.tracking.runs import catalog

    store = store_to_read(tracking_uri)
    summary = catalog.summary(store, name)
    if as_json:
        typer.echo(study_json(summary, catalog.trial_rows(store, summary)))
        return
    show_summary(terminal(), summary, catalog.leading_rows(store, summary, trials), trials)


@typer_app.command()
def compare(
    arms: Annotated[list[str], typer.Argument(metavar="A B ...", help="Study files (FILE or FILE:STUDY), or recorded names.")],
    repetitions: Annotated[int, typer.Option(help="The number of searches per study, on paired seeds.")] = 10,
    budget: Annotated[float | None, typer.Option(help="The budget of every search; default: the smallest of all.")] = None,
    unit: Annotated[str, typer.Option(help="The unit of the budget: trials, epochs or seconds.")] = "trials",
    name: Annotated[str, typer.Option(help="The comparison's name in the store; default: the studies' names.")] = "",
    seed: Annotated[int, typer.Option(help="Decides the seeds of all repetitions.")] = 0,
    jobs: Jobs = None,
    fresh: Fresh = False,
    tracking_uri: Uri = None,
) -> None:
    """Compare studies over repeated searches on the same seeds, with intervals; a difference within the noise is a tie.

    The studies may tune different models, each over its own space, where data and measure are the same.
    """
    from hpsearch.cli.commands import compare_studies

    compare_studies(arms, tracking_uri, repetitions, budget, unit, name, seed, jobs, fresh)


@typer_app.command("report")
def write_report(
    name: Name,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Also write the page to this file.")] = None,
    tracking_uri: Uri = None,
) -> None:
    """Write a study's report, one page that works offline, and keep it among the study's artifacts."""
    from hpsearch.cli.commands import write_report

    write_report(name, out, tracking_uri)


@typer_app.command("plot")
def write_plot(
    name: Name,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="history, curves, layers, slice, parallel, map, ranges, importance, model, confusion or calibration.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="FILE.png, .svg, .pdf, or FILE.html (interactive).")
    ] = None,
    x: Annotated[str, typer.Option("--x", metavar="NAME", help="Parameter across a map.")] = "",
    y: Annotated[str, typer.Option("--y", metavar="NAME", help="Parameter up a map.")] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Choice with a map per option; or what colours.")] = "",
    over: Annotated[str, typer.Option("--over", metavar="WHAT", help="Of curves: steps or seconds lie across.")] = "",
    width: Annotated[float | None, typer.Option(help="Inches; 3.5 is a column of most journals.")] = None,
    height: Annotated[float | None, typer.Option(help="Inches.")] = None,
    dpi: Annotated[float | None, typer.Option(help="Dots per inch of a PNG; 100.")] = None,
    title: Annotated[bool, typer.Option("--title/--no-title", help="Draw the title.")] = True,
    tracking_uri: Uri = None,
) -> None:
    """Write one plot of a study."""
    from hpsearch.cli.commands import write_plot

    names = {"x": x, "y": y, "by": by, "over": over}
    write_plot(name, kind, out, tracking_uri, names, title, width=width, height=height, dpi=dpi)


@typer_app.command("export")
def write_model(
    name: Name,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="FILE.npz or FILE.skops; default: NAME.npz or NAME.skops.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="The same.")] = None,
    trust: Annotated[list[str] | None, typer.Option("--trust", metavar="TYPE", help="A type of an estimator to trust.")] = None,
    tracking_uri: Uri = None,
) -> None:
    """Write a study's best model to a file: a network for hpsearch.nn.load (a recurrent one for
    hpsearch.nn.recurrent.load), an estimator for skops.io.load.

    A network is retrained to the same bits, an estimator refitted on training and validation rows.
    """
    from hpsearch.cli.commands import write_model

    write_model(name, file or out, trust or (), tracking_uri)


@typer_app.command("test")
def score_test_part(name: Name, tracking_uri: Uri = None) -> None:
    """Open the sealed test part and evaluate the best trial on it; every opening is counted and logged."""
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
    from hpsearch.cli.commands import hpsearch_command, recorded_result, say_rerun
    from hpsearch.search.rerun import rerun as run_again
    from hpsearch.trial.formatting import count, describe_marks

    result = recorded_result(name, tracking_uri)
    trial = next((t for t in result.trials if t.number == number), None)
    if trial is None:
        known = f"one of the {count(len(result.trials), 'recorded trial')}"
        advice = f"See: {hpsearch_command('show', name, tracking_uri=tracking_uri)}"
        raise HpsearchError(must_be("TRIAL", known, number, advice))
    result.check_repeatable(trial)
    try:
        again = run_again(result.study, trial, result.trials, debug)
    except Exception:
        import pdb

        pdb.post_mortem()
        raise typer.Exit(1) from None
    marks = describe_marks(trial.resumed_step, trial.attempt, trial.continues, trial.machine)
    say_rerun(name, trial.number, again.differences, marks)


@typer_app.command()
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    tracking_uri: Uri = None,
) -> None:
    """Remove a study with all its trials and artifacts, after asking; runs of other programs stay."""
    from hpsearch.cli.commands import open_store, terminal
    from hpsearch.tracking.runs import deletion

    store = open_store(tracking_uri)
    if not yes:
        typer.confirm(deletion.question(name, deletion.read_contents(store, name)), abort=True)
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
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A reproduction, or all; default: list them.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Run at the published size, or with 20 seeds.")] = False,
    trials: Annotated[
        int | None, typer.Option("--trials", metavar="N", help="Run searches of N trials, or N seeds, for a quick result.")
    ] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Only show in seconds that it runs; no figure is judged.")] = False,
    jobs: Jobs = None,
    fresh: Fresh = False,
    seed: Annotated[int, typer.Option("--seed", help="The seed of all its studies.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Also write the plots to this folder.")] = None,
    tracking_uri: Uri = None,
) -> None:
    """Repeat a published comparison, and show the published figures beside ours."""
    from hpsearch.cli.reproduce import reproduce

    reproduce(name, tracking_uri, out, full=full, trials=trials, smoke=smoke, jobs=jobs, fresh=fresh, seed=seed)


@typer_app.command("data")
def list_data() -> None:
    """List the data sets, and where each is or how to get it."""
    from hpsearch.cli.commands import terminal
    from hpsearch.cli.display import data_table
    from hpsearch.data import available

    terminal().print(data_table(available()))


def _terminate(signum: int, frame: object) -> None:
    """End in order after SIGTERM and SIGHUP, as after Ctrl-C: no server and no study is left behind."""
    if signum == HANGUP:
        leave_closed_terminal()
    raise Terminated(signum)


def _say_error(sentence: str) -> None:
    if "://" in sentence:  # only an address can hold a password, and the import takes its time
        from hpsearch.tracking.store.redaction import hide_secrets

        sentence = hide_secrets(sentence)
    typer.echo(f"hpsearch: {sentence}", err=True)


def _reject_secrets(error: Exception) -> None:
    """Print the traceback of an error that quotes a secret without it, and exit; any other error is left to Python."""
    from hpsearch.tracking.store.redaction import hide_secrets

    shown = "".join(traceback.format_exception(error))
    if hide_secrets(shown) != shown:
        typer.echo(hide_secrets(shown), err=True)
        sys.exit(1)


def _say_usage(error: Any) -> None:
    """Print a usage error of the command line in one sentence, with where to look."""
    message = getattr(error, "format_message", lambda: str(error))()
    if message:
        said = message.rstrip(".")
        _say_error(f"{said}{'' if said.endswith('?') else '.'} See: hpsearch --help")
