"""Values of a stepped range of real numbers, as the decimal numbers one writes: 0.3, not 0.30000000000000004."""

from __future__ import annotations

from decimal import Decimal

# How far from a whole number of steps a value of the range may be: 0.1 + 0.2 is the third step of 0.1.
_TOLERANCE = 1e-8


def value_after(low: float, step: float, steps: int) -> float:
    """Return the value so many steps above ``low``.

    >>> value_after(0.0, 0.1, 3), value_after(1.0, 0.25, -2)
    (0.3, 0.5)
    """
    return float(_decimal(low) + steps * _decimal(step)) + 0.0


def steps_between(low: float, value: float, step: float) -> float:
    """Return the number of steps from ``low`` to ``value``; whole, but for rounding, where ``value`` is on a step."""
    return float((_decimal(value) - _decimal(low)) / _decimal(step))


def whole_steps(low: float, value: float, step: float) -> int | None:
    """Return the number of steps from ``low`` to ``value``, or None where ``value`` lies between two.

    >>> whole_steps(0.0, 0.1 + 0.2, 0.1), whole_steps(0.0, 0.25, 0.1)
    (3, None)
    """
    exact = steps_between(low, value, step)
    return round(exact) if abs(exact - round(exact)) <= _TOLERANCE else None


def _decimal(value: float) -> Decimal:
    return Decimal(repr(float(value)))
