"""Pages of the documented modules, made from their docstrings with pdoc.

python -m tests.docs FOLDER     # one HTML page a module, in half a minute; ends with an error at the first warning

The modules are those of `tests.test_exported_members`.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path

from pdoc.doc import Module
from pdoc.render import html_module

from tests.test_exported_members import LISTED, PLAIN


def write_pages(folder: Path) -> list[Path]:
    """Write a page for each documented module into a folder, and return the files."""
    names = sorted({*LISTED, *PLAIN})
    modules = {name: Module(_imported(name)) for name in names}
    pages = {Path(*name.split(".")).with_suffix(".html"): html_module(module, modules) for name, module in modules.items()}
    pages[Path("index.html")] = "<!doctype html>\n<ul>\n" + "\n".join(
        f'<li><a href="{path.as_posix()}">{name}</a></li>' for name, path in zip(modules, list(pages), strict=True)
    )
    for path, page in pages.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(page, encoding="utf-8")
    return [folder / path for path in pages]


def _imported(name: str) -> object:
    """Return a module that holds all its public names: pdoc does not see those that are imported when asked for."""
    module = importlib.import_module(name)
    vars(module).update({public: getattr(module, public) for public in LISTED.get(name, ())})
    return module


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("Usage: python -m tests.docs FOLDER")
    warnings.simplefilter("error", UserWarning)  # pdoc's own are of this kind
    sys.stdout.write(f"{len(write_pages(Path(sys.argv[1])))} pages in {sys.argv[1]}\n")
