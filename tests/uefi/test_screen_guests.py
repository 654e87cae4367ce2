"""What is on the screen and on the serial line while the guests of graphics and text output run."""
from __future__ import annotations

import pickle
import re

import pytest
from uefi import build

import boot
from boot.uefi.definitions import Status
from boot.uefi.protocols.edid import EdidActive
from boot.uefi.protocols.graphics_output import MODES, GraphicsOutput
from boot.uefi.protocols.simple_text_output import SimpleTextOutput
from boot.uefi.tables import CON_OUT, CONSOLE_OUT_HANDLE
from x86 import Machine
from x86.devices.vga_linear import FRAME_BUFFER, FRAME_BUFFER_SIZE


def machine_with(name):
    """A machine that is to start the guest of that name."""
    try:
        application = build.application(name)
    except build.Missing as missing:
        pytest.skip(f"needs {missing}")
    machine = Machine(memory="64M")
    boot.uefi(machine, application=application)
    return machine


def run_until(machine, text):
    """Run until the guest has written a line that starts so."""
    machine.run(max_instructions=10_000_000, until=lambda machine: f"=> {text}" in machine.serial.text, every=100)
    assert f"=> {text}" in machine.serial.text


def test_a_snapshot_in_the_middle_goes_on_alike():
    machine = machine_with("text_output")
    run_until(machine, "string, of boxes")
    state = pickle.loads(pickle.dumps(machine.snapshot()))
    other = machine_with("text_output")
    other.restore(state)
    assert other.screen.text == machine.screen.text and "a" in machine.screen.text
    assert other.screen.cursor == machine.screen.cursor is not None
    for each in (machine, other):
        each.run(max_instructions=10_000_000)
    assert other.snapshot().digest() == machine.snapshot().digest()
    assert other.serial.text == machine.serial.text


def test_screen_and_line_show_the_text():
    machine = machine_with("text_output")
    run_until(machine, "string, of Latin-1")
    assert machine.screen.text.split("\n")[5].startswith("äéñ¿µ▲►▼◄←↑→↓")
    assert machine.screen.size == (80, 25)
    sent = re.sub("\r?\n=> .*\n", "", machine.serial.text)
    assert "─│┌█░▲►▼◄←↑→↓" in sent and "äéñ¿µ" in sent


def test_what_is_installed():
    machine = machine_with("graphics")
    run_until(machine, "handles")
    uefi = machine.devices["uefi"]
    adapter, console = (handle.address for handle in uefi.database.with_protocol(GraphicsOutput.guid))
    assert console == uefi.read_u64(uefi.table.address + CONSOLE_OUT_HANDLE)
    output = uefi.protocol(console, SimpleTextOutput)
    assert output.address == uefi.read_u64(uefi.table.address + CON_OUT)
    assert uefi.protocol(adapter, GraphicsOutput) is uefi.protocol(console, GraphicsOutput)
    edid = uefi.protocol(adapter, EdidActive)
    assert uefi.read(edid.field("Edid"), edid.field("SizeOfEdid")) == machine.screen.linear.edid


def test_an_adapter_in_a_mode_of_somebody_elses():
    """A guest has written the adapter's registers: 16 bits a dot are none of the protocol's modes."""
    machine = machine_with("graphics")
    run_until(machine, "handles")
    uefi = machine.devices["uefi"]
    adapter, console = (handle.address for handle in uefi.database.with_protocol(GraphicsOutput.guid))
    machine.screen.linear.set_mode(640, 480, 16)
    output, graphics = uefi.protocol(console, SimpleTextOutput), uefi.protocol(adapter, GraphicsOutput)
    assert output.reset(None, 0) == Status.DEVICE_ERROR
    assert output.set_mode(None, 0) == output.query_mode(None, 0, 0, 0) == Status.UNSUPPORTED
    assert graphics.blt(None, output.address, 0, 0, 0, 0, 0, 1, 1, 0) == Status.INVALID_PARAMETER
    assert graphics.set_mode(None, 1) == output.reset(None, 0) == Status.SUCCESS
    assert machine.screen.linear.size == MODES[1] and machine.screen.size == (80, 25)


def test_the_frame_buffer_holds_every_mode():
    assert len(set(MODES)) == len(MODES)
    assert all(width % 8 == 0 and 4 * width * height <= FRAME_BUFFER_SIZE for width, height in MODES)


def test_what_a_guest_draws_is_in_the_screenshot(tmp_path):
    machine = machine_with("graphics")
    run_until(machine, "frame buffer, a dot read there")
    linear = machine.screen.linear
    assert linear.size == (800, 600)
    assert machine.memory.read(FRAME_BUFFER + 7 * linear.pitch + 5 * 4, 3) == bytes.fromhex("EF CD AB")
    machine.screen.screenshot(tmp_path / "screen.png")
    assert (tmp_path / "screen.png").read_bytes()[16:24].hex() == "0000032000000258"


def test_reset_goes_back_to_the_adapters_text_mode():
    machine = machine_with("text_output")
    run_until(machine, "string, of boxes")
    machine.reset()
    assert not machine.screen.linear.enabled and machine.screen.size == (80, 25)
    assert machine.screen.text.strip() == ""
