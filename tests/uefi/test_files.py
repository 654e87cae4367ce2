"""Files as a guest sees them, beyond what guests/files.c asks: the host's directory behind them, tokens, snapshots, nonsense.

Every call goes through the table in guest memory, as a guest's would."""
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uefi.caller import Caller

from boot.uefi.definitions import ERROR, Status, status_name
from boot.uefi.file_info import FILE_INFO, INFO, VOLUME_LABEL, FileInfo, text, unpack
from boot.uefi.guest_memory import utf16
from boot.uefi.protocols.block_io import BlockIo
from boot.uefi.protocols.file import CREATE, READ, WRITE, File
from boot.uefi.protocols.simple_file_system import SimpleFileSystem
from boot.uefi.times import now, pack_moment

MAKE = READ | WRITE | CREATE
DIRECTORY = 0x10
END = 0xFFFF_FFFF_FFFF_FFFF


class Files(Caller):
    """A guest on a directory. root: the EFI_FILE_PROTOCOL of its root; where: a place for what is returned."""

    def __init__(self, esp, mode=None):
        super().__init__(esp=esp, mode=mode)
        self.disk, self.partition = self.uefi.disks
        self.where, self.buffer = self.block(16), self.block(1 << 16)
        self.root = self.open_volume()

    def ask(self, protocol: int, member: str, *arguments: int) -> int:
        """Call a function of a protocol at an address: its status."""
        kind = type(self.uefi.interfaces[protocol])
        return self.call_address(self.u64(protocol + kind.fields[member][0]), protocol, *arguments)

    def open_volume(self) -> int:
        volume = self.uefi.protocol(self.partition.handle, SimpleFileSystem)
        assert self.ask(volume.address, "OpenVolume", self.where) == 0
        return self.u64(self.where)

    def text(self, words: str) -> int:
        return self.block(2 * len(words) + 2, utf16(words))

    def open(self, name: str, mode=READ, attributes=0, home=None) -> int:
        """The file; a status where it could not be opened."""
        status = self.ask(home or self.root, "Open", self.where, self.text(name), mode, attributes)
        return status if status else self.u64(self.where)

    def write(self, file: int, data: bytes) -> int:
        self.uefi.write_u64(self.where, len(data))
        return self.ask(file, "Write", self.where, self.block(len(data) or 1, data))

    def read(self, file: int, size: int = 1 << 16) -> bytes:
        self.uefi.write_u64(self.where, size)
        status = self.ask(file, "Read", self.where, self.buffer)
        assert status == 0, status_name(status)
        return self.uefi.read(self.buffer, self.u64(self.where))

    def info(self, file: int) -> FileInfo:
        self.uefi.write_u64(self.where, 1 << 16)
        assert self.ask(file, "GetInfo", self.block(16, FILE_INFO), self.where, self.buffer) == 0
        return unpack(self.uefi.read(self.buffer, self.u64(self.where)))

    def set_info(self, file: int, **changes) -> int:
        found = self.info(file)._replace(**changes)
        name = utf16(found.name)
        times = (pack_moment(time) for time in (found.created, found.accessed, found.modified))
        data = INFO.pack(INFO.size + len(name), found.size, 0, *times, found.attributes) + name
        return self.ask(file, "SetInfo", self.block(16, FILE_INFO), len(data), self.block(len(data), data))


@pytest.fixture
def home(tmp_path):
    esp = tmp_path / "esp"
    (esp / "dir/sub").mkdir(parents=True)
    (esp / "HELLO.TXT").write_bytes(b"Hello, file.")
    (esp / "dir/one.txt").write_bytes(b"1")
    (esp / "dir/sub/deep.txt").write_bytes(b"deep")
    return esp


# ---- the host's directory --------------------------------------------------------------------------------------------

def change(files):
    file = files.open("dir\\New File.txt", MAKE)
    assert files.write(file, b"written by the guest") == 0
    assert files.ask(file, "Close") == 0
    old = files.open("HELLO.TXT", READ | WRITE)
    assert files.ask(old, "Delete") == 0


