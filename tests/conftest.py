"""What all tests share: the command line as a subprocess, other people's boot images, Hypothesis's settings."""
from __future__ import annotations

import os

import pytest
from command import run_command
from hypothesis import HealthCheck, settings

# The same examples in every run, so that a failure is the change's and not the day's; `make test-deep` looks further.
settings.register_profile("default", derandomize=True, deadline=None, max_examples=100,
                          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.register_profile("deep", parent=settings.get_profile("default"), derandomize=False, max_examples=5000)
settings.load_profile(os.environ.get("X86_TEST_PROFILE", "default"))


@pytest.fixture
def x86():
    """The command `x86`: x86("run", image) gives status, out and err."""
    return run_command


@pytest.fixture
def payload():
    """payload("grub-disk.img"): the path of a boot image; the test skips where its parts are not installed."""
    import payloads

    def find(name):
        try:
            return payloads.payload(name)
        except payloads.Missing as missing:
            pytest.skip(f"{name} needs {missing}")
    return find


@pytest.fixture(scope="module")
def host():
    """The processor underneath (tests/native/host.py); the test skips where it cannot be asked."""
    from native.host import Host, Missing, runner
    try:
        runner()
        host = Host()
    except Missing as missing:
        pytest.skip(f"needs {missing}")
    with host:
        yield host
