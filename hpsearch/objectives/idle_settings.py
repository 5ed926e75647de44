"""Settings of a network that no trial of a search uses, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hpsearch.nn.settings import widths
from hpsearch.space import Choice, Space

# What only hidden layers have, and the value that asks for nothing.
_OF_HIDDEN_LAYERS: Mapping[str, Any] = {"max_norm": None, "batch_norm": False, "dropout": 0.0, "activation": "sigmoid"}


def idle_settings(settings: Mapping[str, Any], space: Space, *, started: bool = False) -> list[str]:
    """Return a sentence for each setting that has no effect in any trial.

    Args:
        settings: those that are fixed.
        space: what is searched; a param takes the place of the setting of its name.
        started: whether all layers begin as those of a trained network.
    """

    def is_always(name: str, test: Callable[[Any], bool]) -> bool:
        domain = space.domains.get(name)
        if domain is None:
            return test(settings[name])
        return isinstance(domain, Choice) and all(map(test, domain.options))

    def asked(name: str, nothing: Any) -> bool:
        return not is_always(name, lambda value: value == nothing)

    idle: dict[str, str] = {}
    if is_always("hidden", lambda hidden: not widths(hidden)):
        of_hidden = [name for name, nothing in _OF_HIDDEN_LAYERS.items() if asked(name, nothing)]
        idle |= dict.fromkeys(of_hidden, "there is no hidden layer")
    if started and asked("init", "scaled"):
        idle["init"] = "all layers begin as those of start"
    if asked("decay_biases", False) and not any(asked(name, 0) for name in ("l1", "l2")):
        idle["decay_biases"] = "l1 and l2 are 0"
    if asked("members_vote", False) and not asked("members", 1):
        idle["members_vote"] = "there is a single member"
    return [f"{name} has no effect: {reason}." for name, reason in idle.items()]