def test_what_a_guest_writes_is_in_the_directory_in_the_end(home):
    files = Files(home)
    change(files)
    assert not (home / "dir/New File.txt").exists()
    files.uefi.flush()
    assert (home / "dir/New File.txt").read_bytes() == b"written by the guest"
    assert not (home / "HELLO.TXT").exists()
    assert (home / "dir/sub/deep.txt").read_bytes() == b"deep"


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["cold", "warm", "shutdown"])
def test_reset_system_writes_back(home, kind):
    files = Files(home)
    change(files)
    runtime = files.u64(files.uefi.table.address + 88)
    files.enter(files.u64(runtime + 104), kind, 0, 0, 0)            # ResetSystem
    assert files.machine.run(50_000_000).kind == ("poweroff" if kind == 2 else "reset")
    assert (home / "dir/New File.txt").read_bytes() == b"written by the guest"


def test_an_overlay_is_forgotten(home):
    files = Files(home, "overlay")
    change(files)
    assert files.read(files.open("dir\\new file.TXT")) == b"written by the guest"
    files.uefi.flush()
    assert sorted(path.name for path in home.rglob("*")) == ["HELLO.TXT", "deep.txt", "dir", "one.txt", "sub"]


def test_a_directory_that_is_only_read(home):
    files = Files(home, "readonly")
    assert files.open("HELLO.TXT", READ | WRITE) == files.open("new", MAKE) == Status.WRITE_PROTECTED
    file = files.open("HELLO.TXT")
    assert files.read(file) == b"Hello, file."
    assert files.set_info(file, attributes=2) == Status.WRITE_PROTECTED
    assert files.ask(file, "SetInfo", files.block(16, VOLUME_LABEL), 4, files.text("A")) == Status.WRITE_PROTECTED
    assert files.ask(file, "Delete") == Status.WARN_DELETE_FAILURE
    for medium in (files.disk, files.partition):
        blocks = files.uefi.protocol(medium.handle, BlockIo)
        assert files.uefi.read_u8(blocks.field("Media") + 7) == 1                                  # ReadOnly
        assert files.ask(blocks.address, "WriteBlocks", 1, 0, 512, files.buffer) == Status.WRITE_PROTECTED


# ---- handles ---------------------------------------------------------------------------------------------------------

def test_handles_of_one_file_share_its_name(home):
    files = Files(home)
    one, two = files.open("dir\\one.txt", READ | WRITE), files.open("DIR\\ONE.TXT")
    assert files.set_info(one, name="\\moved away") == 0
    assert files.info(two).name == files.info(one).name == "moved away"
    assert files.read(two) == b"1"
    assert files.open("two", home=two) == Status.NOT_FOUND
    assert files.info(files.open("..\\dir", home=two)).name == "dir"


def test_a_directory_is_renamed_above_an_open_one(home):
    files = Files(home)
    sub, above = files.open("dir\\sub"), files.open("dir", READ | WRITE)
    assert files.set_info(above, name="other") == Status.ACCESS_DENIED, "something in it is open"
    assert files.ask(sub, "Close") == 0
    again = files.open("dir")
    assert files.set_info(above, name="other") == 0
    assert files.read(files.open("sub\\deep.txt", home=again)) == b"deep"
    assert files.set_info(above, name="other\\sub\\inside") == Status.ACCESS_DENIED


def test_a_file_that_was_deleted(home):
    files = Files(home)
    one, two = files.open("HELLO.TXT", READ | WRITE), files.open("HELLO.TXT", READ | WRITE)
    assert files.ask(one, "Delete") == 0
    assert one not in files.uefi.interfaces
    for member, arguments in (("Read", (files.where, files.buffer)), ("Write", (files.where, files.buffer)), ("Flush", ()),
                              ("SetPosition", (0,)), ("GetInfo", (files.block(16, FILE_INFO), files.where, files.buffer))):
        assert files.ask(two, member, *arguments) == Status.DEVICE_ERROR, member
    assert files.ask(two, "Close") == 0


def test_times_are_those_of_the_boards_clock(home):
    files = Files(home)
    file = files.open("new", MAKE)
    made = now(files.uefi)
    assert files.info(file).created == made
    files.spin(files.machine.clock.frequency * 5)
    assert files.write(file, b"x") == 0
    later = files.info(file)
    assert later.created == made and made < later.modified <= now(files.uefi)
    chosen = made._replace(year=1999, second=8)
    assert files.set_info(file, modified=chosen) == 0
    assert files.write(file, b"y") == 0
    assert files.info(file).modified == chosen, "SetInfo has the last word"
    assert files.set_info(file, modified=None, size=5) == 0
    assert files.read(files.open("new")) == b"xy\0\0\0"


