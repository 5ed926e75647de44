"""The vault opens in one place, in one process, after logging; everywhere else it refuses."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
from joblib import Parallel, delayed

from hpsearch.data import Part, digits
from hpsearch.data.vault import Sealed, closed, open_test, seal
from hpsearch.errors import VaultError
from tests.data.small_parts import part_of


@pytest.fixture
def sealed() -> Sealed:
    return seal("toy", range(3), lambda: part_of(3))


def answer(handle: Sealed, load: bool = False) -> str:
    """What a trial that wants the test part is told; ``load`` seals the same data again where the trial runs."""
    if load:
        digits()
    try:
        return repr(open_test(handle))
    except VaultError as error:
        return str(error)


def test_opening_hands_out_the_rows(sealed: Sealed) -> None:
    np.testing.assert_array_equal(open_test(sealed).x, part_of(3).x)


def test_the_log_comes_before_the_data(sealed: Sealed) -> None:
    def fails() -> None:
        raise OSError("store is gone")

    with pytest.raises(OSError, match="store is gone"):
        open_test(sealed, fails)


def test_each_opening_is_logged(sealed: Sealed) -> None:
    log: list[str] = []
    for _ in range(3):
        open_test(sealed, lambda: log.append("opened"))
    assert len(log) == 3


def test_the_handle_holds_no_data_and_says_what_it_is() -> None:
    data = digits()
    assert data.test is not None
    assert repr(data.test) == "Sealed(digits, rows=359)"
    x = open_test(data.test).x
    assert x.tobytes()[:256] not in pickle.dumps(data)
    assert len(pickle.dumps(data.test)) < 2_000


def test_an_equal_handle_opens_the_same_part(sealed: Sealed) -> None:
    again = pickle.loads(pickle.dumps(sealed))
    assert again == sealed
    assert open_test(again).checksum == sealed.checksum


def test_changed_data_is_refused_and_not_logged() -> None:
    x, log = part_of(3).x.copy(), []
    handle = seal("toy", range(3), lambda: Part(x.copy(), np.arange(3) % 2))
    x[0, 0] = 77
    with pytest.raises(VaultError, match=r"Checksum of Sealed\(toy, rows=3\) must be .*changed after it was sealed"):
        open_test(handle, lambda: log.append("opened"))
    assert log == []


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
@pytest.mark.parametrize("load", [False, True])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_worker_is_refused_even_if_it_loads_the_data_itself(backend: str, load: bool) -> None:
    handle = digits().test
    assert handle is not None
    for said in Parallel(n_jobs=2, backend=backend)(delayed(answer)(handle, load) for _ in range(2)):
        assert said.startswith("Sealed(digits, rows=359) must be closed in a worker process")
    assert answer(handle) == "Part(rows=359, features=64)"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_is_refused(sealed: Sealed) -> None:
    child = os.fork()
    if child == 0:
        refused = False
        try:
            refused = "opened where its data was loaded" in answer(sealed)
        finally:
            os._exit(0 if refused else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_process_that_never_loaded_the_data_is_refused(sealed: Sealed) -> None:
    program = (
        "import pickle, sys; from hpsearch.data.vault import open_test; from hpsearch.errors import VaultError\n"
        "handle = pickle.load(sys.stdin.buffer)\n"
        "try: open_test(handle)\n"
        "except VaultError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", program], input=pickle.dumps(sealed), capture_output=True, check=True)
    assert run.stdout.startswith(b"Sealed(toy, rows=3) must be opened where its data was loaded")


def test_closed_while_trials_run_in_any_thread(sealed: Sealed) -> None:
    said: list[str] = []
    with closed():
        with closed():
            said.append(answer(sealed))
        thread = threading.Thread(target=lambda: said.append(answer(sealed)))
        thread.start()
        thread.join()
        said.append(answer(sealed))
    assert all("must be closed while trials run" in sentence for sentence in said)
    assert answer(sealed) == "Part(rows=3, features=2)"


def test_opened_again_after_a_trial_raised(sealed: Sealed) -> None:
    with pytest.raises(ZeroDivisionError), closed():
        raise ZeroDivisionError
    assert answer(sealed) == "Part(rows=3, features=2)"
