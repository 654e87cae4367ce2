"""The guests of tests/uefi/guests: every service and protocol asked, a line an answer, compared with what OVMF answers.

guests/NAME.expected is what OVMF under QEMU printed (`python -m tests.uefi.ovmf NAME`); a guest has to write the same here,
except for the lines in DIFFERENT. Where OVMF is installed, the deep test compares the files with what it says today.
"""
import pytest

from uefi import build, ovmf


def lines(text):
    """{name: what was answered} of a guest's output; the last line is their count."""
    *said, count = text.splitlines()
    found = dict(line.split(": ", 1) for line in said)
    assert len(found) == len(said), "two lines have the same name"
    assert int(count.removeprefix("lines: ")) == len(said), "a line is missing"
    return found


def expected(name):
    return lines((build.SOURCES / f"{name}.expected").read_text())


@pytest.mark.parametrize("name", build.NAMES)
def test_what_is_expected_is_complete(name):
    assert expected(name)


@pytest.mark.deep
@pytest.mark.parametrize("name", build.NAMES)
def test_ovmf_still_says_so(name):
    if ovmf.missing():
        pytest.skip(f"needs {ovmf.missing()}")
    try:
        build.disk(name)
    except build.Missing as missing:
        pytest.skip(f"needs {missing}")
    assert lines(ovmf.run(name)) == expected(name)
