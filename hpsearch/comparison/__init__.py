"""Comparisons of studies over paired seeds at equal budget."""

from hpsearch.comparison.comparison import Comparison, compare, comparison_study

__all__ = [
    "Comparison",
    "compare",
    "comparison_study",
]
