"""What a notebook shows of a space, a study, a trial and a result: settings in full, texts as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpsearch import Choice, Float, Space, Study
from hpsearch.errors import StudyError
from hpsearch.search.result import Result
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker

SPACE = Space(x=Float(0.0, 1.0), kind=Choice("<a>", "<b>"))


def run(objective: Any = lambda params: params["x"], **settings: Any) -> Result:
    study = Study("views", SPACE, objective, Random(trials=8), question="Is it <safe>?", **settings)
    return study.run(1, backend="sequential", tracker=MemoryTracker())


def fail(params: Any) -> float:
    raise ValueError("<never>")


def test_a_space_is_a_table() -> None:
    assert SPACE._repr_html_().count("<tr>") == 3
    assert "Choice(&#x27;&lt;a&gt;&#x27;" in SPACE._repr_html_()


def test_a_study_says_what_it_asks() -> None:
    shown = run().study._repr_html_()  # type: ignore[operator]
    for text in ("Study views", "Is it &lt;safe&gt;?", "Random(trials=8)", "Float(0.0, 1.0)"):
        assert text in shown


def test_a_trial_and_a_result_show_exact_settings() -> None:
    result = run()
    exact = repr(result.best.params["x"])
    assert exact in result.best._repr_html_()
    shown = result._repr_html_()
    assert exact in shown
    assert shown.count("<tr>") == 6  # the heads, and five trials
    assert 'src="data:image/png;base64,' in shown
    assert "<a>" not in shown
    assert len(shown) < 100_000


def test_a_result_is_short_in_one_line() -> None:
    assert repr(run()).startswith("<Result of study 'views': 8 trials, best 0.")
    assert repr(run(fail)) == "<Result of study 'views': 5 trials>"
    assert "5 trials" in run(fail)._repr_html_()


@pytest.mark.parametrize("maximize", [False, True])
def test_the_best_is_at_hand(maximize: bool) -> None:
    result = run(maximize=maximize)
    extreme = max if maximize else min
    assert result.best_value == extreme(row["value"] for row in result.table())
    assert result.best_params["x"] == result.best_value


def test_a_result_writes_its_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run()
    assert result.report() == Path("views-report.html")
    assert "views" in (tmp_path / "views-report.html").read_text()
    assert result.report("other.html").exists()
    alone = Result(result.study, result.trials, result.record, result.tracker)
    with pytest.raises(StudyError, match=r"A report is written by the result of Study\.run"):
        alone.report()
