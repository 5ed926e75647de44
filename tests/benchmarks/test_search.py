"""The benchmark command of search strategies: its targets, its figures, and that it runs and goes on from what it kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpsearch import Float, Space
from tests.benchmarks import search
from tests.benchmarks.search_problems import Problem


def bowl(sample: list[float]) -> Problem:
    return Problem("bowl", Space(x=Float(0.0, 1.0)), lambda params: float(params["x"]), np.array(sample), 0.0)


def test_the_target_is_the_expected_best() -> None:
    """By hand: of 0, 1, 2, 3 the lower of two draws is 0 in 7 of 16 cases, 1 in 5, 2 in 3, 3 in 1."""
    assert bowl([0.0, 1.0, 2.0, 3.0]).expected_best(1) == pytest.approx(1.5)
    assert bowl([0.0, 1.0, 2.0, 3.0]).expected_best(2) == pytest.approx((5 + 6 + 3) / 16)


def test_the_figures_are_means_of_medians_and_ratios(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: runs that reach 1 after 1, 2 and never (4): median 2, mean 2; half of that for the other one."""
    monkeypatch.setattr(search, "problem", lambda name: bowl([1.0] * 4))
    slow = [[search.Ran(values, 0.01) for values in ((1.0,), (2.0, 1.0), (3.0, 3.0, 3.0, 3.0))]]
    fast = [[search.Ran((1.0,), 0.0)] * 3]
    first, second = (search.summarize(name, ["bowl"], runs, 4, True) for name, runs in (("slow", slow), ("fast", fast)))
    assert first.milliseconds == pytest.approx(1e3 * 0.03 / 7)
    table = search.lines([first, second], first, with_regret=False)
    assert table[2].startswith("| slow | 2.0 | 2.0 | 2.0 | 2.0 | 1.00 | 1.000 | 1.000 |")
    assert table[3].startswith("| fast | 1.0 | 1.0 | 1.0 | 1.0 | 0.50 |")


def test_it_runs_and_keeps_its_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache = tmp_path / "runs.jsonl"
    names = ("Random", "Bayesian")
    few = ["--sets", "bbob5", "--problems", "f1-5", "--seeds", "2", "--cap", "16", "--against", "Random", "--cache", str(cache)]
    search.main([*few, "--contestants", *names])
    assert [line.split(" | ")[0] for line in capsys.readouterr().out.splitlines()[-2:]] == [f"| {name}" for name in names]
    kept = cache.read_text().splitlines()
    assert len(kept) == 4
    search.main([*few, "--contestants", *names, "QuasiRandom"])
    assert cache.read_text().splitlines()[:4] == kept
    assert len(cache.read_text().splitlines()) == 6


def test_the_table_replaces_the_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "README", tmp_path / "README.md")
    search.README.write_text("# Benchmarks\n")
    search.write(["first"])
    search.README.write_text(f"{search.README.read_text()}\n## Next\n")
    search.write(["second"])
    text = search.README.read_text()
    assert "first" not in text
    assert text.startswith("# Benchmarks\n\n## Search\n")
    assert f"{search.BEGIN}\nsecond\n{search.END}\n\n## Next\n" in text
