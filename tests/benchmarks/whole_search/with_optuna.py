"""The same search with Optuna, PyTorch and its MLflow callback: one of two processes that share a journal."""

import os
from typing import Any

import numpy as np
import optuna
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import MaxTrialsCallback
from optuna_integration import MLflowCallback

from hpsearch import data
from tests.benchmarks.whole_search.settings import EPOCHS, HIDDEN, settings

TRIALS = int(os.environ["TRIALS"])
torch.set_num_threads(1)
images = data.mnist()
x, y = torch.tensor(np.asarray(images.train.x)), torch.tensor(images.train.y)
rows, answers = torch.tensor(np.asarray(images.validation.x)), torch.tensor(images.validation.y)
targets = torch.nn.functional.one_hot(y, 10).float()


def objective(trial: optuna.Trial) -> float:
    """Train a network, look at the validation rows once an epoch, and return the share of them that is wrong."""
    rate = trial.suggest_float("learning_rate", 1e-2, 1.0, log=True)
    momentum = trial.suggest_float("momentum", 0.0, 0.9)
    size = trial.suggest_categorical("batch_size", [10, 20, 50, 100])
    torch.manual_seed(trial.number)
    layers = (torch.nn.Linear(784, HIDDEN), torch.nn.Sigmoid(), torch.nn.Linear(HIDDEN, 10))
    network = torch.nn.Sequential(*layers)
    cost = torch.nn.BCEWithLogitsLoss(reduction="sum")
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=momentum)
    error = 1.0
    for epoch in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(size):
            optimizer.zero_grad()
            (cost(network(x[batch]), targets[batch]) / len(batch)).backward()
            optimizer.step()
        with torch.no_grad():
            error = float((network(rows).argmax(1) != answers).float().mean())
        trial.report(error, epoch)
    return error


def add_settings(study: optuna.Study) -> None:
    """Let the trials of a new study be the settings of ours, in the same order."""
    for params in settings(TRIALS):
        plain: dict[str, Any] = dict(params)
        study.enqueue_trial(plain)


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend("journal.log"))
    study = optuna.create_study(study_name="whole-search", storage=storage, load_if_exists=True)
    if os.environ["WORKER"] == "0":
        add_settings(study)
    record = MLflowCallback(tracking_uri="sqlite:///mlflow.db", metric_name="validation_error")
    study.optimize(objective, callbacks=[MaxTrialsCallback(TRIALS), record])
