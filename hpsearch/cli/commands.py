"""Commands of the command line, imported when they are called, so that ``--help`` stays quick."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, cast

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hpsearch.analysis.conclusions import Conclusions
from hpsearch.analysis.sentences import describe_baseline, describe_earlier, list_failures
from hpsearch.cli.display import SurvivingOutput, best_table, chosen_line, completeness, rows_table, studies_table
from hpsearch.cli.loading import load_study
from hpsearch.cli.options import RunOptions
from hpsearch.display import open_display
from hpsearch.errors import HpsearchError, StudyError, TrackingError, must_be
from hpsearch.execution.local import Backend
from hpsearch.execution.processes import kill_workers
from hpsearch.execution.select import with_cluster_options
from hpsearch.execution.signals import StopRequested, Terminated, end_at_second_signal, leave_closed_terminal
from hpsearch.ports import describe_identity
from hpsearch.search.result import Result
from hpsearch.study import Study
from hpsearch.tracking import MemoryTracker, MlflowTracker, Store, project_root
from hpsearch.tracking.autolog import paused
from hpsearch.tracking.doctor import doctor
from hpsearch.tracking.home.app import is_installed
from hpsearch.tracking.pages import links
from hpsearch.tracking.runs import catalog
from hpsearch.tracking.runs.catalog import StudySummary, TrialRow
from hpsearch.tracking.runs.recorded_params import typed_params
from hpsearch.tracking.store import server, store_root
from hpsearch.tracking.store.redaction import hide_secrets
from hpsearch.trial import exact_params, flip_sign

# Characters in a line of a list that another program reads.
_WIDEST = 10_000


def run_study(
    study: Study,
    file: Path | None,
    options: RunOptions,
) -> None:
    """Run a study with a display, and print its result; after an interrupt print how to resume, and exit with its code."""
    console = terminal()
    study = vary_study(study, options.trials, options.seed)
    study = study.smoke() if options.smoke else study
    root = store_root(file)
    if options.smoke and options.take_over:
        raise HpsearchError("--take-over must be used without --smoke, which records nothing. Leave one of them out.")
    executor = with_cluster_options(options.executor, options.patience, options.any_machine)
    tracker: Any = MemoryTracker()
    if not options.smoke:
        tracker = MlflowTracker(options.tracking_uri, root, take_over=options.take_over)
    with _resumable(), open_display(console, study.maximize) as progress:
        result = study.run(
            options.jobs,
            tracker=tracker,
            progress=progress,
            source=file,
            backend=cast(Backend, options.backend),  # any text; the execution checks it
            fresh=options.fresh,
            retry=options.retry,
            model=False if options.smoke else options.model,
            report=options.report and not options.smoke,
            accept_change=options.accept_change,
            executor=executor,
        )
    if result.trials and result.taken_over == len(result.trials):
        all_of_them = "The only trial" if len(result.trials) == 1 else f"All {len(result.trials)} trials"
        are = "is" if len(result.trials) == 1 else "are"
        console.print(f"{all_of_them} of {study.name} {are} recorded already (--fresh starts again).", markup=False)
    _show_result(console, result)
    if result.model is not None:
        console.print(f"The best {result.kind} is logged as an MLflow model: {result.model}", markup=False, soft_wrap=True)
    if result.unreported:
        console.print(result.unreported, markup=False, style="yellow", soft_wrap=True)
    if not options.smoke:
        for note in tracker.notes:
            console.print(note, markup=False, soft_wrap=True)
        show_link(console, tracker, options.tracking_uri)
    searched = [trial for trial in result.trials if not trial.is_preflight] or result.trials
    if result.trials and not any(trial.ok for trial in searched):
        typer.echo(f"hpsearch: {result.findings.why_nothing}", err=True)
        raise SystemExit(1)


def vary_study(study: Study, trials: int | None, seed: int | None) -> Study:
    """Return a study with another number of trials or another seed, under a name of its own; both None changes nothing.

    Raises:
        StudyError: its strategy is given no number of trials, or a number is out of range.
    """
    if trials is not None:
        strategy: Any = study.strategy
        names = {field.name for field in fields(strategy)} if is_dataclass(strategy) else set()
        if "trials" not in names:
            advice = "Leave --trials out, and change the strategy in the file."
            raise StudyError(must_be("--trials", "used with a strategy that has trials=", study.strategy, advice))
        changed: Any = replace(strategy, trials=trials)
        study = replace(study, strategy=changed, name=f"{study.name}-trials-{trials}")
    if seed is not None:
        study = replace(study, seed=seed, name=f"{study.name}-seed-{seed}")
    return study


def _program() -> list[str]:
    """Return how this process was started: as the command, or as a study's own file."""
    called = Path(sys.argv[0])
    return ["python", str(called)] if called.suffix == ".py" and called.parent != Path(__file__).parent else ["hpsearch"]


