"""INT 10h against the video BIOS of QEMU, answer by answer, but for what EXCEPTIONS names."""
from __future__ import annotations

import re
import shutil

import pytest
from int10_cases import CASES, EXCEPTIONS, expected, lines


#: Modes that differ from another one in the list by their size only
MORE_OF_THE_SAME = {"graphics_0D", "graphics_0E", "graphics_0F", "graphics_11"}


@pytest.mark.parametrize("case", [pytest.param(case, marks=pytest.mark.deep) if case in MORE_OF_THE_SAME else case
                                  for case in CASES])
def test_answers_are_those_of_qemu(case):
    theirs = expected(case).read_text().splitlines()
    ours = lines(CASES[case]().here())
    assert len(ours) == len(theirs)
    excused = {pattern: False for named, pattern in EXCEPTIONS if named == case}
    different = []
    for here, there in zip(ours, theirs):
        if here == there:
            continue
        reasons = [pattern for pattern in excused if re.search(pattern, here)]
        for pattern in reasons:
            excused[pattern] = True
        if not reasons:
            different.append(f"{here}\n     QEMU: {there.rpartition(': ')[2]}")
    assert not different, "\n".join(different)
    unneeded = [pattern for pattern, needed in excused.items() if not needed]
    assert not unneeded, f"no exception is needed for {unneeded}"


@pytest.mark.deep
@pytest.mark.skipif(not shutil.which("qemu-system-x86_64"), reason="needs qemu-system-x86_64")
@pytest.mark.parametrize("case", CASES)
def test_what_is_kept_is_what_qemu_answers(case):
    assert lines(CASES[case]().qemu()) == expected(case).read_text().splitlines()
