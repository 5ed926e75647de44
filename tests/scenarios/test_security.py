"""Servers stay on this machine, names stay in their folder, and nothing that was read is ever run."""

from __future__ import annotations

import ast
import gzip
import io
import pickle
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import psutil
import pytest

import hpsearch
from hpsearch import data
from hpsearch.errors import DataError, TrackingError
from hpsearch.ports import StudyRecord, TrackedStudy
from hpsearch.space import Choice, Float, Space
from hpsearch.tracking import MlflowTracker, Store
from hpsearch.tracking.doctor import doctor
from hpsearch.tracking.runs import catalog
from hpsearch.tracking.store.server import serve
from hpsearch.trial import Outcome, Status, Trial
from tests.benchmarks.campaign import listening

PACKAGE = Path(hpsearch.__file__).parent
# Each can run code that stands in what it is given.
UNSAFE_MODULES = (
    "pickle",
    "_pickle",
    "cloudpickle",
    "dill",
    "marshal",
    "shelve",
    "joblib",
    "yaml",
    "torch",
    "pandas",
    "mlflow",
)
UNSAFE_ENDS = ("load", "loads", "load_model", "Unpickler", "read_pickle", "full_load", "unsafe_load", "load_all", "open")
UNSAFE = {"builtins.eval", "builtins.exec", "builtins.compile", "builtins.__import__"}
UNSAFE_METHODS = ("exec_module", "load_model", "read_pickle")
ALLOWED = {
    ("testing/strategies.py", "pickle.loads"): "of what the same line has just dumped: whether a user's own object can travel",
    ("testing/objectives.py", "pickle.loads"): "the same",
    ("execution/outcome.py", "pickle.loads"): "of what the same line has just dumped: whether a state can travel",
    (
        "execution/isolation.py",
        "pickle.loads",
    ): "from a pipe to the child that this process has forked, as joblib does",
    (
        "tracking/models/estimator.py",
        "mlflow.pyfunc.load_model",
    ): "of what the same function has just saved by skops",
    (
        "integrations/keras.py",
        "keras.models.load_model",
    ): "of the trial's own checkpoint, a .keras file whose checksum was compared; Keras runs no code of it in its safe mode",
    ("tracking/models/log.py", "mlflow.pyfunc.load_model"): "of what the same function has just saved, to compare its outputs",
    ("content/code.py", "builtins.compile"): "the source of a function that runs already, which is compared and never run",
    ("cli/loading.py", "loader.exec_module"): "the study file that the user names on the command line, to be run",
    ("cli/loading.py", "builtins.compile"): "the same file, where one of its studies cannot be made",
    ("cli/loading.py", "builtins.exec"): "the same",
    (
        "execution/pickling.py",
        "pickle.loads",
    ): "of a function of the study's own file, from the process that started this one, as multiprocessing does",
    ("execution/array_files.py", "pickle.Unpickler"): "the objective, from the process of the study by way of its cluster",
    ("execution/fork_server.py", "pickle.loads"): "from pipes between a worker, the server that it started, and its children",
    (
        "execution/dask.py",
        "pickle.loads",
    ): "a trial, from a worker of the cluster that the user names; the help says that it can run code",
    ("execution/surroundings.py", "pickle.loads"): "of what the same line has just dumped: whether a category can travel",
}


def unsafe(source: str) -> Iterator[str]:
    """Yield the dotted name of everything in a module that could run what it reads."""
    tree = ast.parse(source)
    homes = {name: name for name in ("eval", "exec", "compile", "__import__")}
    homes = {name: f"builtins.{name}" for name in homes}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            homes |= {
                (a.asname or a.name.partition(".")[0]): (a.name if a.asname else a.name.partition(".")[0]) for a in node.names
            }
        elif isinstance(node, ast.ImportFrom):
            homes |= {(a.asname or a.name): f"{node.module}.{a.name}" for a in node.names}
    safe_loads = {id(call.func) for call in ast.walk(tree) if isinstance(call, ast.Call) and _without_pickle(call)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Name, ast.Attribute)) and id(node) not in safe_loads:
            name = _dotted(node, homes)
            module, _, end = name.rpartition(".")
            numpy = name in ("numpy.load", "numpy.lib.npyio.NpzFile")
            known = module.partition(".")[0] in UNSAFE_MODULES and end in UNSAFE_ENDS
            method = isinstance(node, ast.Attribute) and end in UNSAFE_METHODS
            if numpy or known or method or name in UNSAFE:
                yield name


