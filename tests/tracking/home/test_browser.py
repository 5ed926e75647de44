"""A newcomer's clicks from the home page to a table, a trial and a report, in a real browser on MLflow's real server."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.home.app import is_installed
from hpsearch.tracking.store.server import serve
from tests.tracking import sample
from tests.tracking.home.browser import Browser, browsing
from tests.tracking.servers import free_port

pytestmark = pytest.mark.campaign
HOSTILE = "<img src=x onerror=\"document.title='taken'\">"
TEXT = "document.body.innerText"


@pytest.fixture
def port(store: Store) -> Iterator[int]:
    if not is_installed():
        pytest.skip("MLflow does not know the page: hpsearch was installed before it had one. Run: pip install -e .")
    port = free_port()
    with serve(store, port, home=True):
        yield port


def link(text: str) -> str:
    """Return the expression that finds a link by its text."""
    return f"[...document.querySelectorAll('a')].find(a => a.textContent.trim() === {text!r})"


def test_clicks_from_the_home_page(store: Store, port: int) -> None:
    tracker, study = MlflowTracker(store=store), sample.tracked(HOSTILE, planned=3)
    tracker.start(study)
    tracker.record(sample.plain(0, 0.5))
    tracker.attach(study.record, {"report.html": b"<h1>What was found</h1>"})
    home = f"http://127.0.0.1:{port}/hpsearch"
    with browsing() as browser:
        browser.open(home)
        browser.wait(f"{TEXT}.includes('1 of 3 trials')")
        assert HOSTILE in browser.evaluate(TEXT)
        browser.evaluate("window.stays = true")
        tracker.record(sample.plain(1, 0.25))
        browser.wait(f"{TEXT}.includes('2 of 3 trials')")
        assert browser.evaluate("window.stays && document.title") == "hpsearch: 1 study, 1 running"
        tracker.finish("finished", [])
        browser.wait(f"{TEXT}.includes('finished')")

        browser.click("document.querySelector('h2 a')", link("trial 001"))
        assert "viewStateShareKey=hpsearch-" in browser.evaluate("location.hash")
        assert "2 matching runs" in browser.evaluate(TEXT)
        check_training(browser)
        browser.click(link("trial 001"), f"{TEXT}.includes('Model metrics')")
        check_training(browser)

        browser.open(home)
        browser.click(link("Report"), f"{TEXT}.includes('What was found')")


def check_training(browser: Browser) -> None:
    """Check that a page of MLflow is about trials, and that the Assistant does not lie over it."""
    shown = browser.evaluate(TEXT)
    assert "Model registry" in shown
    assert "Send your first trace" not in shown
    assert browser.evaluate("localStorage['mlflow.assistant.panelOpen_v1'] !== 'true'")


def test_mlflow_guards_the_page_as_its_own(store: Store, port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    found = {}
    for host in (f"127.0.0.1:{port}", "evil.example.com"):
        connection.request("GET", "/hpsearch", headers={"Host": host})
        response = connection.getresponse()
        found[host], _ = response.status, response.read()
    assert [*found.values()] == [200, 403]
    connection.request("GET", "/")
    assert b"<title>MLflow</title>" in connection.getresponse().read()
