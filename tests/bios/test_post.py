"""POST: codes on port 80h, the state it leaves, A20 shut, memory full of noise; and the boot order with its messages."""
import pickle

import pytest
from bios_guest import HARD_DISK, boot_sector, machine_with

import boot
from boot import layout
from x86 import Machine
from x86.faults import MachineError

PARKED = boot_sector()


def post_codes(machine):
    """Everything that is written to port 80h from now on."""
    codes = []
    owner = machine.bus.owner(0x80)
    if owner:
        machine.bus.remove(0x80, 1)
    machine.bus.add("POST card", 0x80, 1, write=lambda offset, value, size: codes.append(value))
    return codes


def run_to_halt(machine, limit=5_000_000):
    stop = machine.run(max_instructions=limit)
    assert stop.kind == "hang", stop
    return machine.cpu


def test_steps_are_shown_on_port_80():
    machine = machine_with(disk=PARKED)
    codes = post_codes(machine)
    run_to_halt(machine)
    assert codes == list(range(0x01, 0x0D))


def test_first_instruction_is_the_reset_vector():
    machine = machine_with(disk=PARKED)
    assert (machine.cpu.cs, machine.cpu.rip) == (0xF000, 0xFFF0)
    assert machine.cpu.linear("cs", machine.cpu.rip) == 0xFFFFFFF0
    machine.step()
    assert (machine.cpu.cs, machine.cpu.rip) == (0xF000, 0xE05B)
    assert machine.cpu.linear("cs", machine.cpu.rip) == 0xFE05B


@pytest.mark.parametrize("a20", [True, False])
@pytest.mark.parametrize("fill", ["zero", "random:7"])
def test_state_at_the_boot_sector(a20, fill):
    machine = machine_with(disk=PARKED, a20=a20, fill=fill)
    cpu = run_to_halt(machine)
    assert (cpu.cs, cpu.rip) == (0, 0x7C02)
    assert cpu.dl == 0x80 and cpu.ax == 0xAA55 and (cpu.ds, cpu.ss, cpu.sp) == (0, 0, 0x7C00)
    assert machine.memory.read((cpu.es << 4) + cpu.di, 4) == b"$PnP"
    assert cpu.a20 is a20
    memory = machine.memory
    assert memory.read(layout.BOOT_SECTOR, 512) == PARKED
    assert memory.read_u16(layout.BASE_MEMORY_KB) == 639
    assert memory.read_u16(layout.EBDA_SEGMENT_WORD) == 0x9FC0 and memory.read_u8(0x9FC00) == 1
    assert memory.read_u8(layout.HARD_DISK_COUNT) == 1
    assert memory.read_u16(layout.COM_BASES) == 0x3F8
    assert memory.read_u16(layout.KEYBOARD_HEAD) == memory.read_u16(layout.KEYBOARD_TAIL) == 0x1E
    assert memory.read_u16(layout.EQUIPMENT) & 0x3E31 == 0x0220         # one serial port, 80 x 25, no diskette
    assert machine.screen.text.splitlines()[0].rstrip() == "x86 BIOS"


def test_every_vector_is_a_real_address():
    machine = machine_with(disk=PARKED)
    run_to_halt(machine)
    table = machine.memory.read(0, 1024)
    vectors = {number: (int.from_bytes(table[4 * number + 2:4 * number + 4], "little"),
                        int.from_bytes(table[4 * number:4 * number + 2], "little")) for number in range(256)}
    for number, (segment, offset) in vectors.items():
        if 0x60 <= number <= 0x67:
            assert (segment, offset) == (0, 0)
        elif number not in (0x41, 0x46):
            assert segment == (0xC000 if number in (0x10, 0x1F, 0x43) else 0xF000), hex(number)
            assert machine.memory.read((segment << 4) + offset, 2) != b"\xFF\xFF", hex(number)
    assert vectors[0x42][1] == 0xF065 and vectors[0x13][1] == 0xE3FE and vectors[0x40][1] == 0xEC59
    assert vectors[0x1E][1] == 0xEFC7 and machine.memory.read_u8(0xFEFC7 + 4) == 18
    segment, offset = vectors[0x41]
    assert machine.memory.read_u8((segment << 4) + offset + 14) == 63


def test_warm_reset_through_the_cmos_shutdown_byte():
    """Byte 0Fh = 0Ah: after the reset POST jumps to the far pointer at 0040:0067."""
    machine = machine_with(disk=boot_sector("""
        mov     word [467h], again
        mov     word [469h], 0
        mov     al, 8Fh
        out     70h, al
        mov     al, 0Ah
        out     71h, al
        mov     al, 0FEh
        out     64h, al
        hlt
again:  mov     byte [500h], 77h
        cli
        hlt
        """))
    run_to_halt(machine)
    assert machine.memory.read_u8(0x500) == 0x77 and machine.resets == 1


