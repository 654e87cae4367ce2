"""`x86 run --save` and `--restore`: a machine goes on in another process, and files that hold none are refused."""
from __future__ import annotations

import dataclasses
import json
import pickle

import pytest
from command import ROOT

from x86.cli import saved

EXAMPLES = ROOT / "boot" / "examples"


@pytest.fixture
def kept(x86, tmp_path):
    """A file with the example, 30,000 instructions in."""
    path = tmp_path / "example.machine"
    assert x86("run", "--quiet", "--max-instructions", 30_000, "--save", path).status == 3
    return path


def test_it_goes_on_where_it_was(x86, kept):
    whole, rest = (json.loads(x86("run", "--json", *more).out) for more in ((), ("--restore", kept)))
    for key in ("stop", "instructions", "screen", "serial", "timeline"):
        assert rest[key] == whole[key], key


def test_what_was_said_before_is_not_said_again(x86, kept, tmp_path):
    later = tmp_path / "later.machine"
    first = x86("run", "--restore", kept, "--display", "none", "--until", "memory map", "--save", later)
    second = x86("run", "--restore", later, "--display", "none")
    assert first.out == "The memory map" and "Hello" not in second.out and "Switching off" in second.out


def test_a_uefi_goes_on_with_its_volume(x86, tmp_path):
    path = tmp_path / "uefi.machine"
    esp = EXAMPLES / "uefi" / "esp"
    assert x86("run", "--uefi", "--esp", esp, "--forget", "--quiet", "--max-instructions", 3_000_000, "--save", path).status == 3
    done = x86("run", "--restore", path, "--display", "none")
    assert done.status == 0 and "Hello from a kernel" in done.out


def test_no_second_machine_is_described(x86, kept):
    done = x86("run", "--restore", kept, "--drive", "x.img")
    assert done.status == 2 and done.err.endswith("is what it is: leave out --drive\n") and done.err.count("\n") == 1


@pytest.mark.parametrize("content, words", [
    (b"", "not a machine"), (b"MZ" * 100, "not a machine"), (saved.MAGIC, "damaged"), (saved.MAGIC + b"\x80\x05N", "damaged"),
    (saved.MAGIC + pickle.dumps(({}, 1)), "another version"),
    (saved.MAGIC + b"cos\nsystem\n(S'echo no'\ntR.", "os.system has no place in it"),
    (saved.MAGIC + b"cx86.cli\nos.system\n(S'echo no'\ntR.", "damaged"),
    (saved.MAGIC + b"cx86.cli\nmain\n(]tR.", "x86.cli.main has no place in it"),
])
def test_files_that_hold_no_machine(x86, tmp_path, content, words):
    path = tmp_path / "file"
    path.write_bytes(content)
    done = x86("run", "--restore", path)
    assert done.status == 2 and words in done.err and done.err.count("\n") == 1


def test_a_file_that_is_cut_off(x86, kept):
    kept.write_bytes(kept.read_bytes()[:-100])
    done = x86("run", "--restore", kept)
    assert done.status == 2 and "damaged" in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize("broken", [{"devices": {}}, {"pages": {-1: b""}}, {"pages": {0: 5}}, {"cpus": [b""]},
                                    {"cpus": [(b"", [], [])]}, {"clock": None}, {"model": "none"}, {"slept": None, "bus": 1}])
def test_a_snapshot_that_is_none(x86, kept, broken):
    options, snapshot = saved.read(kept)
    broken = dataclasses.replace(snapshot, **broken)
    kept.write_bytes(saved.MAGIC + pickle.dumps((options, broken), pickle.HIGHEST_PROTOCOL))
    done = x86("run", "--restore", kept)
    assert done.status == 2 and "cannot be built again: " in done.err and done.err.count("\n") == 1


def test_files_that_cannot_be(x86, tmp_path):
    assert x86("run", "--restore", tmp_path / "nowhere").status == 2
    done = x86("run", "--quiet", "--save", tmp_path / "no" / "where")
    assert done.status == 2 and "--save" in done.err
