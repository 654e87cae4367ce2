"""The console's input: one queue for the keyboard and for the terminal at the serial line, filled a hundred times a second
and whenever somebody asks for a key. Whoever has registered for a key is notified as it comes.

What finds no room in the queue waits in its device. Source: UEFI 2.10, sections 12.2 and 12.3.
"""
from __future__ import annotations

from boot.uefi import events
from boot.uefi.database import EXCLUSIVE
from boot.uefi.definitions import TPL_CALLBACK
from boot.uefi.events import NOTIFY_SIGNAL
from boot.uefi.keys import ALT, CAPS_LOCK, CONTROL, DELETE, EXPOSED, NUM_LOCK, SCROLL_LOCK, Key, Keyboard, Terminal
from boot.uefi.memory_map import OutOfMemory
from boot.uefi.protocols.serial_io import SerialIo

ROOM = 32                               # keystrokes that wait
ESCAPE_TIME = 0.1                       # seconds without a byte after which ESC is a key by itself

COM1, LINE_CONTROL, LINE_STATUS = 0x3F8, 0x3FB, 0x3FD
DLAB, DATA_READY = 0x80, 0x01
KEYBOARD_DATA, KEYBOARD_STATUS = 0x60, 0x64
OUTPUT_FULL, FROM_MOUSE = 0x01, 0x20
WRITE_COMMAND_BYTE, SET_LIGHTS, ACKNOWLEDGE = 0x60, 0xED, 0xFA
COMMAND_BYTE = 0x47                     # translate to set 1, self-test passed, both interrupts; the 8259 masks them
LOCKS = SCROLL_LOCK | NUM_LOCK | CAPS_LOCK      # the same bits as the keyboard's lights


class Watch:
    """What RegisterKeyNotify remembers: the keystroke, and the guest's function."""

    def __init__(self, key: Key, function: int):
        self.key, self.function = key, function

    def matches(self, key: Key) -> bool:
        """Scan code and character have to be the same, states only where they were asked for."""
        wanted = self.key
        return (wanted.scan == key.scan and wanted.character == key.character and wanted.shift in (0, key.shift)
                and wanted.toggle in (0, key.toggle))


class ConsoleInput:
    """The queue and what fills it.

    queue     keystrokes, the oldest first; partial ones only where they are wanted
    watches   value of a notification handle -> Watch
    told      events of the notifications on their way: the block of each holds the EFI_KEY_DATA
    heard     the tick at which the serial line brought its last byte
    """

    def __init__(self, uefi):
        self.uefi = uefi
        self.keyboard, self.terminal = Keyboard(), Terminal()
        self.queue: list[Key] = []
        self.watches: dict[int, Watch] = {}
        self.told: list[int] = []
        self.heard = 0
        write = uefi.machine.bus.write
        write(KEYBOARD_STATUS, WRITE_COMMAND_BYTE, 1)
        write(KEYBOARD_DATA, COMMAND_BYTE, 1)

    # ---- for programs ------------------------------------------------------------------------------------------------

    def ready(self) -> bool:
        """Whether a whole keystroke waits: what WaitForKey's event is signaled by."""
        self.poll()
        return any(not key.partial for key in self.queue)

    def take(self, partial: bool = False) -> Key | None:
        """The oldest keystroke; where `partial` ones are not wanted, they are forgotten."""
        self.poll()
        while self.queue:
            key = self.queue.pop(0)
            if partial or not key.partial:
                return key
        return None

    def clear(self) -> None:
        """Forget what was typed up to now."""
        self.poll()
        self.queue.clear()
        self.terminal = Terminal()

    def set_toggles(self, toggles: int) -> None:
        """The locks, with their lights, and whether partial keystrokes are wanted."""
        self.keyboard.toggles = toggles & (LOCKS | EXPOSED)
        self._show_locks()

    # ---- from the devices --------------------------------------------------------------------------------------------

    def poll(self) -> None:
        """Take what the devices have."""
        self._forget_told()
        self._poll_keyboard()
        self._poll_serial()

    def _poll_keyboard(self):
        read = self.uefi.machine.bus.read
        while len(self.queue) < ROOM:
            status = read(KEYBOARD_STATUS, 1)
            if not status & OUTPUT_FULL:
                return
            code = read(KEYBOARD_DATA, 1)
            if status & FROM_MOUSE or code == ACKNOWLEDGE:
                continue
            locks = self.keyboard.toggles
            key = self.keyboard.receive(code)
            if self.keyboard.toggles != locks:
                self._show_locks()
            if key is not None:
                self._struck(key)

    def _poll_serial(self):
        machine = self.uefi.machine
        read, data = machine.bus.read, bytearray()
        if self._line_is_taken() or read(LINE_CONTROL, 1) & DLAB:               # DLAB: somebody is setting its speed
            return
        while len(self.queue) + len(data) < ROOM and read(LINE_STATUS, 1) & DATA_READY:
            data.append(read(COM1, 1))
        if data:
            self.heard = machine.time
        over = machine.time - self.heard >= machine.clock.ticks(ESCAPE_TIME)
        if data or over and self.terminal.pending:
            for key in self.terminal.receive(bytes(data), over):
                self._struck(key)

    def _line_is_taken(self):
        """Whether a program has the serial port for itself."""
        interface = self.uefi.database.interface(self.uefi.serial_port, SerialIo.guid)
        return interface is not None and any(each.attributes & EXCLUSIVE for each in interface.opens)

    def _show_locks(self):
        for value in (SET_LIGHTS, self.keyboard.toggles & LOCKS):
            self.uefi.machine.bus.write(KEYBOARD_DATA, value, 1)

    def _struck(self, key):
        if key.scan == DELETE and key.shift & CONTROL and key.shift & ALT:
            self.uefi.machine.request_reset("Ctrl-Alt-Del")
        if key.partial and not self.keyboard.toggles & EXPOSED:
            return
        self.queue.append(key)
        for watch in list(self.watches.values()):
            if watch.matches(key):
                self._tell(watch, key)

    # ---- notifications -----------------------------------------------------------------------------------------------

    def _tell(self, watch, key):
        """Queue a call of the guest's function. An event is made for it, and the function gets its address: EFI_KEY_DATA."""
        uefi = self.uefi
        try:
            event = events.create(uefi, NOTIFY_SIGNAL, TPL_CALLBACK, watch.function)
        except OutOfMemory:
            return
        uefi.write(event, key.data)
        events.enqueue(uefi.events, uefi.events.all[event])
        self.told.append(event)

    def _forget_told(self):
        """The events of notifications that are over go. None runs while the task priority level is below theirs."""
        uefi = self.uefi
        if self.told and uefi.tpl < TPL_CALLBACK:
            waiting = uefi.events.queue.get(TPL_CALLBACK, ())
            for event in [event for event in self.told if event not in waiting]:
                self.told.remove(event)
                events.close(uefi, event)
