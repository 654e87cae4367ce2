"""The rules of the house that a program can check: who imports whom, how long a file is, what may not be left in it."""
from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for room in ("x86", "boot", "tests", "benchmarks") for path in (ROOT / room).rglob("*")
                 if path.suffix in (".py", ".pyx", ".pxd", ".pxi", ".asm", ".h", ".c")
                 and "__pycache__" not in path.parts)


def generated(path):
    """What Cython and x86/instantiate.py wrote."""
    return path.name.startswith("_") and (path.suffix == ".c" or path.match("execute/_*.pyx"))


WRITTEN = [path for path in SOURCES if not generated(path)]
PYTHON = [path for path in WRITTEN if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ("x86", "boot")]
CYTHON = [path for path in WRITTEN if path.suffix in (".pyx", ".pxd", ".pxi")]


def name(path):
    return str(path.relative_to(ROOT))


# ---- who imports whom -----------------------------------------------------------------------------------------------
# A room may import itself and what is named here. Everything has registers and faults; compiled modules start with _.

DATA = {"x86.registers", "x86.faults"}
MAY_IMPORT = {
    "x86": {"x86.machine", "x86.disassembler", "x86._decode"},
    "x86.registers": set(),
    "x86.faults": set(),
    "x86.isa": set(),
    "x86.models": set(),
    "x86.instantiate": {"x86.isa"},
    "x86.disassembler": {"x86.isa", "x86._decode"},
    "x86.paging": set(),
    "x86.segmentation": set(),
    "x86.transfers": {"x86.segmentation"},
    "x86.bus": set(),
    "x86.clock": set(),
    "x86.devices": {"x86.bus", "x86.clock"},
    "x86.machine": {"x86.models", "x86.bus", "x86.clock", "x86.devices", "x86.paging", "x86._memory", "x86._mmu",
                    "x86._processor", "x86._execute", "x86._decode", "x86.isa"},
    "x86.debug": {"x86", "x86.machine", "x86.disassembler", "x86.models", "x86.paging", "x86._decode", "x86.isa",
                  "x86.devices"},
    "x86.testing": {"x86", "x86.machine", "x86.disassembler", "x86.paging", "x86.debug", "x86._mmu", "x86._memory",
                    "x86._decode", "x86.isa", "x86.segmentation", "x86.transfers"},
    "x86.cli": {"x86", "x86.machine", "x86.disassembler", "x86.debug", "x86.models", "x86._build", "x86._decode", "x86.isa",
                "x86.devices", "boot"},
    "x86.execute": set(),
    "boot": {"x86", "x86.machine", "x86.bus", "x86.clock", "x86.devices"},
}