def _show_result(console: Console, result: Result) -> None:
    console.print(best_table(result.trials, result.study.maximize, result.record.measure, console.width))
    for line in describe_baseline(Conclusions(result.findings)):
        console.print(line, markup=False, style="yellow", soft_wrap=True)
    if result.has_best:
        console.print(exact_params(result.best.number, result.best_params), markup=False, highlight=False, soft_wrap=True)
    if any(trial.replicate for trial in result.trials):
        console.print(chosen_line(result.chosen, result.study.maximize), markup=False, soft_wrap=True)
    if result.study.proposer.complete:
        console.print(completeness(result.trials), markup=False, soft_wrap=True)
    for line in list_failures(Conclusions(result.findings)):
        console.print(line, markup=False, style="yellow", soft_wrap=True)


def show_link(console: Console, tracker: Any, tracking_uri: str | None) -> None:
    """Print how to open the study of a tracker in MLflow: a command that works as typed in this folder, and links.

    The home page comes first: by the way from there a browser opens MLflow's tables without the Assistant in front of them.
    """
    if tracker.store.served:
        console.print(f"See it in MLflow: {tracker.link()}", markup=False, soft_wrap=True)
        return
    command = hpsearch_command("ui", tracking_uri=tracking_uri)
    if Store.at(tracking_uri, project_root(Path.cwd())).uri != tracker.store.uri:  # the study is in another project
        command = f"cd {shlex.quote(str(tracker.store.root))} && {command}"
    console.print(f"See it in MLflow: {command}", markup=False, soft_wrap=True)
    if is_installed():
        console.print(f"Then open: {links.BASE}{server.PATH}", markup=False, soft_wrap=True)
        console.print(f"Its trials: {tracker.link()}", markup=False, soft_wrap=True)
    else:
        console.print(f"Then open: {tracker.link()}", markup=False, soft_wrap=True)


def hpsearch_command(verb: str, *arguments: str, tracking_uri: str | None = None) -> str:
    """Return a command line that works as typed, on the store that is in use; a password is left out.

    >>> hpsearch_command("show", "my study", tracking_uri="sqlite:///my runs.db")
    "hpsearch show 'my study' --tracking-uri 'sqlite:///my runs.db'"
    >>> hpsearch_command("show", "-1 degree")
    "hpsearch show -- '-1 degree'"
    """
    store = ["--tracking-uri", hide_secrets(tracking_uri)] if tracking_uri else []
    dashes = any(argument.startswith("-") for argument in arguments)
    return shlex.join(["hpsearch", verb, *store, "--", *arguments] if dashes else ["hpsearch", verb, *arguments, *store])


def show_studies(console: Console, studies: Sequence[StudySummary]) -> None:
    """Print the table of recorded studies; a pipe gets every column, and a line for each study."""
    if not studies:
        console.print("No study is recorded here yet. Run one: hpsearch run FILE", markup=False)
        return
    table = studies_table(studies, console.width if console.is_terminal else None)
    if not console.is_terminal:
        console.width = max(console.width, console.measure(table, options=console.options.update(max_width=_WIDEST)).maximum)
    console.print(table)


