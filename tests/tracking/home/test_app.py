"""The home page in a Flask app such as MLflow's: what it responds, and that no request changes anything."""

from __future__ import annotations

import importlib
import shutil
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path
from types import FunctionType

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.home.app import add_page
from tests.tracking import sample


def browser(store: Store, prefix: str = "") -> FlaskClient:
    app = Flask("mlflow")
    add_page(app, store.uri, store.root, prefix)
    return app.test_client()


def test_the_page_shows_the_studies_and_changes_nothing(store: Store) -> None:
    tracker = MlflowTracker(store=store)
    tracker.start(sample.tracked("<b>digits</b>"))
    tracker.record(sample.plain(0, 0.125))
    tracker.finish("finished", [])
    files = sorted(store.folder.rglob("*"))
    with closing(sqlite3.connect(store.folder / "mlflow.db")) as watching:
        before = watching.execute("PRAGMA data_version").fetchone()
        response = browser(store).get("/hpsearch")
        assert watching.execute("PRAGMA data_version").fetchone() == before
    assert sorted(store.folder.rglob("*")) == files
    assert response.status_code == 200
    assert "&lt;b&gt;digits&lt;/b&gt;" in response.text
    assert "<b>0.125</b>" in response.text
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'sha256-")
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert (response.headers["Cache-Control"], response.headers["Referrer-Policy"]) == ("no-store", "no-referrer")


def test_a_report_is_a_page_that_reaches_nothing(store: Store) -> None:
    tracker, study = MlflowTracker(store=store), sample.tracked("digits")
    tracker.start(study)
    tracker.finish("finished", [])
    client = browser(store)
    run = store.client.search_runs(["1"])[0].info
    address = f"/hpsearch/report/{run.run_id}"
    assert client.get(address).status_code == 404
    content = b"<h1>What was found</h1><script>alert(1)</script>"
    tracker.attach(study.record, {"report.html": content})
    assert f'href=".{address}"' in client.get("/hpsearch").text
    response = client.get(address)
    assert (response.status_code, response.data) == (200, content)
    assert response.content_type.startswith("text/html")
    assert response.headers["Content-Security-Policy"].startswith("sandbox allow-scripts; default-src 'none';")
    assert client.post(address).status_code == 405
    shutil.rmtree(store.artifacts)  # as on a server that keeps artifacts where this process cannot read them
    response = client.get(address)
    assert response.status_code == 302
    assert response.headers["Location"].startswith(f"/#/experiments/1/runs/{run.run_id}/artifacts/report.html?")


def test_other_runs_and_other_files_are_not_served(store: Store) -> None:
    run = store.client.create_run("0").info.run_id
    store.client.log_text(run, "<script>alert(1)</script>", "report.html")
    for path in (run, "no-such-run", "<b>", f"{run}/../x", "%2e%2e"):
        response = browser(store).get(f"/hpsearch/report/{path}")
        assert response.status_code == 404
        assert "<script>" not in response.text
        assert "<b>" not in response.text


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_sent_to_it(store: Store, method: str) -> None:
    assert getattr(browser(store), method)("/hpsearch").status_code == 405


def test_it_is_found_under_the_prefix_of_the_other_pages(store: Store) -> None:
    client = browser(store, "/mlflow/")
    assert client.get("/mlflow/hpsearch").status_code == 200
    assert client.get("/hpsearch").status_code == 404


def test_a_store_that_cannot_be_read_is_a_sentence(root: Path) -> None:
    app = Flask("mlflow")
    add_page(app, "file:///tmp/<runs>", root)
    response = app.test_client().get("/hpsearch")
    assert response.status_code == 503
    assert "A tracking URI must be" in response.text
    assert "<runs>" not in response.text


def test_the_project_announces_the_app_to_mlflow() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    module, _, name = project["entry-points"]["mlflow.app"]["hpsearch"].partition(":")
    assert isinstance(getattr(importlib.import_module(module), name), FunctionType)
