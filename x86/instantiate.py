"""The build step that writes one extension module a family: its handlers, and every instantiation the rows ask for.

x86/execute/shift.pxi says what SHL does, once; x86/isa/shift.py says in which forms it exists; this writes
x86/execute/_shift.pyx, in which each (kind, size) is a function of two lines that passes constants. Generated, never
committed, and only written when it changes, so that an unchanged family is not compiled again.
"""
from __future__ import annotations

from pathlib import Path

HEADER = """\
# Written by x86/instantiate.py from x86/isa/{family}.py. Do not edit, do not commit.
# cython: language_level=3, boundscheck={checks}, wraparound=False, cdivision=True, initializedcheck=False
from x86._operands cimport *
{imports}
include "{family}.pxi"

"""


def instances_by_family():
    """{family: {instance name: (handler, kind, size, constants)}} from the rows."""
    from x86.isa import table
    families: dict[str, dict] = {}
    for form in table.forms():
        for name, handler, kind, size, constants in form.instances():
            families.setdefault(form.family, {})[name] = (handler, kind, size, constants)
    for name, handler, kind, size, constants, family in table.FUSED:
        families.setdefault(family, {})[name] = (handler, kind, size, constants)
    return families


def module_text(family, instances, imports="", checks=False):
    lines = [HEADER.format(family=family, imports=imports, checks=checks)]
    for name, (handler, kind, size, constants) in instances.items():
        arguments = ", ".join(str(value) for value in (kind, size, *constants))
        lines.append(f"cdef Op* {name}(Cpu* cpu, Op* op) noexcept nogil: return {handler}(cpu, op, {arguments})\n")
    lines.append(f"\ncdef Handler TABLE[{len(instances)}]\n")
    lines += [f"TABLE[{index}] = {name}\n" for index, name in enumerate(instances)]
    lines.append(f'NAMES = "{" ".join(instances)}".split()\n')
    lines.append('''
def handlers():
    """{instance name: address of the handler}"""
    return {name: <size_t>TABLE[index] for index, name in enumerate(NAMES)}
''')
    return "".join(lines)


def write(directory, checks=False):
    """Write the module of every family into `directory` (x86/execute) and return their names."""
    directory = Path(directory)
    written = []
    for family, instances in instances_by_family().items():
        pxi = directory / f"{family}.pxi"
        if not pxi.exists():
            raise FileNotFoundError(f"x86/isa/{family}.py has rows, but there is no {pxi}")
        target = directory / f"_{family}.pyx"
        text = module_text(family, instances, checks=checks)
        if not target.exists() or target.read_text() != text:
            target.write_text(text)
        written.append(family)
    return written
