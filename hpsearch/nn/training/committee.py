"""Trainings side by side, each with its own random numbers, whose networks form an ensemble."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Array
from hpsearch.nn.engines.base import Rows
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.network import Score
from hpsearch.nn.training import layer_state
from hpsearch.nn.training.history import Epoch, Evaluation, mean
from hpsearch.nn.training.iterations import Iteration
from hpsearch.nn.training.layer_state import LayerState
from hpsearch.nn.training.training import Training


class Committee:
    """Trainings of the same recipe, epoch by epoch side by side; used as one `Training`.

    Schedule, stopping rule and kept epoch of each member follow its own validation accuracy.

    Args:
        members: trainings that have no random generator in common.
        validation: inputs (n, d) and class indices (n,), to score the ensemble.
        vote: whether the members vote, see `hpsearch.nn.ensemble.Ensemble`.

    ``history`` holds the means over the members, of the epochs that all of them reached.
    """

    def __init__(self, members: Sequence[Training], validation: Rows, vote: bool = False) -> None:
        self.members, self._validation, self._vote = list(members), validation, vote

    @property
    def history(self) -> list[Epoch]:
        """The means over the members, of the epochs that all of them reached."""
        return [mean(epochs) for epochs in zip(*(member.history for member in self.members), strict=False)]

    @property
    def evaluations(self) -> list[Evaluation]:
        """The means of the evaluations within the epochs."""
        return [mean(lines) for lines in zip(*(member.evaluations for member in self.members), strict=False)]

    @property
    def iterations(self) -> list[Iteration]:
        """The means of the whole blocks of iterations."""
        return [mean(lines) for lines in zip(*(member.iterations for member in self.members), strict=False)]

    @property
    def open_iterations(self) -> list[Iteration]:
        """The mean of the last blocks, where all members have one of the same length that is not whole."""
        rests = list(zip(*(member.open_iterations for member in self.members), strict=False))
        return [mean(rest) for rest in rests if len({one.iteration for one in rest}) == 1]

    @property
    def layer_states(self) -> list[LayerState]:
        """The means of the states of the layers."""
        states = zip(*(member.layer_states for member in self.members), strict=False)
        return [layer_state.mean(some) for some in states]

    @property
    def kept(self) -> Ensemble:
        """The networks that the members keep, as an ensemble."""
        return Ensemble([member.kept for member in self.members], self._vote)

    @property
    def kept_score(self) -> Score:
        """Validation cost of the mean outputs, and accuracy of the ensemble, computed at each access."""
        return self.kept.score(*self._validation)

    @property
    def kept_epoch(self) -> float:
        """The mean over the members."""
        return sum(member.kept_epoch for member in self.members) / len(self.members)

    @property
    def single_accuracy(self) -> float:
        """The mean validation accuracy of the networks that the members keep."""
        return sum(member.kept_score.accuracy for member in self.members) / len(self.members)

    @property
    def steps_per_epoch(self) -> dict[str, int]:
        """How many images and iterations an epoch of each member has."""
        return self.members[0].steps_per_epoch

    def run(self, until: int | None = None) -> Iterator[Epoch]:
        """Train on, see `Training.run`; members that their rules have stopped stay as they are."""
        going = [member.run(until) for member in self.members]
        while [one for one in going if next(one, None)]:  # a step of each, and not only of the first that has one left
            yield self.history[-1]

    def evaluate_last_epoch(self) -> None:
        """Score each member's last epoch, where its training was interrupted before any was evaluated."""
        for member in self.members:
            member.evaluate_last_epoch()

    def state(self) -> dict[str, Array]:
        """Return all that is needed to resume: the arrays of each member, ``member_0_weights_0`` and so on."""
        return {f"member_{i}_{name}": a for i, member in enumerate(self.members) for name, a in member.state().items()}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Resume from a state.

        Raises:
            SettingError: if the state belongs to other networks, another recipe or another number of members.
        """
        parts = [_of_member(state, i) for i in range(len(self.members))]
        if sum(map(len, parts)) != len(state):
            advice = "Train from the start, with the settings that made this state."
            raise SettingError(must_be("State", f"of {len(parts)} members", sorted(state)[:3], advice))
        for member, part in zip(self.members, parts, strict=True):
            member.restore(part)


def _of_member(state: Mapping[str, Array], index: int) -> dict[str, Array]:
    prefix = f"member_{index}_"
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
