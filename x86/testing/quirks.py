"""A Hypothesis strategy for sets of things that a firmware does otherwise, such as the quirks of the BIOS.

    from boot.bios.quirks import NEVER, QUIRKS
    from x86.testing.quirks import quirk_sets

    @given(quirk_sets(QUIRKS, NEVER))
    def test_my_loader(quirks):
        machine = Machine("64M")
        boot.bios(machine, disk="loader.img", quirks=quirks)
        ...

Needs the package hypothesis.
"""
from __future__ import annotations

from collections.abc import Collection, Iterable

from hypothesis import strategies as st


def quirk_sets(names: Iterable[str], never: Collection[frozenset[str]] = (), most: int = 4):
    """Tuples of up to `most` of the names, sorted, that contain no set of `never`."""
    return (st.sets(st.sampled_from(sorted(names)), max_size=most)
            .filter(lambda chosen: not any(each <= chosen for each in never))
            .map(lambda chosen: tuple(sorted(chosen))))
