"""AES, PCLMULQDQ, SHA and GFNI on the host's instructions and on any host: the same bits."""
from __future__ import annotations

import pytest
from native.cases import cases_of
from native.emulated import Emulated

from x86.execute import _crypto
from x86.isa import table

FORMS = [form for form in table.forms() if form.family == "crypto"]


@pytest.fixture
def without_host():
    """Calls a function while the host's instructions are not used."""
    if not _crypto.use_host(True):
        pytest.skip("needs a host that has some of these instructions")

    def call(function, *arguments):
        _crypto.use_host(False)
        try:
            return function(*arguments)
        finally:
            _crypto.use_host(True)

    return call


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.mnemonic} {form.text}")
def test_results_do_not_depend_on_the_host(form, without_host):
    emulated, finished = Emulated(), 0
    for case in cases_of(form, 100, 64):
        outcome = emulated.run(case, False)
        assert without_host(emulated.run, case, False) == outcome, case
        finished += outcome.vector == 3
    assert finished > 10
