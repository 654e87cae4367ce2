"""Where there is room in memory: `Ram.find` against a search that tries every address."""
from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from boot.loaders.ram import Ram
from x86._memory import Memory
from x86.faults import ImageError

MB = 1 << 20
MEMORY = Memory(2 * MB)


class Small(Ram):
    """Two stretches of free memory, small enough to try every address."""

    def __init__(self, claims):
        super().__init__(MEMORY)
        self.free = [(8, 40), (64, 100)]
        self.claims = [(start, start + size, "") for start, size in claims]


@given(st.lists(st.tuples(st.integers(0, 110), st.integers(1, 12)), max_size=5), st.integers(1, 40),
       st.sampled_from((1, 2, 8, 16)), st.integers(0, 120), st.integers(0, 120), st.booleans())
def test_find_is_the_first_or_last_place_of_all(claims, size, align, low, high, highest):
    ram = Small(claims)
    free = {address for first, last in ram.free for address in range(first, last)}
    free -= {address for start, end, _ in ram.claims for address in range(start, end)}
    fits = [start for start in range(0, 128, align)
            if low <= start and start + size <= high and free.issuperset(range(start, start + size))]
    assert ram.find(size, align, low, high, highest) == (fits[-1 if highest else 0] if fits else None)


def test_place_claims_what_it_found():
    ram = Ram(MEMORY)
    top = ram.place(0x1000, "one", 0x1000, highest=True)
    assert ram.place(0x1000, "two", 0x1000, highest=True) == top - 0x1000
    with pytest.raises(ImageError, match="no room in memory for three, 4096 bytes: the machine has 2 MB"):
        ram.place(0x1000, "three", low=2 * MB)