def modules(path):
    """(name of the module in `path`, names of all that it imports), TYPE_CHECKING blocks left out."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    package = parts[:-1]
    module = ".".join(package if parts[-1] == "__init__" else parts)
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[:len(package) - node.level + 1] if node.level else [])
            base = ".".join(filter(None, (base, node.module or "")))
            for alias in node.names:
                sub = ROOT.joinpath(*base.split("."), alias.name)
                is_module = sub.with_suffix(".py").exists() or sub.with_suffix(".pyx").exists() or sub.is_dir()
                found.add(f"{base}.{alias.name}" if is_module else base)
    return module, {target for target in found if target.split(".")[0] in ("x86", "boot")}


def room(module):
    """The entry of MAY_IMPORT that a module belongs to: the longest that it starts with."""
    parts = module.split(".")
    if parts == ["x86"]:
        return "x86"
    names = [".".join(parts[:count]) for count in range(len(parts), 1 if parts[0] == "x86" else 0, -1)]
    return next((candidate for candidate in names if candidate in MAY_IMPORT), module)


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_imports_only_what_stands_to_its_left(path):
    module, imported = modules(path)
    here = room(module)
    assert here in MAY_IMPORT, f"{name(path)} is in no room; give it one in MAY_IMPORT"
    allowed = MAY_IMPORT[here] | DATA | {here}
    wrong = sorted(target for target in imported if room(target) not in allowed)
    assert not wrong, f"{name(path)} must not import {', '.join(wrong)}"


# The same for the core: a module names only what stands in its own row or above.
CORE = [
    ["_state", "_causes", "_model"],
    ["_flags", "_debug", "_build", "_float", "_float80", "_float_parts", "_float_batch", "_wide", "_transcendental"],
    ["_memory"],
    ["_mmu", "_decode"],
    ["_access", "_tlb"],                # a hit is inline in _tlb.pxd, a miss is a call into _access.pyx
    ["_operands", "_virtual", "_units", "_vector", "_sse", "_x87", "_fpu_registers", "_fpu_area"],
    ["_blocks", "_segments"],
    ["_breakpoints"],
    ["_tasks"],
    ["_interrupts"],
    ["execute"],
    ["_execute"],
    ["_processor"],
]
RANK = {module: rank for rank, row in enumerate(CORE) for module in row}


@pytest.mark.parametrize("path", CYTHON, ids=name)
def test_the_core_is_built_in_layers(path):
    here = "execute" if path.parent.name == "execute" else path.stem
    if here == "__init__":
        return
    assert here in RANK, f"{name(path)} has no row in CORE"
    text = path.read_text()
    cimported = re.findall(r"^\s*from x86\.(\w+) cimport", text, re.MULTILINE) + \
        re.findall(r"^\s*cimport x86\.(\w+)", text, re.MULTILINE)
    wrong = sorted(module for module in cimported if RANK.get(module, len(CORE)) > RANK[here])
    assert not wrong, f"{name(path)} must not cimport {', '.join(wrong)}"


def test_only_the_command_line_knows_the_firmware():
    knowing = {room(module) for module, imported in map(modules, PYTHON)
               if module.startswith("x86") and any(target.split(".")[0] == "boot" for target in imported)}
    assert knowing <= {"x86.cli"}


# ---- files ----------------------------------------------------------------------------------------------------------

LONGEST = 600


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_a_file_is_one_room(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= LONGEST, f"{name(path)} has {len(lines)} lines: two rooms?"
    longest = max(enumerate(lines, 1), key=lambda line: len(line[1]), default=(0, ""))
    assert len(longest[1]) <= 160, f"{name(path)}:{longest[0]} is {len(longest[1])} characters wide"


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_nothing_is_left_for_later(path):
    words = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "Not" + "ImplementedError"))
    for number, line in enumerate(path.read_text().splitlines(), 1):
        assert not re.search(rf"\b({words})\b", line), f"{name(path)}:{number}: {line.strip()}"


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_every_module_says_what_it_is(path):
    tree = ast.parse(path.read_text())
    if tree.body and path.name != "__main__.py":
        assert ast.get_docstring(tree), f"{name(path)} has no docstring"


@pytest.mark.parametrize("path", [path for path in CYTHON if path.suffix != ".pxd"], ids=name)
def test_every_core_file_says_what_it_is(path):
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("# cython:")]
    first = lines[0] if lines else ""
    assert first.startswith(('"""', "#")), f"{name(path)} starts with {first!r}"


# ---- one name, several rooms ----------------------------------------------------------------------------------------

PAIRS = {"fused"}                       # two instructions as one operation: their sentences are those of the two


def test_a_family_has_the_same_name_in_every_room():
    from x86 import isa
    for family in set(isa.FAMILIES) - PAIRS:
        for place in (f"x86/isa/{family}.py", f"x86/execute/{family}.pxi", f"tests/instructions/{family}.ins"):
            assert (ROOT / place).exists(), f"family {family!r} has no {place}"
    known = set(isa.FAMILIES)
    rows = {path.stem for path in (ROOT / "x86/isa").glob("*.py")} - {"__init__", "table", "vector"}
    handlers = {path.stem for path in (ROOT / "x86/execute").glob("*.pxi")}
    sentences = {path.stem for path in (ROOT / "tests/instructions").glob("*.ins")}
    assert rows == handlers == sentences | PAIRS == known


def test_generated_files_are_not_kept():
    ignored = (ROOT / ".gitignore").read_text().split() if (ROOT / ".gitignore").exists() else []
    if ignored:
        assert {"*.so", "*.c", "x86/execute/_*.pyx", "build/", ".venv"} <= set(ignored)


# ---- what the papers say --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("paper", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_files_that_the_papers_name_exist(paper):
    text = (ROOT / paper).read_text()
    named = set(re.findall(r"`((?:x86|boot|tests|benchmarks|\.ci)/[\w./*-]*\w(?:\.\w+)?/?)`", text))
    missing = sorted(path for path in named if not any(ROOT.glob(path)))
    assert not missing, f"{paper} names {', '.join(missing)}"


def test_make_targets_that_the_papers_name_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for paper in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        text = (ROOT / paper).read_text()
        for line in re.findall(r"`make ([a-z-]+)[^`]*`|^(?:    |\$ )make ([a-z-]+)", text, re.MULTILINE):
            assert set(filter(None, line)) <= targets, f"{paper}: make {line}"