def show_summary(console: Console, summary: StudySummary, rows: Sequence[TrialRow], count: int) -> None:
    """Print a recorded study from its recorded texts alone; its file may no longer exist."""
    console.print(f"{summary.name}: {summary.question}", markup=False)
    for key, text in describe_identity(summary.identity, summary.facts).items():
        console.print(f"  {key}: {text}", markup=False, soft_wrap=True)
    for line in describe_earlier(summary.earlier):
        console.print(line, markup=False, soft_wrap=True)
    for line in summary.damaged:
        console.print(line, markup=False, style="yellow", soft_wrap=True)
    counts = ", ".join(f"{number} {status}" for status, number in summary.counts.items())
    console.print(f"  state: {summary.status}; trials: {counts or 'none'}", markup=False)
    finished = sorted((r for r in rows if r.selectable), key=lambda row: (flip_sign(row.value, summary.maximize), row.number))
    console.print(rows_table(finished[:count], summary.trials, console.width))
    if finished[:count]:
        best = typed_params(summary.identity.get("space", ""), finished[0].params)
        console.print(exact_params(finished[0].number, best), markup=False, highlight=False, soft_wrap=True)
    for row in [row for row in rows if row.marks][:count]:
        console.print(f"trial {row.number} {row.marks}", markup=False, soft_wrap=True)
    for row in [row for row in rows if row.error][:count]:
        console.print(f"trial {row.number} {row.status}: {row.error}", markup=False, style="yellow", soft_wrap=True)


def say_rerun(name: str, number: int, differences: tuple[str, ...], marks: str = "") -> None:
    """Print how a repeated trial compares with its record; ``marks`` say why its bits may differ.

    Raises:
        HpsearchError: the two differ.
    """
    if differences and marks:
        found = f"Trial {number} of {name} {marks}, and was now run here from its start: {'; '.join(differences)}."
        terminal().print(f"{found} The same bits were not promised.", markup=False, soft_wrap=True)
        return
    if differences:
        raise HpsearchError(f"Trial {number} of {name} came out differently: {'; '.join(differences)}.")
    terminal().print(f"Trial {number} of {name} came out bit-identical to the record.", markup=False)


def recorded_result(name: str, tracking_uri: str | None) -> Result:
    """Return the result of a recorded study without running anything; its file must still define the same study."""
    study, file, tracker = _recorded_study(name, tracking_uri)
    return study.result(tracker, source=file)


def _recorded_study(name: str, tracking_uri: str | None) -> tuple[Study, Path, MlflowTracker]:
    """Return a recorded study, the file that defines it, and its tracker."""
    store = open_store(tracking_uri)
    summary = catalog.summary(store, name)
    if summary.source is None:
        advice = "Run it once from its file: hpsearch run FILE. In a notebook study.result() reads the record."
        raise StudyError(f"Study {name!r} was run without a file, which this command would load it from. {advice}")
    file = store.root / summary.source
    if not file.is_file():
        advice = "Run it once from where its file is now: hpsearch run FILE"
        raise StudyError(f"Study {name!r} was defined in {str(file)!r}, which does not exist any more. {advice}")
    return load_study(file, name, run=False), file, MlflowTracker(tracking_uri, store.root)


def examine_store(tracking_uri: str | None, repair: bool) -> None:
    """Print what is wrong with the store of this project, repair it if asked to, and exit with 1 if problems remain."""
    console, store = terminal(), Store.at(tracking_uri, project_root(Path.cwd()))
    if store.database is None:
        store = Store.open(tracking_uri, store.root)
    elif not store.database.exists():
        console.print(f"There is no store at {str(store.database)!r} yet.", markup=False, soft_wrap=True)
        return
    left = 0
    for finding in doctor.examine(store):
        try:
            repaired = repair and doctor.repair(finding)
        except TrackingError as error:  # such as a study that another machine runs
            console.print(f"{finding.what} Not repaired: {error}", markup=False, highlight=False, soft_wrap=True)
            left += 1
            continue
        text = f"{finding.what} Repaired: {finding.remedy}" if repaired else str(finding)
        console.print(text, markup=False, highlight=False, soft_wrap=True)
        left += not repaired
    if left:
        raise SystemExit(1)
    console.print(f"The store {store.display_uri} is healthy.", markup=False, soft_wrap=True)


def write_report(name: str, out: Path | None, tracking_uri: str | None) -> None:
    """Draw the report of a recorded study, attach it to the record, and write it to ``out`` if given."""
    from hpsearch.report.report import REPORT, files

    result = recorded_result(name, tracking_uri)
    check_folder(out)
    made = files(result)
    result.tracker.attach(result.record, made)
    if out is not None:
        out.write_bytes(made[REPORT])
    place = f"written to {out} and kept" if out is not None else "kept"
    tracker: Any = result.tracker
    terminal().print(f"The report of {name} is {place} among the artifacts of its run in MLflow.", markup=False, soft_wrap=True)
    show_link(terminal(), tracker, tracking_uri)


