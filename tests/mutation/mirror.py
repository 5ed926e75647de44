"""The tests that mirror a module: those of its name, else those written for it, else those of its package."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

# Modules without a test file of their own name: the tests that are written for them.
WRITTEN_FOR = {
    "analysis/history": ["analysis/test_findings.py"],
    "analysis/sample": ["analysis/test_bestof.py", "analysis/test_differences.py"],
    "execution/local": ["execution/test_endings.py"],
    "execution/signals": ["execution/test_endings.py"],
    "execution/task": ["execution/test_endings.py"],
    "space/domains": ["space/test_space.py"],
    "analysis/conclusions": ["analysis/test_contest.py"],
    "analysis/crossings": ["analysis/test_learning_curves.py"],
    "analysis/curve_points": ["analysis/test_diagnosis.py"],
    "analysis/curve_shape": ["analysis/test_diagnosis.py"],
    "analysis/extrapolation": ["analysis/test_learning_curves.py"],
    "analysis/learning_curve": ["analysis/test_learning_curves.py"],
    "analysis/scales": ["analysis/test_findings.py"],
    "execution/isolation": ["execution/test_endings.py"],
    "search/admission": ["test_study.py"],
    "search/export": ["search/test_best_state.py"],
    "search/config": ["test_study.py", "search/test_batches.py"],
    "search/environment": ["search/test_identity.py"],
    "search/loop": ["test_study.py", "search/test_batches.py"],
    "search/progress": ["test_study.py"],
    "search/replay": ["tracking/test_resume.py", "search/test_batches.py"],
    "search/rerun": ["search/test_median_stop.py", "scenarios/test_continue.py"],
    "search/result": ["search/test_export.py", "test_study.py"],
    "strategies/random": ["strategies/test_contract.py"],
    "tracking/delivery/retry_queue": ["tracking/delivery/test_outage.py"],
    "tracking/delivery/spool_file": ["tracking/delivery/test_outage.py"],
    "tracking/memory": ["tracking/test_contract.py"],
    "tracking/mlflow_tracker": ["tracking/test_contract.py", "tracking/test_resume.py"],
    "tracking/open_study": ["tracking/test_contract.py", "tracking/test_resume.py"],
    "tracking/test_access": ["tracking/test_contract.py"],
    "trial/selection": ["trial/test_selection.py", "search/test_batches.py"],
}


def mirror_of(module: str, tests: Path) -> list[str]:
    """Return the test files of a module such as ``space/domains`` below the folder ``tests``, the nearest first.

    They are those of its name and those written for it; where there are none, all of its package. The examples in the
    docstrings of the analysis are a test too.
    """
    place = PurePosixPath(module)
    files = [f"{place.parent}/test_{place.name}.py", *WRITTEN_FOR.get(module, [])]
    found = [name for name in files if (tests / name).exists()]
    found = found or [str(file.relative_to(tests)) for file in sorted((tests / place.parent).glob("test_*.py"))]
    found += ["analysis/test_examples.py"] if module.startswith("analysis/") else []
    return [f"tests/{name}" for name in dict.fromkeys(found)]
