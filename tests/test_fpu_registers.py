"""The registers of x87, MMX, SSE and AVX from Python: by name, as areas, and in snapshots."""
import pytest
from machines import flat64


@pytest.fixture
def cpu():
    return flat64("hlt").cpu


def test_a_register_holds_what_is_written(cpu):
    cpu.ymm3 = 1 << 255 | 7
    cpu.xmm3 = 1 << 127
    assert (cpu.ymm3, cpu.xmm3) == (1 << 255 | 1 << 127, 1 << 127)
    cpu.st0 = 0x3FFF8000000000000000
    assert cpu.st0 == 0x3FFF8000000000000000
    assert cpu.mm0 == 1 << 63


def test_the_stack_moves_and_the_registers_stay(cpu):
    cpu.mm7, cpu.fsw = 5, 7 << 11
    assert cpu.st0 & (1 << 64) - 1 == 5
    cpu.fsw = 6 << 11
    assert cpu.st1 & (1 << 64) - 1 == 5


@pytest.mark.parametrize("name, value", [("xmm0", 1 << 128), ("mm0", -1), ("st0", 1 << 80), ("ymm0", 1 << 256)])
def test_what_does_not_fit_is_refused(cpu, name, value):
    with pytest.raises(OverflowError):
        setattr(cpu, name, value)


def test_there_is_no_ninth_register_of_the_stack(cpu):
    with pytest.raises(AttributeError, match="st8"):
        cpu.st8  # noqa: B018


def test_areas_are_the_registers(cpu):
    area = bytearray(cpu.fxsave)
    area[160:176] = bytes(range(16))
    cpu.ymm0 = 1 << 200
    cpu.fxsave = bytes(area)
    assert cpu.ymm0 == 1 << 200 | int.from_bytes(bytes(range(16)), "little")
    assert cpu.vectors[:32] == cpu.ymm0.to_bytes(32, "little")
    for name in ("fxsave", "vectors"):
        with pytest.raises(ValueError, match="3 bytes"):
            setattr(cpu, name, b"abc")


def test_a_snapshot_keeps_them():
    machine = flat64("hlt")
    machine.cpu.ymm5, machine.cpu.st3, machine.cpu.mxcsr = 1 << 250, 3, 0x1FBF
    snapshot = machine.snapshot()
    machine.cpu.ymm5 = machine.cpu.st3 = 0
    machine.cpu.mxcsr = 0x1F80
    machine.restore(snapshot)
    assert (machine.cpu.ymm5, machine.cpu.st3, machine.cpu.mxcsr) == (1 << 250, 3, 0x1FBF)
