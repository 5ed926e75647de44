"""Commands that show the studies of a store on one page, served or as a file."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from hpsearch.cli.commands import check_folder, hpsearch_command, open_store, study_links, terminal
from hpsearch.tracking import Store, project_root
from hpsearch.tracking.home import OverviewReader, render
from hpsearch.tracking.home.app import is_installed
from hpsearch.tracking.pages import links
from hpsearch.tracking.store import server
from hpsearch.trial.formatting import count


def serve_pages(tracking_uri: str | None, port: int) -> None:
    """Serve the home page and MLflow's pages until Ctrl-C; of a server that others run, print where it is."""
    console, root = terminal(), project_root(Path.cwd())
    if not Store.at(tracking_uri, root).served:
        server.check_port(port)  # before the seconds that reading takes
    # In a process of its own: reading the store loads MLflow, 170 MB that this process would keep while it waits.
    with ProcessPoolExecutor(1, get_context("spawn")) as reader:
        store, found = reader.submit(study_links, tracking_uri, root, f"http://{server.HOST}:{port}").result()
    home = not store.served and is_installed()
    with server.serve(store, port, home) as pages:
        address = pages.url + server.PATH if home else links.home(pages.url)
        ends = "" if store.served else " (Ctrl-C ends it)"
        console.print(f"See {count(len(found), 'study')} at {address}{ends}.", markup=False, soft_wrap=True)
        for name, link in found[:10]:
            console.print(f"  {name}: {link}", markup=False, soft_wrap=True)
        if store.served:
            command = hpsearch_command("page", tracking_uri=tracking_uri)
            console.print(f"One page of all studies: {command}", markup=False, soft_wrap=True)
        elif not home:
            advice = "The home page is not installed; install hpsearch again, such as by pip install -e ."
            console.print(advice, markup=False, style="yellow", soft_wrap=True)
        pages.wait()


def write_page(out: Path, tracking_uri: str | None) -> None:
    """Write the home page to a file."""
    check_folder(out)
    store = open_store(tracking_uri)
    base = store.address if store.served else links.BASE
    studies = OverviewReader(store).read()
    out.write_text(render(studies, store.place, base), encoding="utf-8")
    terminal().print(f"Written: {out}, with {count(len(studies), 'study')}.", markup=False, soft_wrap=True)
    if not store.served:
        command = hpsearch_command("ui", tracking_uri=tracking_uri)
        terminal().print(f"Its links work while this runs: {command}", markup=False, soft_wrap=True)