def write_plot(
    name: str,
    kind: str,
    out: Path | None,
    tracking_uri: str | None,
    names: Mapping[str, str],
    title: bool = True,
    **size: float | None,
) -> None:
    """Write one plot of a recorded study to a file; ``names`` as `hpsearch.plots.draw`, the others as `Plot.save`.

    Raises:
        HpsearchError: the kind or the ending is unknown, or there is nothing to draw yet.
    """
    from hpsearch.plots.kinds import check_kind, draw
    from hpsearch.plots.plot import Plot, check_file
    from hpsearch.tracking.store.names import slug

    check_kind(kind, **names)
    out = out or Path(f"{slug(name)}-{kind}.png")
    check_file(out, **size)
    check_folder(out)
    result = recorded_result(name, tracking_uri)
    with paused():
        picture = draw(kind, result.findings, **names)
    if isinstance(picture, str):
        raise HpsearchError(f"Study {name!r} has no picture {kind!r}: {picture}")
    Plot(picture).save(out, title=title, **size)
    terminal().print(f"Written: {out}", markup=False, soft_wrap=True)
    terminal().print(picture.caption, markup=False, highlight=False, soft_wrap=True)


# How the file of a network and that of an estimator ends.
_ENDINGS = {"network": ".npz", "estimator": ".skops"}


def _write_reader(network: Path, reader: Path, rows: str) -> None:
    """Write the program that predicts by a saved network with NumPy alone; never over another file."""
    path, code = network.with_name(f"{network.stem}_predict.py"), reader.read_bytes()
    if path.exists() and path.read_bytes() != code:
        terminal().print(f"Left: {path}, which is another file.", markup=False, soft_wrap=True)
        return
    path.write_bytes(code)
    usage = f"python {path} {network} {rows}"
    terminal().print(f"Written: {path}, which predicts with NumPy alone: {usage}", markup=False, soft_wrap=True)


def write_model(name: str, out: Path | None, trusted: Sequence[str], tracking_uri: str | None) -> None:
    """Write the best network or estimator of a recorded study to a file.

    Raises:
        HpsearchError: the study makes neither, the file's name ends otherwise, or skops cannot store the estimator.
    """
    from hpsearch.nn import recurrent, save
    from hpsearch.nn.recurrent import RecurrentNetwork
    from hpsearch.nn.table_network import TableNetwork
    from hpsearch.objectives import estimator_file
    from hpsearch.tracking.models import READER, READER_OF_RECURRENT
    from hpsearch.tracking.store.names import slug

    check_folder(out)
    result = recorded_result(name, tracking_uri)
    kind = result.kind or "network"
    out = out or Path(f"{slug(name)}{_ENDINGS[kind]}")
    if (kind == "estimator" and out.suffix != _ENDINGS[kind]) or (out.suffix == _ENDINGS["estimator"] and kind != "estimator"):
        article = "an" if kind == "estimator" else "a"
        what = f"The file of {article} {kind}"
        raise HpsearchError(must_be(what, f"one ending in {_ENDINGS[kind]}", str(out), f"Try {out.stem}{_ENDINGS[kind]}"))
    if kind == "network":
        network = result.network()
        if isinstance(network, RecurrentNetwork):
            recurrent.save(network, out)
            _write_reader(out, READER_OF_RECURRENT, "TEXT")
        else:
            save(network, out)
            if isinstance(network, TableNetwork):
                _write_reader(out, READER, "ROWS.csv")
    else:
        exported = result.export_estimator(trusted)
        estimator_file.write(exported.estimator, out)
    terminal().print(f"Written: {out}, the {kind} of trial {result.best.number}", markup=False, soft_wrap=True)
    if kind == "estimator":
        trust = f", trusted={list(exported.trusted)!r}" if exported.trusted else ""
        terminal().print(f"Load it with: skops.io.load({str(out)!r}{trust})", markup=False, highlight=False, soft_wrap=True)


def check_folder(out: Path | None) -> None:
    """Check that the folder of a file exists, before anything is drawn."""
    if out is not None and (out.is_dir() or not out.absolute().parent.is_dir()):
        raise HpsearchError(must_be("--out", "a file in a folder that exists", str(out), "Create the folder, or name a file."))


