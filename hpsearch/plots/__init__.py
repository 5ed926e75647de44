"""Plots from the results of analyses, as PNG and for a browser; matplotlib and plotly are loaded when one is drawn.

draw, KINDS                          the plots of a study, by name
  Plot                                 one of them, to show and to save
contest_chart, learning_curves_chart, efficiency_chart, success_curves
                                     the plots of comparisons and simulations
rate_chart                           the search for a learning rate
Chart, Parallel, Picture             what `still.png` and `interactive.page` draw
"""

from hpsearch.plots import interactive, still
from hpsearch.plots.chart import Chart, Parallel, Picture
from hpsearch.plots.contest import contest_chart
from hpsearch.plots.efficiency import efficiency_chart
from hpsearch.plots.kinds import KINDS, draw
from hpsearch.plots.learning_curves import learning_curves_chart
from hpsearch.plots.plot import Plot
from hpsearch.plots.rate import rate_chart
from hpsearch.plots.success import success_curves

__all__ = [
    "KINDS",
    "Chart",
    "Parallel",
    "Picture",
    "Plot",
    "contest_chart",
    "draw",
    "efficiency_chart",
    "interactive",
    "learning_curves_chart",
    "rate_chart",
    "still",
    "success_curves",
]
