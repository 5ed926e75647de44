"""The trained state of the incumbent, kept so that its network can be exported without training it again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpsearch.trial import Trial


@dataclass
class BestState:
    """The model state of the incumbent: a cache, since the study may choose another trial in the end."""

    number: int = -1
    state: Mapping[str, Any] | None = None
    value: float = math.inf

    def update(self, trial: Trial) -> None:
        """Take over the state of a better trial; of equal ones that of the earlier number."""
        state = None if trial.outcome is None else trial.outcome.state
        if state is None or not trial.ok or trial.is_preflight:
            return
        if (trial.value, trial.number) < (self.value, self.number):
            self.number, self.state, self.value = trial.number, state, trial.value
