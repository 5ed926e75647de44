"""L1 regularisation of several strengths: the document's exercise."""

from collections.abc import Sequence

from hpsearch.reproductions.experiment import Experiment, network
from hpsearch.reproductions.figures import Found, Gain
from hpsearch.reproductions.views import ByEpoch, BySetting

NONE = "none"
STRENGTHS = (0.5, 1.0, 2.0, 5.0)
NAMES = {f"L1, lambda {strength:g}": strength for strength in STRENGTHS}


def _conclude(found: Found) -> Sequence[str]:
    rows = {figure.setting: figure.row(found).verdict for figure in GAINS}
    ahead = [name for name, verdict in rows.items() if verdict == "better"]
    which = " and ".join(ahead) if ahead else "No strength tried"
    return [
        f"{which} beat{'s' * (len(ahead) < 2)} no penalty beyond the noise, with intervals widened for {len(rows)} strengths "
        "side by side. The same validation images show all of them; no test image was looked at."
    ]


# 95 % for all of them together, by Bonferroni's rule.
GAINS = [Gain(f"{name} over none", "best_accuracy", name, NONE, level=1 - 0.05 / len(STRENGTHS)) for name in NAMES]

L1 = Experiment(
    name="l1",
    question="Is there a strength at which L1 beats no regularisation, with 30 hidden neurons?",
    claim="An exercise: find a strength at which L1 does better than no regularisation. No answer is published.",
    settings={NONE: {"l1": 0.0}, **{name: {"l1": strength} for name, strength in NAMES.items()}},
    objective=network(learning_rate=0.5, epochs=30),
    figures=GAINS,
    views=[
        ByEpoch("validation_accuracy", "accuracy on validation images (%)", factor=100, ends=(93, 97)),
        BySetting("best_accuracy", "validation accuracy of the best epoch (%)"),
    ],
    conclude=_conclude,
)
