"""How often `diagnose` names the fault that was planted: the confusion matrix on the labelled curves that were held out.

python -m tests.benchmarks.labelled_curves          # the held-out curves, a second
python -m tests.benchmarks.labelled_curves tuned    # the curves that the table of points was fitted to
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from hpsearch.analysis.diagnosis import LABELS, diagnose
from tests.benchmarks.curves_of_networks import Labelled, read

Matrix = dict[str, Counter[str | None]]


def matrix(curves: Sequence[Labelled]) -> Matrix:
    """Return how often curves of each label are given which; a further true label counts as the first."""
    return counted((curve, diagnose(curve.history).label) for curve in curves)


def counted(told: Iterable[tuple[Labelled, str | None]]) -> Matrix:
    """Return the same of what was told."""
    counts: Matrix = {label: Counter() for label in LABELS}
    for curve, said in told:
        counts[curve.label][curve.label if said in curve.also else said] += 1
    return counts


def strict(curves: Sequence[Labelled]) -> float:
    """Return the macro-averaged accuracy where only the planted fault counts."""
    return accuracy(matrix([Labelled(c.label, (), c.held_out, c.made, c.history) for c in curves]))


def accuracy(counts: Matrix) -> float:
    """Return the mean over the labels of the share that was told right."""
    shares = [row[label] / row.total() for label, row in counts.items() if row.total()]
    return sum(shares) / len(shares)


def table(counts: Matrix) -> str:
    """Return the matrix as a table in Markdown, one row for each planted fault."""
    said = [*LABELS, *([None] if any(None in row for row in counts.values()) else [])]
    lines = ["| planted | " + " | ".join(label or "not enough" for label in said) + " | right |"]
    lines.append("|" + " --- |" * (len(said) + 2))
    for label, row in counts.items():
        cells = " | ".join(str(row[name] or "") for name in said)
        lines.append(f"| {label} | {cells} | {row[label] / max(1, row.total()):.0%} |")
    return "\n".join(lines)


def main(held_out: bool = True) -> None:
    """Print the matrix and what it comes to."""
    curves = [curve for curve in read() if curve.held_out == held_out]
    counts = matrix(curves)
    print(table(counts))
    print(f"{len(curves)} curves, macro-averaged accuracy {accuracy(counts):.1%}; planted label alone: {strict(curves):.1%}")


if __name__ == "__main__":
    main(sys.argv[1:] != ["tuned"])
