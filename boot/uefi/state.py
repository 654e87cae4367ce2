"""The firmware's state as a value: pickled, with references to the machine left open, and comparable.

Two pickles of equal objects may differ, for a pickle also says which strings are the same object. So what a State is
compared by, its repr, is a hash over the objects themselves: numbers and text by value, what can change by where it was
first met.
"""
from __future__ import annotations

import enum
import hashlib
import io
import pickle
import types
from collections.abc import Callable


class State(bytes):
    """A pickle whose repr is the same for the same state."""

    def __repr__(self):
        unpickler = pickle.Unpickler(io.BytesIO(self))
        unpickler.persistent_load = _Absent
        digest = hashlib.sha256()
        _feed(unpickler.load(), digest.update, {})
        return f"State({digest.hexdigest()})"


class _Absent:
    """What stands for the machine, and for methods of it, where only the state is looked at."""

    def __init__(self, name):
        self.__dict__["name"] = name

    def __getattr__(self, attribute):
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return _Absent(f"{self.name}.{attribute}")


def freeze(value, reference: Callable) -> State:
    """`value` as a State. reference(object) -> a name for what is not part of it, or None."""
    file = io.BytesIO()
    pickler = pickle.Pickler(file, protocol=4)
    pickler.persistent_id = reference
    pickler.dump(value)
    return State(file.getvalue())


def thaw(state: State, referred: Callable):
    """The value again; referred(name) -> the object of that name."""
    unpickler = pickle.Unpickler(io.BytesIO(state))
    unpickler.persistent_load = referred
    return unpickler.load()


def _feed(value, update, seen):
    """Tell `update` all of `value`, in an order that depends on nothing else."""
    if isinstance(value, enum.Enum):
        value = value.value
    kind = type(value)
    update(kind.__qualname__.encode() + b":")
    if isinstance(value, (bytes, str, int, float, type(None))):
        update((bytes(value) if isinstance(value, bytes) else repr(value).encode()) + b";")
    elif isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        update(f"{value.__module__}.{value.__qualname__};".encode())
    elif isinstance(value, types.MethodType):
        update(value.__func__.__qualname__.encode())
        _feed(value.__self__, update, seen)
    elif isinstance(value, (tuple, frozenset)):
        for each in value if isinstance(value, tuple) else sorted(value):
            _feed(each, update, seen)
        update(b")")
    elif id(value) in seen:
        update(b"%d;" % seen[id(value)][0])
    else:
        seen[id(value)] = len(seen), value                      # kept, or another object could get its id
        if isinstance(value, dict):
            parts = [part for item in value.items() for part in item]
        elif isinstance(value, (list, set)):
            parts = value if isinstance(value, list) else sorted(value)
        elif isinstance(value, bytearray):
            parts = [bytes(value)]
        else:
            parts = list(value.__reduce_ex__(4)[1:3])           # what a pickle would hold
        for part in parts:
            _feed(part, update, seen)
        update(b"]")