def _without_pickle(call: ast.Call) -> bool:
    """Return whether a call says ``allow_pickle=False``."""
    return any(k.arg == "allow_pickle" and isinstance(k.value, ast.Constant) and k.value.value is False for k in call.keywords)


def _dotted(node: ast.expr, homes: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, homes)}.{node.attr}"
    return homes.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def test_nothing_in_the_package_could_run_what_it_reads() -> None:
    found = {(str(file.relative_to(PACKAGE)), name) for file in PACKAGE.rglob("*.py") for name in unsafe(file.read_text())}
    assert found == set(ALLOWED)


@pytest.mark.parametrize(
    "source",
    [
        "import pickle; pickle.load(f)",
        "from pickle import loads as read; read(b)",
        "import joblib; joblib.load('x')",
        "import numpy as np; np.load('x')",
        "import numpy as np; np.load('x', allow_pickle=True)",
        "import numpy as np; read = np.load",
        "from numpy import load; load('x')",
        "import yaml; yaml.load(t)",
        "import mlflow.pyfunc; mlflow.pyfunc.load_model('x')",
        "from mlflow import sklearn; sklearn.load_model('x')",
        "import cloudpickle as c; c.loads(b)",
        "import pickle; pickle.Unpickler(f)",
        "eval(text)",
        "def f(): exec(text)",
    ],
)
def test_the_check_finds_what_is_unsafe(source: str) -> None:
    assert list(unsafe(source))


def test_the_check_lets_safe_reading_pass() -> None:
    assert (
        list(unsafe("import json, numpy as np\njson.loads(t)\nnp.load(f, allow_pickle=False)\nimport pickle; pickle.dumps(x)"))
        == []
    )


class Bomb:
    """Creates a file where it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.marker,)


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


def hostile(marker: Path) -> dict[str, bytes]:
    """Return files that create the marker when they are unpickled, by kind."""
    array, archive, dumped = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(array, np.array([Bomb(marker)], dtype=object), allow_pickle=True)
    np.savez(archive, state=np.array([Bomb(marker)], dtype=object))
    joblib.dump(Bomb(marker), dumped)
    packed = gzip.compress(pickle.dumps(Bomb(marker)))
    return {
        "pickle": pickle.dumps(Bomb(marker)),
        "text pickle": pickle.dumps(Bomb(marker), protocol=0),
        "npy": array.getvalue(),
        "npz": archive.getvalue(),
        "joblib": dumped.getvalue(),
        "gzip": packed,
    }


KINDS = ("pickle", "text pickle", "npy", "npz", "joblib", "gzip")


@pytest.mark.parametrize("kind", KINDS)
def test_the_hostile_files_are_hostile(marker: Path, kind: str) -> None:
    """Else the tests below would prove nothing."""
    content = hostile(marker)[kind]
    if kind in ("npy", "npz"):
        loaded = np.load(io.BytesIO(content), allow_pickle=True)
        _ = loaded["state"] if kind == "npz" else loaded
    elif kind == "joblib":
        joblib.load(io.BytesIO(content))
    else:
        pickle.loads(gzip.decompress(content) if kind == "gzip" else content)
    assert marker.exists()


SPACE = Space(x=Float(0.0, 1.0))
STUDY = TrackedStudy(StudyRecord("sample", "Is it safe?", {"space": repr(SPACE), "seed": "0"}, {}), SPACE)
TRIAL = Trial(
    0, {"x": 0.5}, "all", Status.FINISHED, Outcome(0.5, {}, {}, {"state.npz": b"x", "model.pkl": b"x"}), started=1.7e9
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, put_store: Callable[[Path], Path]) -> Path:
    """Return a project with one recorded study."""
    root = put_store(tmp_path_factory.mktemp("project"))
    tracker = MlflowTracker(root=root)
    tracker.start(STUDY)
    tracker.record(TRIAL)
    tracker.finish("finished", [TRIAL])
    return root


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_artifact_is_handed_out_as_bytes(project: Path, marker: Path, kind: str) -> None:
    """Every artifact of the study and of its trial is replaced; reading all there is to read runs none of them."""
    content = hostile(marker)[kind]
    for file in (project / "mlruns" / "artifacts").rglob("*"):
        if file.is_file():
            file.write_bytes(content)
    store = Store.open(None, project)
    found = MlflowTracker(store=store).find(STUDY)
    assert found is not None
    assert dict((found.trials[0].outcome or Outcome(0.0)).artifacts) == {"state.npz": content, "model.pkl": content}
    catalog.trial_rows(store, catalog.summary(store, "sample"))
    assert list(doctor.examine(store)) == []
    assert not marker.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_file_of_unsent_trials_is_refused(project: Path, marker: Path, kind: str) -> None:
    store = Store.open(None, project)
    file = store.spool_file("sample")
    file.write_bytes(hostile(marker)[kind])
    try:
        with pytest.raises(TrackingError, match="Move it away"):
            MlflowTracker(store=store).find(STUDY)
        assert "is damaged in" in str(next(doctor.examine(store)))
    finally:
        file.unlink()
    assert not marker.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_data_file_is_refused(tmp_path: Path, marker: Path, kind: str) -> None:
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (tmp_path / name).write_bytes(hostile(marker)[kind])
    with pytest.raises(DataError, match="must be"):
        data.idx(tmp_path, validation=1)
    assert not marker.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_database_is_refused(tmp_path: Path, marker: Path, kind: str) -> None:
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "mlflow.db").write_bytes(hostile(marker)[kind])
    with pytest.raises(TrackingError, match="cannot be used"):
        Store.open(None, tmp_path)
    assert not marker.exists()


OUTSIDE = "{outside}/absolute"
NAMES = [
    "../../up", "..", ".", "a/../../../b", OUTSIDE, "C:\\windows\\x", "..\\..\\up", "quote ' \" ` ; drop table runs; --",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "nul \0 byte", "line\nbreak \r\t", "%2e%2e%2fup", "~", "~root",
    "$(touch x)", "sqlite:///x", "file:///etc/passwd", "a" * 500, "Default", "0", "é\u202e",
]  # fmt: skip


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if not path.is_dir()}


def test_no_name_leads_out_of_the_folder_of_artifacts(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name is that of a study, a choice, a stage, a curve, a metric, an artifact and the source of an error at once."""
    around = project.parent  # everything that pytest gives to this run
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outside").mkdir()
    wanted = [name.format(outside=tmp_path / "outside") if name == OUTSIDE else name for name in NAMES]
    Store.open(None, project)
    before = files(around)
    places = {name: Path(study(project, name)) for name in wanted}
    artifacts = (project / "mlruns" / "artifacts").resolve()
    assert {place.resolve().parent for place in places.values()} == {artifacts}
    assert len(set(places.values())) == len(wanted)
    ours = {project / "mlruns", project / "mlruns" / "locks"}
    new = [path.resolve() for path in files(around) - before]
    strays = [path for path in new if path.parent not in ours and artifacts not in path.parents]
    assert strays == []
    assert [path for path in files(project / "mlruns") if path.is_symlink()] == []