def compare_studies(
    arms: Sequence[str],
    tracking_uri: str | None,
    repetitions: int,
    budget: float | None,
    unit: str,
    name: str,
    seed: int,
    jobs: int | None,
    fresh: bool,
) -> None:
    """Run a comparison of studies with a display, and print its conclusions."""
    from hpsearch.comparison.comparison import compare

    console, root = terminal(), project_root(Path.cwd())
    studies = [_arm(arm, tracking_uri) for arm in arms]
    tracker = MlflowTracker(tracking_uri, root)
    sizes: Any = {"repetitions": repetitions, "budget": budget, "unit": unit, "name": name, "seed": seed}
    with _resumable(), open_display(console, studies[0].maximize) as progress:
        found = compare(*studies, jobs=jobs, tracker=tracker, fresh=fresh, progress=progress, **sizes)
    table = Table(*found.heads, title=found.result.study.name, title_justify="left", box=SIMPLE_HEAD)
    for row in found.rows():
        table.add_row(*map(Text, row))
    console.print(table)
    for sentence in found.conclusions:
        console.print(sentence, markup=False, soft_wrap=True)
    show_link(console, tracker, tracking_uri)


def _arm(text: str, tracking_uri: str | None) -> Study:
    """Return the study that an argument names: a file, a study in a file, or a recorded study."""
    file, _, study = text.partition(":")
    if file.endswith(".py") or Path(file).is_file():
        return load_study(Path(file), study or None)
    found, source, tracker = _recorded_study(text, tracking_uri)
    recorded = found.result(tracker, source=source)  # raises where the record is of another study
    for line in describe_earlier(recorded.record.earlier):
        terminal().print(f"{text}: {line}", markup=False, soft_wrap=True)
    return found


@contextmanager
def _resumable() -> Iterator[None]:
    """Print how to resume after an interrupt, and exit with its code."""
    try:
        with end_at_second_signal(kill_workers):
            yield
    except (KeyboardInterrupt, Terminated) as end:
        again = hide_secrets(shlex.join([*_program(), *_words_to_repeat(sys.argv[1:])]))
        if isinstance(end, StopRequested):
            typer.echo(f"hpsearch: {end}; the same command resumes it: {again}", err=True)
            raise SystemExit(130) from None
        kept = "A smoke check records nothing; start it again" if "--smoke" in sys.argv else "Finished trials are kept; resume"
        leave_closed_terminal()
        typer.echo(f"hpsearch: Interrupted. {kept} with: {again}", err=True)
        raise SystemExit(end.code if isinstance(end, Terminated) else 130) from None


# These would throw away, or ask for, what the interrupted run has done already.
_ONCE = ("--fresh", "--accept-change", "--take-over")


def _words_to_repeat(words: Sequence[str]) -> list[str]:
    """Return the words of a command that resumes what this one began.

    >>> _words_to_repeat(["run", "study.py", "--fresh", "--jobs", "2"])
    ['run', 'study.py', '--jobs', '2']
    """
    end = words.index("--") if "--" in words else len(words)
    return [word for index, word in enumerate(words) if index >= end or word not in _ONCE]


def study_links(tracking_uri: str | None, root: Path, base: str) -> tuple[Store, list[tuple[str, str]]]:
    """Return the store, made ready, and the name and link of each study in it, the latest first."""
    store = Store.open(tracking_uri, root)
    base = store.address if store.served else base
    found = [
        (s.name, links.link(store.client.get_experiment(s.experiment_id), s.run_id, s.maximize, base))
        for s in catalog.studies(store)
    ]
    return Store.open(tracking_uri, root), found


def open_store(tracking_uri: str | None) -> Store:
    """Return the store of the project that holds the current folder."""
    return Store.open(tracking_uri, project_root(Path.cwd()))


def store_to_read(tracking_uri: str | None) -> Store:
    """Return the same store for a list, which needs no MLflow as a rule and changes nothing."""
    return Store.to_read(tracking_uri, project_root(Path.cwd()))


def terminal() -> Console:
    """Return the console that results are printed on; it outlives its terminal."""
    return Console(file=cast(Any, SurvivingOutput(sys.stdout)))
