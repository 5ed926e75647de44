"""Arguments of a run: refused in one sentence, before anything is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch import Float, Space, Study
from hpsearch.errors import StudyError
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker

STUDY = Study("s", Space(x=Float(0, 1)), lambda params: params["x"], Random(2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"progress": True}, "progress must be 'auto', None or a function, got True. Leave it out, or pass None"),
        ({"progress": "bar"}, "progress must be 'auto', None or a function, got 'bar'"),
        ({"jobs": 0}, "jobs must be a whole number >= 1, got 0. Leave it out"),
        ({"jobs": 1.5}, "jobs must be a whole number >= 1, got 1.5"),
        ({"backend": "dask"}, "backend must be one of 'loky', 'threading', 'sequential', got 'dask'"),
        ({"accept_change": "x"}, "accept_change must be True or False, got 'x'. Leave it out for False."),
        ({"fresh": 1}, "fresh must be True or False, got 1"),
        ({"retry": "yes"}, "retry must be True or False, got 'yes'. Leave it out to let the study decide."),
        ({"model": "yes"}, "model must be True or False, got 'yes'"),
        ({"report": 0}, "report must be True or False, got 0"),
        ({"source": "study.py"}, "source must be a Path, got 'study.py'. Leave it out, or write Path('study.py')."),
        ({"tracker": True}, "tracker must be a tracker, got True. Leave it out, or write MlflowTracker()"),
        ({"tracker": MemoryTracker}, "tracker must be a tracker, got <class"),
    ],
)
def test_bad_arguments_of_a_run_are_found_before_anything_is_recorded(arguments: dict[str, Any], message: str) -> None:
    tracker = MemoryTracker()
    with pytest.raises(StudyError) as caught:
        STUDY.run(**{"tracker": tracker, **arguments})
    assert message in str(caught.value)
    assert tracker.find(STUDY.tracked()) is None
