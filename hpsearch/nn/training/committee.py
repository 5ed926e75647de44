"""Networks trained beside each other, each from random numbers of its own, whose outputs are averaged in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hpsearch.errors import SettingError, must_be
from hpsearch.nn.arrays import Array, Labels
from hpsearch.nn.ensemble import Ensemble
from hpsearch.nn.network import Score
from hpsearch.nn.training.history import Epoch, Look, mean
from hpsearch.nn.training.training import Training


class Committee:
    """Trainings of the same recipe, epoch by epoch side by side; to be used as one `Training`.

    Each member goes by its own validation accuracy: its schedule, its stopping rule and the epoch that it keeps.

    Args:
        members: trainings that have no random generator in common.
        validation: inputs (n, d) and class indices (n,), to score what they answer together.

    ``history`` holds the means over the members, of the epochs that all of them reached.
    """

    def __init__(self, members: Sequence[Training], validation: tuple[Array, Labels]) -> None:
        self.members, self._validation = list(members), validation

    @property
    def history(self) -> list[Epoch]:
        """The means over the members, of the epochs that all of them reached."""
        return [mean(epochs) for epochs in zip(*(member.history for member in self.members), strict=False)]

    @property
    def looks(self) -> list[Look]:
        """The same of the looks within the epochs."""
        return [mean(looks) for looks in zip(*(member.looks for member in self.members), strict=False)]

    @property
    def kept(self) -> Ensemble:
        """What the members keep, as one."""
        return Ensemble([member.kept for member in self.members])

    @property
    def kept_score(self) -> Score:
        """Validation cost and accuracy of the mean outputs, worked out when asked for."""
        return self.kept.score(*self._validation)

    @property
    def kept_epoch(self) -> float:
        """The mean over the members."""
        return sum(member.kept_epoch for member in self.members) / len(self.members)

    @property
    def single_accuracy(self) -> float:
        """The mean validation accuracy of what each member keeps."""
        return sum(member.kept_score.accuracy for member in self.members) / len(self.members)

    def run(self, until: int | None = None) -> Iterator[Epoch]:
        """Train on, see `Training.run`; members whose rules end them stay behind."""
        going = [member.run(until) for member in self.members]
        while [one for one in going if next(one, None)]:  # a step of each, and not only of the first that has one left
            yield self.history[-1]

    def look(self) -> None:
        """Score the members' last epochs, where they were broken off before any was looked at."""
        for member in self.members:
            member.look()

    def state(self) -> dict[str, Array]:
        """Return all that is needed to go on: the arrays of each member, ``member_0_weights_0`` and so on."""
        return {f"member_{i}_{name}": a for i, member in enumerate(self.members) for name, a in member.state().items()}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go on from a state.

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
