"""EFI_SIMPLE_TEXT_INPUT_PROTOCOL and its Ex: the keys of console_input.py for programs.

    EFI_INPUT_KEY   00 ScanCode (2)  02 UnicodeChar (2)
    EFI_KEY_DATA    00 Key  04 KeyShiftState (4)  08 KeyToggleState (1)         12 bytes

Source: UEFI 2.10, sections 12.2 "Simple Text Input Ex Protocol" and 12.3.
"""
from __future__ import annotations

from boot.uefi import device_path, events, tables
from boot.uefi.console_input import ConsoleInput, Watch
from boot.uefi.definitions import TPL_NOTIFY, Guid, Status
from boot.uefi.device_path import BY_NAME, append, pci, pci_root
from boot.uefi.events import NOTIFY_WAIT
from boot.uefi.keys import EXPOSED, KEY_DATA, TOGGLE_VALID, Key
from boot.uefi.memory_map import OutOfMemory
from boot.uefi.protocol import Protocol, method
from boot.uefi.protocols import serial_io
from boot.uefi.protocols.graphics_output import ADAPTER_PATH, CONSOLE_OUT_DEVICE
from boot.uefi.protocols.simple_text_output import SimpleTextOutput
from boot.uefi.tables import at_power_on
from boot.uefi.variables import ACCESS, GLOBAL, NON_VOLATILE

CONSOLE_IN_DEVICE = Guid("d3b36f2b-d551-11d4-9a46-0090273fc14d")        # EDK2's mark of a device that is part of the console
PNP_KEYBOARD = 0x030341D0               # PNP0303
#: PciRoot(0x0)/Pci(0x1,0x0)/Acpi(PNP0303,0x0)
KEYBOARD_PATH = pci_root(pci(1, 0), BY_NAME["Acpi"].build(HID=PNP_KEYBOARD, UID=0))
TTY_TERM = Guid("7d916d80-5bb1-458c-a48f-e25fdd51ef94")                 # EDK2's terminal type for xterm and its kin
TERMINAL_PATH = append(serial_io.PATH, BY_NAME["VenMsg"].build(Guid=TTY_TERM))


class SimpleTextInput(Protocol):
    """Keys without their states."""

    guid = Guid("387477c1-69c7-11d2-8e39-00a0c969723b")
    members = "Reset ReadKeyStroke WaitForKey:EFI_EVENT"
    event_field = "WaitForKey"

    def initial(self):
        return {self.event_field: events.create(self.uefi, NOTIFY_WAIT, TPL_NOTIFY, check=self.uefi.input.ready)}

    @method("Reset(IN BOOLEAN ExtendedVerification)")
    def reset(self, call, extended_verification):
        self.uefi.input.clear()
        return Status.SUCCESS

    @method("ReadKeyStroke(OUT EFI_INPUT_KEY *Key)")
    def read_key_stroke(self, call, pointer):
        if not pointer:
            return Status.INVALID_PARAMETER
        key = self.uefi.input.take()
        if key is None:
            return Status.NOT_READY
        scan, character = key.plain
        self.uefi.write_u16(pointer, scan)
        self.uefi.write_u16(pointer + 2, character)
        return Status.SUCCESS


class SimpleTextInputEx(SimpleTextInput):
    """Keys with what was held down, functions that are called for certain keys, and the locks."""

    guid = Guid("dd9e7534-7762-4698-8c14-f58517a625aa")
    members = "Reset ReadKeyStrokeEx WaitForKeyEx:EFI_EVENT SetState RegisterKeyNotify UnregisterKeyNotify"
    event_field = "WaitForKeyEx"

    @method("Reset(IN BOOLEAN ExtendedVerification)")
    def reset(self, call, extended_verification):
        self.uefi.input.clear()
        return Status.SUCCESS

    @method("ReadKeyStrokeEx(OUT EFI_KEY_DATA *KeyData)")
    def read_key_stroke_ex(self, call, pointer):
        if not pointer:
            return Status.INVALID_PARAMETER
        keyboard = self.uefi.input.keyboard
        key = self.uefi.input.take(partial=bool(keyboard.toggles & EXPOSED))
        if key is None:
            self.uefi.write(pointer, keyboard.state.data)
            return Status.NOT_READY
        self.uefi.write(pointer, key.data)
        return Status.SUCCESS

    @method("SetState(IN EFI_KEY_TOGGLE_STATE *KeyToggleState)")
    def set_state(self, call, pointer):
        if not pointer:
            return Status.INVALID_PARAMETER
        toggles = self.uefi.read_u8(pointer)
        if not toggles & TOGGLE_VALID:
            return Status.UNSUPPORTED
        self.uefi.input.set_toggles(toggles)
        return Status.SUCCESS

    @method("RegisterKeyNotify(IN EFI_KEY_DATA *KeyData, IN EFI_KEY_NOTIFY_FUNCTION KeyNotificationFunction, "
            "OUT VOID **NotifyHandle)")
    def register_key_notify(self, call, pointer, function, handle_pointer):
        if not pointer or not function or not handle_pointer:
            return Status.INVALID_PARAMETER
        key = Key(*KEY_DATA.unpack(self.uefi.read(pointer, KEY_DATA.size)))
        watches = self.uefi.input.watches
        handle = next((handle for handle, watch in watches.items() if (watch.key, watch.function) == (key, function)), 0)
        if not handle:
            try:
                handle = self.uefi.allocate_pool(16)
            except OutOfMemory:
                return Status.OUT_OF_RESOURCES
            watches[handle] = Watch(key, function)
        self.uefi.write_u64(handle_pointer, handle)
        return Status.SUCCESS

    @method("UnregisterKeyNotify(IN VOID *NotificationHandle)")
    def unregister_key_notify(self, call, handle):
        if self.uefi.input.watches.pop(handle, None) is None:
            return Status.INVALID_PARAMETER
        self.uefi.free_pool(handle)
        return Status.SUCCESS


@at_power_on
def power_on(uefi):
    """The console's handle, and those of keyboard and terminal with their device paths: the same two interfaces on all."""
    uefi.input = ConsoleInput(uefi)
    plain, ex = SimpleTextInput(uefi), SimpleTextInputEx(uefi)
    console, keyboard, terminal = uefi.new_handle(), uefi.new_device(KEYBOARD_PATH), uefi.new_device(TERMINAL_PATH)
    for handle in (console, keyboard, terminal):
        uefi.install(handle, plain)
        uefi.install(handle, ex)
    for handle in (keyboard, terminal):
        uefi.install(handle, CONSOLE_IN_DEVICE, 0)
    uefi.install(terminal, SimpleTextOutput.guid, uefi.read_u64(uefi.table.address + tables.CON_OUT))
    uefi.install(terminal, CONSOLE_OUT_DEVICE, 0)
    tables.set_system_field(uefi, tables.CONSOLE_IN_HANDLE, console)
    tables.set_system_field(uefi, tables.CON_IN, plain.address)
    name_devices(uefi)


def name_devices(uefi) -> None:
    """The variables with the console's devices: which are in use, unless a user has chosen others, and which there are."""
    inputs = device_path.join_instances(KEYBOARD_PATH, TERMINAL_PATH)
    outputs = device_path.join_instances(ADAPTER_PATH, TERMINAL_PATH)
    for name, path in (("ConIn", inputs), ("ConOut", outputs), ("ErrOut", outputs)):
        uefi.variables.provide(f"{name}Dev", path)
        if (name, GLOBAL) not in uefi.variables.values:
            uefi.variables.provide(name, path, NON_VOLATILE | ACCESS)
