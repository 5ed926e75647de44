"""Every study in studies/ runs, shrunk to seconds."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from hpsearch.reproductions.catalogue import REPRODUCTIONS
from tests.command import run_command

FOLDER = Path(__file__).parents[2] / "studies"
STUDIES = sorted(FOLDER.glob("*.py"))
PAGES = sorted(FOLDER.rglob("*.md"))


@pytest.mark.parametrize("file", STUDIES, ids=lambda f: f.stem)
def test_smoke(file: Path) -> None:
    if "mnist" in file.stem and "HPSEARCH_DATA_HOME" not in os.environ:
        pytest.skip("MNIST is not here: HPSEARCH_DATA_HOME is not set")
    done = run_command(FOLDER.parent, "run", str(file), "--smoke")
    assert done.returncode == 0, done.stderr
    assert "of 2 trials" in done.stdout


@pytest.mark.parametrize("file", STUDIES, ids=lambda f: f.stem)
def test_is_listed_and_short(file: Path) -> None:
    assert f"`{file.name}`" in (file.parent / "README.md").read_text()
    assert len(file.read_text().splitlines()) <= 45


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(FOLDER)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)", page.read_text())
    assert targets
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_and_picture_is_linked() -> None:
    """From the front page of the studies; or a page nobody finds, and a picture nobody sees, stay behind."""
    linked = {(page.parent / target).resolve() for page in PAGES for target in re.findall(r"\]\(([^)#]+)", page.read_text())}
    files = {*PAGES, *(FOLDER / "pictures").iterdir()}
    assert sorted(str(file.relative_to(FOLDER)) for file in files if file.resolve() not in linked) == []


def test_every_reproduction_has_a_page() -> None:
    pages = {page.stem for folder in ("reproductions", "documents") for page in (FOLDER / folder).glob("*.md")} - {"README"}
    assert pages == {one.name for one in REPRODUCTIONS}
