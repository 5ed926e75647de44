"""One plot: it shows itself in a notebook, and is saved as PNG, SVG, PDF or an interactive page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.checks import number
from hpsearch.errors import SettingError, must_be
from hpsearch.plots import interactive, still
from hpsearch.plots.chart import Picture

if TYPE_CHECKING:
    import matplotlib.figure
    import plotly.graph_objects

FORMATS = (".png", ".svg", ".pdf", ".html")
_SIZE_ADVICE = "Leave it out for the usual size."


@dataclass(frozen=True)
class Plot:
    """A plot of a study's result.

    Args:
        picture: what is drawn.
    """

    picture: Picture

    @property
    def caption(self) -> str:
        """One sentence on how to read it."""
        return self.picture.caption

    def figure(self) -> matplotlib.figure.Figure:
        """Return it as a matplotlib figure, to change what you like."""
        return still.figure(self.picture)

    def interactive(self) -> plotly.graph_objects.Figure:
        """Return it as a plotly figure."""
        return interactive.figure(self.picture)

    def save(
        self,
        path: Path | str,
        *,
        width: float | None = None,
        height: float | None = None,
        dpi: float | None = None,
        title: bool = True,
    ) -> Path:
        """Save it to a file; return its path. SVG and PDF hold their fonts.

        Args:
            path: a file that ends in .png, .svg, .pdf, or .html (interactive).
            width: in inches; 3.5 is a column of most journals. Texts keep their size in points.
            height: in inches.
            dpi: dots per inch of a PNG.
            title: whether to draw the title, which a paper's caption replaces.
        Raises:
            SettingError: another ending, or a number out of range.
        """
        path = Path(path)
        check_file(path, width, height, dpi)
        picture = self.picture if title else replace(self.picture, title="")
        if path.suffix == ".html":
            path.write_text(interactive.page(picture), encoding="utf-8")
        else:
            path.write_bytes(still.draw(picture, path.suffix[1:], width, height, dpi))
        return path

    def _repr_png_(self) -> bytes:
        return still.png(self.picture)


def check_file(path: Path, width: float | None = None, height: float | None = None, dpi: float | None = None) -> None:
    """Raise `SettingError` for an ending or a size that no plot can have."""
    if path.suffix not in FORMATS:
        raise SettingError(must_be("A plot's file", f"one ending in {', '.join(FORMATS)}", str(path), f"Try {path.stem}.png"))
    for name, value in (("width", width), ("height", height)):
        if value is not None:
            number(f"A plot's {name}", value, 1.0, 100.0, _SIZE_ADVICE, error=SettingError)
    if dpi is not None:
        number("A plot's dpi", dpi, 10.0, 2400.0, _SIZE_ADVICE, error=SettingError)
    if path.suffix == ".html" and (width, height, dpi) != (None, None, None):
        advice = "Leave width, height and dpi out, or save it as .svg, .pdf or .png."
        raise SettingError(must_be("A plot of a given size", "a still picture", str(path), advice))
