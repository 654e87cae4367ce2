"""Says for every row how often the processor underneath was asked, how often it did not refuse, and who tests the rest;
and how often a transcendental function has another last bit here.

    python tests/native_coverage.py [cases a form]
"""
from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from native.cases import absent, cases_of, excluded                  # noqa: E402  (needs the path above)
from native.compare import LAST_BIT, TRANSCENDENTAL, expected, normal       # noqa: E402
from native.coverage import elsewhere, executed, reason              # noqa: E402
from native.emulated import Emulated                                 # noqa: E402
from native.host import Host                                         # noqa: E402

from x86.isa import table                                            # noqa: E402


def last_bits(host, count):
    """Print for each transcendental function how many of its results differ in the last bit."""
    emulated = Emulated()
    for form in table.forms():
        if form.mnemonic in TRANSCENDENTAL:
            cases = list(cases_of(form, count))
            pairs = [(case, native, emulated.run(case)) for case, native in zip(cases, host.run(cases))]
            differ = sum(normal(native) != normal(found) and expected(native, found, case, form.mnemonic, False) == LAST_BIT
                         for case, native, found in pairs)
            print(f"{form.mnemonic}: {differ} of {len(cases)} have another last bit, or C1")


def main(count=200):
    alone = 0
    with Host() as host:
        for form in table.forms():
            asked = not (excluded(form) or absent(form))
            cases = [case for bits in (64, 32) for case in cases_of(form, count, bits)] if asked else []
            done = sum(map(executed, cases, host.run(cases)))
            why = reason(form, done)
            alone += why is None
            print(f"{form.family:20}{form.mnemonic:18}{form.encoding:34}{form.text:32}{len(cases):6}{done:6}",
                  f"{why}: {elsewhere(form)}" if why else "")
        last_bits(host, count)
    print(f"{alone} of {len(table.forms())} forms are compared with the hardware in what they do")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
