"""The command `hpsearch reproduce`: list the published comparisons, or run one or all beside the published figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hpsearch.cli.commands import show_link, terminal
from hpsearch.display import open_display
from hpsearch.errors import HpsearchError, must_be
from hpsearch.reproductions import catalogue
from hpsearch.reproductions.catalogue import find_reproduction
from hpsearch.reproductions.figures import DIFFERS
from hpsearch.reproductions.reproduction import NOT_JUDGED, Options, Reproduced, Reproduction
from hpsearch.tracking import MlflowTracker, project_root

# The name that stands for every reproduction.
ALL = "all"


def reproduce(name: str | None, tracking_uri: str | None, out: Path | None, **settings: Any) -> None:
    """Run the reproduction of that name, or all, or list them if no name is given.

    Args:
        name: of a reproduction, or ``"all"`` for one after the other.
        tracking_uri: of the store.
        out: a folder for the pictures, or None.
        settings: as `Options` has them.
    Raises:
        HpsearchError: there is none of that name, or a setting cannot be used.
    """
    if name is None:
        _list()
    elif name == ALL:
        _run_all(tracking_uri, out, settings)
    else:
        _run(find_reproduction(name), tracking_uri, out, settings)


def _list() -> None:
    table = Table("reproduction", "published claim", "source", box=SIMPLE_HEAD)
    for one in catalogue.REPRODUCTIONS:
        table.add_row(*map(Text, (one.name, one.claim, one.source)))
    terminal().print(table)
    terminal().print(f"Run one: hpsearch reproduce NAME; or all, one after the other: hpsearch reproduce {ALL}", markup=False)


def _run_all(tracking_uri: str | None, out: Path | None, settings: dict[str, Any]) -> None:
    """Run every reproduction, and print a table of the rows that differ from what was published."""
    table = Table("reproduction", "rows", "differ", box=SIMPLE_HEAD)
    for one in catalogue.REPRODUCTIONS:
        if not one.can_run:
            table.add_row(Text(one.name), "-", Text(f"not run: the package {one.needs} is not installed"))
            continue
        found = _run(one, tracking_uri, out, settings)
        differ = [row.what for row in found.rows if row.verdict.startswith(DIFFERS)]
        none = NOT_JUDGED if settings.get("smoke") else "none"
        table.add_row(Text(one.name), str(len(found.rows)), Text("; ".join(differ) or none))
    terminal().print(table)


def _run(wanted: Reproduction, tracking_uri: str | None, out: Path | None, settings: dict[str, Any]) -> Reproduced:
    """Run a reproduction, print its table, and print where its plots are."""
    console, root = terminal(), project_root(Path.cwd())
    if out is not None and out.exists() and not out.is_dir():
        raise HpsearchError(must_be("--out", "a folder", str(out), "Name a folder; it is created if it does not exist."))
    options = Options(
        tracker=lambda: MlflowTracker(tracking_uri, root),
        say=lambda sentence: console.print(sentence, markup=False, soft_wrap=True),
        show=lambda: open_display(console, False),
        **settings,
    )
    console.print(f"{wanted.claim} ({wanted.source})", markup=False, soft_wrap=True)
    found = wanted.run(options)
    console.print(published_beside_ours(found))
    for sentence in found.conclusions:
        console.print(sentence, markup=False, soft_wrap=True)
    _say_where(console, found, out, tracking_uri)
    return found


def published_beside_ours(found: Reproduced) -> Table:
    """Return the table of a reproduction."""
    table = Table("what", "published", "ours", "verdict", box=SIMPLE_HEAD)
    for row in found.rows:
        table.add_row(*map(Text, (row.what, row.published, row.ours, row.verdict)))
    return table


def _say_where(console: Console, found: Reproduced, out: Path | None, tracking_uri: str | None) -> None:
    for name, content in found.files.items() if out is not None else ():
        path = Path(str(out)) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    names = ", ".join(found.files)
    if out is not None:
        console.print(f"Plots written to {out}: {names}", markup=False, soft_wrap=True)
    if found.main is not None:
        study = found.main.study.name
        console.print(f"Among the artifacts of {study} in MLflow: {names}", markup=False, soft_wrap=True)
        show_link(console, found.main.tracker, tracking_uri)
