"""The tests that mirror a module: those of its name first, then those of its package."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

# Modules without a test file of their own name: the tests that are written for them.
WRITTEN_FOR = {
    "analysis/conclusions": ["analysis/test_contest.py"],
    "analysis/crossings": ["analysis/test_learning_curves.py"],
    "analysis/curve_points": ["analysis/test_diagnosis.py"],
    "analysis/curve_shape": ["analysis/test_diagnosis.py"],
    "analysis/extrapolation": ["analysis/test_learning_curves.py"],
    "analysis/learning_curve": ["analysis/test_learning_curves.py"],
    "analysis/scales": ["analysis/test_findings.py"],
    "execution/isolation": ["execution/test_endings.py"],
    "search/admission": ["test_study.py"],
    "search/best_state": ["search/test_export.py"],
    "search/config": ["test_study.py", "search/test_batches.py"],
    "search/environment": ["search/test_identity.py"],
    "search/loop": ["test_study.py", "search/test_batches.py"],
    "search/progress": ["test_study.py"],
    "search/replay": ["tracking/test_resume.py", "search/test_batches.py"],
    "search/rerun": ["search/test_median_stop.py", "scenarios/test_continue.py"],
    "search/result": ["search/test_export.py", "test_study.py"],
    "tracking/memory": ["tracking/test_contract.py"],
    "tracking/mlflow_tracker": ["tracking/test_contract.py", "tracking/test_resume.py"],
    "tracking/open_study": ["tracking/test_contract.py", "tracking/test_resume.py"],
    "tracking/test_access": ["tracking/test_contract.py"],
    "trial/selection": ["trial/test_selection.py", "search/test_batches.py"],
}
# Too long to be run for every change of the package: stores that are broken on purpose, servers, pages of whole studies.
ELSEWHERE = ("tracking/",)


def mirror_of(module: str, tests: Path) -> list[str]:
    """Return the test files of a module such as ``space/domains``, the nearest first, below the folder ``tests``."""
    place = PurePosixPath(module)
    own = [str(place.parent / f"test_{place.name}.py"), *WRITTEN_FOR.get(module, [])]
    folder = tests / place.parent
    beside = [] if module in WRITTEN_FOR and module.startswith(ELSEWHERE) else sorted(folder.glob("test_*.py"))
    near = [str(file.relative_to(tests)) for file in beside]
    more = ["tracking/test_contract.py", "tracking/test_resume.py"] if module.startswith("tracking/") else []
    return _existing([*own, *near, *more], tests)


def _existing(files: Iterable[str], tests: Path) -> list[str]:
    return [f"tests/{name}" for name in dict.fromkeys(files) if (tests / name).exists()]