def study(project: Path, name: str) -> str:
    """Record a study in which everything bears the name; check that it comes back, and return where its artifacts went."""
    space = Space(c=Choice(name, "other"))
    record = StudyRecord(name, name, {"space": repr(space), "seed": "0"}, {"host": name}, source=name)
    tracked = TrackedStudy(record, space)
    outcome = Outcome(0.5, {name: 1.0}, {name: ((1, 0.5),)}, {name: b"x", f"{name}/inner": b"y"})
    trial = Trial(0, {"c": name}, name, Status.FINISHED, outcome, error=None, started=1.7e9)
    failed = replace(trial, number=1, status=Status.FAILED, error=name, traceback=name)
    tracker = MlflowTracker(root=project)
    tracker.start(tracked)
    tracker.record(trial)
    tracker.record(failed)
    tracker.finish("finished", [trial, failed])
    found = MlflowTracker(root=project).find(tracked)
    assert found is not None
    assert [dict((t.outcome or outcome).artifacts) for t in found.trials] == [dict(outcome.artifacts)] * 2
    assert [(t.params, t.stage) for t in found.trials] == [({"c": name}, name)] * 2
    parent = tracker._open().parent
    assert not tracker.store.spool_file(name).exists()
    return str(tracker.store.client.get_experiment(parent.info.experiment_id).artifact_location)


@pytest.mark.campaign
def test_pages_are_served_on_loopback_only_and_to_no_foreign_host(project: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with serve(Store.open(None, project), port) as server:
        assert server.process is not None
        assert listening(psutil.Process(server.process.pid)) == {("127.0.0.1", port)}
        request = urllib.request.Request(f"{server.url}/", headers={"Host": "evil.example.com"})
        with pytest.raises(urllib.error.HTTPError, match="403") as refused:
            urllib.request.urlopen(request, timeout=30)
        refused.value.close()
