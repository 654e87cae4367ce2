"""What README.md shows is run: every command of its console blocks, every Python block.

A comment before a block says how:  test: run          run it; disk.img and boot.img are there
                                    test: output       and compare what it prints, apart from figures
                                    test: dies         the same for a guest that dies, on stderr
                                    test: payload X    only where that boot image can be composed
                                    test: not run ...  not here, with the reason
"""
from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest
from command import ROOT, run_command

BLOCK = re.compile(r"(?:<!-- test: (?P<how>[^>]*?) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
BLOCKS = [match.groupdict() for match in BLOCK.finditer((ROOT / "README.md").read_text())]


def commands(text):
    """(command, what it prints) of a console block."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [tuple(part.partition("\n")[::2]) for part in parts]


@pytest.fixture
def place(tmp_path):
    """A directory with a disk to boot."""
    from x86.cli.options import example_image
    for name in ("disk.img", "boot.img"):
        (tmp_path / name).write_bytes(example_image().read_bytes())
    for room in ("build", "boot"):
        (tmp_path / room).symlink_to(ROOT / room)
    return tmp_path


def pattern_of(output):
    """The shown output as a pattern: figures may differ, and '...' stands for lines left out."""
    lines = []
    for line in output.rstrip().splitlines():
        if line.strip() == "...":
            lines.append(r"(?:.*\n)*?")
        else:
            words = re.sub(r"\\?[\d][\d,.:]*", lambda _: r"[\d,.:]+", re.escape(line.strip()).replace(r"\,", ","))
            lines.append(r" *" + re.sub(r"(?:\\ )+", r" +", words) + r" *\n")
    return "".join(lines)


def test_every_block_says_how_it_is_tested():
    for block in BLOCKS:
        assert block["how"], f"no 'test:' comment before:\n{block['text']}"


@pytest.mark.parametrize("block", [block for block in BLOCKS if block["kind"] == "console"],
                         ids=lambda block: block["text"].split("\n")[0][2:40])
def test_commands(block, place, payload):
    how = block["how"]
    if how.startswith("not run"):
        assert "," in how, "and why"
        return
    if how.startswith("payload"):
        payload(how.split()[1])
    for command, shown in commands(block["text"]):
        program, *arguments = shlex.split(command)
        assert program == "x86"
        done = run_command(*arguments, cwd=place)
        assert done.status == (1 if how == "dies" else 0), (command, done.err)
        said = done.err if how == "dies" else done.out
        if how in ("output", "dies"):
            assert shown.strip(), f"README shows no output of {command}"
        if shown.strip():
            assert re.search(pattern_of(shown), said + "\n"), f"{command} prints\n{said}"


@pytest.mark.parametrize("block", [block for block in BLOCKS if block["kind"] == "python"],
                         ids=lambda block: block["text"].split("\n")[0])
def test_python(block, place):
    (place / "example.py").write_text(block["text"])
    done = subprocess.run([sys.executable, "example.py"], cwd=place, capture_output=True, text=True, timeout=120,
                          env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