def test_a_time_that_is_none(home):
    files = Files(home)
    data = bytearray(INFO.pack(84, 0, 0, bytes(16), bytes(16), b"\xCF\x07\x0D\x01".ljust(16, b"\0"), 0x20) + utf16("a"))
    file = files.open("HELLO.TXT", READ | WRITE)
    assert files.ask(file, "SetInfo", files.block(16, FILE_INFO), len(data), files.block(99, data)) == Status.INVALID_PARAMETER


# ---- without waiting -------------------------------------------------------------------------------------------------

def token(files, size=0, buffer=0, event=0):
    data = b"".join(value.to_bytes(8, "little") for value in (event, 0x55, size, buffer))
    return files.block(32, data)


def test_tokens(home):
    files = Files(home)
    event = files.event(0)
    made = token(files, event=event)
    assert files.ask(files.root, "OpenEx", files.where, files.text("new"), MAKE, 0, made) == 0
    assert files.u64(made + 8) == 0
    assert files.call("CheckEvent", event) == 0
    file = files.u64(files.where)
    written = token(files, 5, files.block(5, b"12345"), event)
    assert files.ask(file, "WriteEx", written) == 0 and files.call("CheckEvent", event) == 0
    assert files.ask(file, "FlushEx", token(files)) == 0 and files.call("CheckEvent", event) == Status.NOT_READY
    assert files.ask(file, "SetPosition", 1) == 0
    got = token(files, 100, files.buffer)
    assert files.ask(file, "ReadEx", got) == 0
    assert files.u64(got + 16) == 4 and files.uefi.read(files.buffer, 4) == b"2345"
    lost = token(files, event=event)
    assert files.ask(file, "OpenEx", files.where, files.text("\\no"), READ, 0, lost) == Status.NOT_FOUND
    assert files.call("CheckEvent", event) == Status.NOT_READY, "nothing was begun"
    for member in ("ReadEx", "WriteEx", "FlushEx"):
        assert files.ask(file, member, 0) == Status.INVALID_PARAMETER


# ---- the machine as a value ------------------------------------------------------------------------------------------

def test_open_files_are_part_of_a_snapshot(home):
    files = Files(home, "overlay")
    file = files.open("HELLO.TXT", READ | WRITE)
    assert files.read(file, 7) == b"Hello, "
    snapshot = files.machine.snapshot()
    assert files.write(file, b"world") == 0
    assert files.set_info(file, name="other") == 0
    assert files.ask(file, "Close") == 0
    files.machine.restore(snapshot)
    assert files.info(file).name == "HELLO.TXT"
    assert files.read(file) == b"file."


# ---- nonsense --------------------------------------------------------------------------------------------------------

NAMES = ["", "\\", "dir", "dir\\sub", "a*b", "..", "x" * 300, "new", "dir\\..\\..", "HELLO.TXT\\", "\ud800", "a\\.\\b"]
NUMBERS = st.sampled_from([0, 1, 2, 3, 5, 80, 0x10000, 0xFFFFFFFF, 1 << 40, 1 << 63, END, CREATE | 3])


@settings(max_examples=40)
@given(calls=st.lists(st.tuples(st.sampled_from(sorted(File.functions)), st.sampled_from(NAMES),
                                st.lists(st.sampled_from(["name", "where", "buffer", "guid"]) | NUMBERS, min_size=5, max_size=5)),
                      max_size=8))
def test_nonsense_gets_a_status(calls, tmp_path_factory):
    esp = tmp_path_factory.mktemp("esp")
    (esp / "dir/sub").mkdir(parents=True)
    (esp / "HELLO.TXT").write_bytes(b"Hello")
    files = Files(esp, "overlay")
    for member, name, arguments in calls:
        pointers = {"name": files.text(name), "where": files.where, "buffer": files.buffer, "guid": files.block(16, FILE_INFO)}
        if files.root not in files.uefi.interfaces:
            files.root = files.open_volume()
        files.enter(files.u64(files.root + File.fields[member][0]), files.root, *(pointers.get(each, each) for each in arguments))
        stop = files.machine.run(50_000_000)
        if stop.kind == "firmware":
            assert "where no memory is" in stop.message or "does not end" in stop.message
            return
        assert stop.kind == "debug-exit"
        status = files.machine.cpu.rax
        assert status_name(status) != f"{status:X}h" or not status & ERROR


def test_the_text_of_a_structure():
    assert text(b"a\0b\0\0\0c\0") == "ab" and text(b"a\0b") == "a" and text(b"") == ""
