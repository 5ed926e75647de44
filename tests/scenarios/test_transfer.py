"""Searches over transfer settings and linear classifiers from the command line: killed, resumed, refused."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch import data
from hpsearch.nn import load, save, train
from hpsearch.tracking import MemoryTracker
from tests.benchmarks.campaign import GROUP, Campaign, alive, verdict
from tests.command import run_command

TRANSFER = '''
"""What of a network for the digits 0 to 4 helps with 5 to 9?"""
from pathlib import Path
from hpsearch import Choice, Float, Space, Study, data
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import *

study = Study(
    name="killed",
    space=Space(
        learning_rate=Float(0.03, 1.0, log=True),
        new_layers=Choice(1, 2),
        freeze=Choice(0, 1),
        lower_rate_factor=Float(0.01, 1.0, log=True, when={"freeze": 0}),
    ),
    objective=TrainNetwork(
        data.digits().only(range(5, 10)), hidden=(20,), epochs=EPOCHS, start=Path(__file__).with_name("net.npz")
    ),
    strategy=STRATEGY,
    seed=3,
    retries=20,
)
'''
LINEAR = '''
"""Which linear classifier?"""
from hpsearch import Choice, Float, Space, Study, data
from hpsearch.objectives import TrainNetwork
from hpsearch.strategies import *

study = Study(
    name="killed",
    space=Space(
        cost=Choice("log_likelihood", "hinge"),
        learning_rate=Float(0.001, 1.0, log=True),
        l2=Float(0.01, 100.0, log=True),
    ),
    objective=TrainNetwork(data.digits(), hidden=(), epochs=EPOCHS),
    strategy=STRATEGY,
    seed=3,
    retries=20,
)
'''
STUDIES = {"transfer": (TRANSFER, 400), "linear": (LINEAR, 300)}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network for the digits 0 to 4, and another one for the same digits beside it."""
    folder = tmp_path_factory.mktemp("trained")
    for name, epochs in (("net", 5), ("other", 2)):
        save(train(data.digits().only(range(5)).train, hidden=20, epochs=epochs), folder / f"{name}.npz")
    return folder


@pytest.mark.campaign
@pytest.mark.parametrize("strategy", ["Random(trials=20)", "Bayesian(trials=20, batch_size=4)"])
@pytest.mark.parametrize("name", STUDIES)
def test_killed_searches_with_two_jobs_end_with_the_same_table(tmp_path: Path, trained: Path, name: str, strategy: str) -> None:
    study, epochs = STUDIES[name]
    campaign = Campaign(tmp_path / "project", random.Random(7), 0.3, (GROUP,), study)
    file = campaign.write(strategy, epochs)
    shutil.copy(trained / "net.npz", campaign.folder)
    assert campaign.kill(2), "the study ended before it could be killed; make it longer"
    ended = campaign.finish()
    assert ended.returncode == 0, ended.stderr
    found = verdict(campaign.folder, file)
    assert [(what, value) for what, value in found.items() if what.startswith("WRONG")] == []
    assert found["trials bit-identical to an undisturbed study"] == 20
    assert alive(campaign.orphans) == 0


def project(folder: Path, trained: Path) -> Path:
    """Return a folder with the study and its network, which has run."""
    (folder / "mlruns").mkdir(parents=True)
    (folder / "killed.py").write_text(TRANSFER.replace("STRATEGY", "Random(trials=3)").replace("EPOCHS", "2"))
    shutil.copy(trained / "net.npz", folder)
    done = run_command(folder, "run", "killed.py", "--jobs", "1", "--no-report")
    assert done.returncode == 0, done.stderr
    assert "is logged as an MLflow model" in done.stdout
    return folder


def test_another_file_under_the_same_name_is_refused_on_resume_and_the_same_one_elsewhere_is_not(
    tmp_path: Path, trained: Path
) -> None:
    folder = project(tmp_path / "here", trained)
    shutil.copy(trained / "other.npz", folder / "net.npz")
    done = run_command(folder, "run", "killed.py", "--no-report")
    assert done.returncode == 2
    assert "is recorded with other settings: objective was TrainNetwork(" in done.stderr
    assert "start=SavedNetwork('64-20-5', sha256='" in done.stderr
    shutil.copytree(folder, tmp_path / "there")
    shutil.copy(trained / "net.npz", tmp_path / "there" / "net.npz")
    done = run_command(tmp_path / "there", "run", "killed.py", "--no-report")
    assert done.returncode == 0, done.stderr


def test_a_trial_is_repeated_and_the_best_network_exported_with_its_frozen_layer(tmp_path: Path, trained: Path) -> None:
    folder = project(tmp_path / "here", trained)
    done = run_command(folder, "rerun", "killed", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert run_command(folder, "export", "killed", "best.npz").returncode == 0
    assert run_command(folder, "plot", "killed", "weights", "--out", "weights.svg").returncode == 0
    with np.load(folder / "best.npz", allow_pickle=False) as best:
        assert best["weights_0"].shape == (20, 64)
    found = load(folder / "best.npz")
    assert found.sizes == (64, 20, 5)


def test_the_guide_runs_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "transfer.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    assert len(blocks) == 3
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "guide"}
    exec(compile(blocks[0], "guide.py", "exec"), names)
    rows = names["digits"].train
    assert names["network"].features(rows.x, layer=1).shape == (len(rows), 30)
    for block in blocks[1:]:
        exec(compile(block, "guide.py", "exec"), names)
        result = names["study"].smoke().run(1, backend="sequential", tracker=MemoryTracker(), report=False)
        assert all(trial.ok for trial in result.trials)


WRONG = {
    "missing file": ("", "", "Network file '", "got 'No such file or directory'. Check the path."),
    "no network": ("text", "", "Network file '", "got 'another kind of file'. Write one with hpsearch.nn.save(network, path)."),
    "too many frozen": (
        "net",
        "freeze=2, ",
        "freeze must be at most 1, the number of hidden layers, got 2.",
        "always trained.",
    ),
    "another shape": ("net", "hidden=(30,)", "hidden must be (20,), as in the network of start, got (30,).", "new_layers"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_ends_with_one_sentence_and_exit_code_2(tmp_path: Path, trained: Path, name: str) -> None:
    kind, setting, sentence, advice = WRONG[name]
    text = TRANSFER.replace("STRATEGY", "Random(trials=3)").replace("EPOCHS", "2").replace("new_layers=Choice(1, 2),", "")
    if setting.startswith("freeze"):
        text = text.replace("start=", f"{setting}start=").replace("freeze=Choice(0, 1),", "").replace(
            ', when={"freeze": 0}', ""
        )  # fmt: skip
    elif setting:
        text = text.replace("hidden=(20,)", setting)
    (tmp_path / "wrong.py").write_text(text)
    if kind == "net":
        shutil.copy(trained / "net.npz", tmp_path)
    elif kind:
        (tmp_path / "net.npz").write_text(kind)
    done = run_command(tmp_path, "run", "wrong.py")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert advice in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().count("\n") == 0
