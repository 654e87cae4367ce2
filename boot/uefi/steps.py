"""Services that call functions of the guest more than once: what is still to be done, as a stack of plain data.

    def stop(uefi, call, steps, value, binding, controller):
        steps.then(stopped, controller)                     # gets what Stop returns as its `value`
        return steps.invoke(uefi.read_u64(binding + STOP), binding, controller, 0, 0)

A step is a function of a module: it gets the firmware, the Call, the Steps, what the step before it returned, and its own
arguments. What it pushes with `then` is done next, the last first; what it returns is the value for the next. So a step can
be written like a function that calls others, and a snapshot can still be taken whenever the guest runs.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from boot.uefi.service import Invoke


@dataclass
class Steps:
    """What is to be done, the next last."""
    stack: list[tuple[Callable, tuple]] = field(default_factory=list)

    def then(self, function: Callable, *arguments) -> None:
        """Do that next."""
        self.stack.append((function, arguments))

    def invoke(self, address: int, *arguments: int, image: int = 0) -> Invoke:
        """For a step to return: the guest's function runs, and what it leaves in RAX is the value of the next step."""
        return Invoke(address, arguments, run, (self,), image)


def run(uefi, call, value, steps: Steps):
    """Do the steps until none is left (what the last returned) or the guest has to run (an Invoke)."""
    while steps.stack:
        function, arguments = steps.stack.pop()
        value = function(uefi, call, steps, value, *arguments)
        if isinstance(value, Invoke):
            break
    return value


def begin(uefi, call, function: Callable, *arguments):
    """For a service to return: the outcome of that step and of all that it pushes."""
    return run(uefi, call, 0, Steps([(function, arguments)]))


def answer(uefi, call, steps, value, status):
    """The step that forgets what came before it."""
    return status