# ---- boot order ------------------------------------------------------------------------------------------------------

def test_diskette_comes_before_the_disk():
    machine = machine_with(disk=PARKED, floppy=boot_sector("mov cx, 1111h\ncli\nhlt\n"))
    cpu = run_to_halt(machine)
    assert cpu.cx == 0x1111 and cpu.dl == 0x00


def test_boot_order_can_be_given():
    options = {"disk": PARKED, "floppy": PARKED, "drives": [boot_sector("mov cx, 2222h\ncli\nhlt\n")]}
    assert run_to_halt(machine_with(**options, boot_order=("disk", "floppy"))).dl == 0x80
    cpu = run_to_halt(machine_with(**options, boot_order=(0x81,)))
    assert cpu.dl == 0x81 and cpu.cx == 0x2222
    with pytest.raises(ValueError, match="no such drive"):
        boot.bios(Machine(memory="4M"), disk=PARKED, boot_order=("floppy",))


def test_no_signature_is_said_and_the_next_drive_tried():
    machine = machine_with(disk=PARKED, floppy=b"\xEB\xFE" + bytes(508) + b"\xAA\x55")
    cpu = run_to_halt(machine)
    assert cpu.dl == 0x80
    assert "Diskette A: not bootable: its first sector ends in AA 55, not in 55 AA." in machine.screen.text


def test_nothing_to_boot_stops_the_machine_in_words():
    machine = machine_with(disk=bytes(512 * 100))
    stop = machine.run(max_instructions=5_000_000)
    assert stop.kind == "no-boot"
    assert "No bootable device." in stop.message and "Hard disk 80h: not bootable" in stop.message
    assert "00 00, not in 55 AA" in stop.message
    assert "No bootable device." in machine.screen.text
    assert machine.run(max_instructions=100_000).kind == "limit"        # as on a PC, it goes on waiting


def test_too_little_memory():
    with pytest.raises(MachineError, match="needs 1 MB"):
        machine_with(memory="640K")


def test_no_drive_at_all():
    stop = machine_with().run(max_instructions=5_000_000)
    assert stop.kind == "no-boot" and "no drive in the boot order" in stop.message


def test_int_18_goes_on_with_the_next_drive():
    machine = machine_with(disk=PARKED, floppy=boot_sector("int 18h\n"))
    assert run_to_halt(machine).dl == 0x80
    stop = machine_with(floppy=boot_sector("int 18h\n")).run(max_instructions=5_000_000)
    assert stop.kind == "no-boot" and "diskette A ended in INT 18h" in stop.message


def test_int_19_begins_anew():
    machine = machine_with(disk=boot_sector("""
        inc     byte [600h]
        cmp     byte [600h], 3
        je      .done
        int     19h
.done:  cli
        hlt
        """))
    run_to_halt(machine)
    assert machine.memory.read_u8(0x600) == 3


def test_a_sector_that_cannot_be_read():
    """A hook of INT 13h that fails every call: INT 19h goes through the vector like everybody else."""
    machine = machine_with(disk=boot_sector("""
        mov     word [4Ch], fail
        mov     word [4Eh], 0
        int     19h
fail:   mov     byte [474h], 0BBh
        mov     bp, sp
        or      word [bp+4], 1
        iret
        """))
    stop = machine.run(max_instructions=5_000_000)
    assert stop.kind == "no-boot" and "cannot be read (INT 13h status BBh)" in stop.message


# ---- reset -----------------------------------------------------------------------------------------------------------

def test_ctrl_alt_del_resets_the_machine():
    machine = machine_with(disk=boot_sector("sti\n.a: hlt\n jmp .a\n"))
    machine.run(max_instructions=3_000_000)
    for name in ("ctrl", "alt", "delete"):
        machine.keyboard.key(name, True)
        machine.run(max_instructions=1_000_000)
    assert machine.resets == 1
    assert machine.memory.read_u8(layout.HARD_DISK_COUNT) == 1


def test_the_same_boot_twice_is_the_same_state():
    first, second = machine_with(disk=HARD_DISK), machine_with(disk=HARD_DISK)
    for machine in (first, second):
        machine.run(max_instructions=3_000_000)
    assert first.snapshot().digest() == second.snapshot().digest()


@pytest.mark.parametrize("after", [10, 5_000, 30_000, 60_000])
def test_a_snapshot_in_the_middle_of_post_ends_in_the_same_state(after):
    machine = machine_with(disk=HARD_DISK)
    machine.run(max_instructions=after)
    middle = pickle.loads(pickle.dumps(machine.snapshot()))
    run_to_halt(machine)
    end = machine.snapshot().digest()
    machine.restore(middle)
    run_to_halt(machine)
    assert machine.snapshot().digest() == end
    other = machine_with(disk=HARD_DISK)
    other.restore(middle)
    run_to_halt(other)
    assert other.snapshot().digest() == end
