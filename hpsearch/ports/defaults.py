"""Overridable defaults of a port's base class."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    default = property
else:

    class default:
        """Declare a default that a subclass overrides with an attribute, a property or a dataclass field.

        To a type checker it is a property. At run time it has no setter, so that an instance may hold a value of its own. It is
        absent on the class, so that a dataclass field of the same name does not take it for its default.
        """

        def __init__(self, function):
            self.function, self.__doc__ = function, function.__doc__

        def __get__(self, instance, owner=None):
            if instance is None:
                raise AttributeError("A default is read on an instance.")
            return self.function(instance)
