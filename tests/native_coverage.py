"""Says for every row how often the processor underneath was asked, how often it did not refuse, and who tests the rest.

    python tests/native_coverage.py [cases a form]
"""
from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from native.cases import absent, cases_of, excluded                  # noqa: E402  (needs the path above)
from native.coverage import elsewhere, executed, reason              # noqa: E402
from native.host import Host                                         # noqa: E402

from x86.isa import table                                            # noqa: E402


def main(count=200):
    alone = 0
    with Host() as host:
        for form in table.forms():
            asked = not (excluded(form) or absent(form))
            cases = [case for bits in (64, 32) for case in cases_of(form, count, bits)] if asked else []
            done = sum(map(executed, cases, host.run(cases)))
            why = reason(form, done)
            alone += why is None
            print(f"{form.family:12}{form.mnemonic:14}{form.encoding:18}{form.text:20}{len(cases):6}{done:6}",
                  f"{why}: {elsewhere(form)}" if why else "")
    print(f"{alone} of {len(table.forms())} forms are compared with the hardware in what they do")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
