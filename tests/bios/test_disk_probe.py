"""INT 13h answers as SeaBIOS's does (disk_probe.py), but for what stands here with its reason."""
import re
import shutil

import disk_probe
import pytest

#: (ways to boot, cases, fields, reason): regular expressions that have to match as a whole, but for the reason
EXCEPTIONS = [
    (".*", ".*: status( of an error)?", "al", "IBM PC Technical Reference, diskette and fixed disk BIOS: AH=01h has the status "
                                              "in AL, which SeaBIOS leaves alone"),
    (".*", "A: status of an error", "ah|status", "04h of a sector that is not there, as follows"),
    (".*", ".*: (read|verify) (sector|head|cylinder|over the end).*", "ah|al|status",
     "IBM PC/AT Technical Reference: a sector that is not there is 04h, not found, and AL says that none was transferred; "
     "SeaBIOS has 01h, or 0Ch for what the drive itself refuses"),
    (".*", ".*: extended read (beyond|over the end)", "ah|cf|status|sum|packet",
     "EDD-3 section 8.2 (AH=42h): the packet's count is set to the number of blocks that were transferred, and the error is "
     "that of the transfer; SeaBIOS does so for a disk, but not for a CD, of whose addresses it takes the low half"),
    (".*", "C: parameters", "cx", "all cylinders can be used; SeaBIOS keeps the last for diagnostics"),
    (".*", "C: type", "dx", "the same: all sectors"),
    (".*", "(A|no B): (parameters|function 08)( when that has ended)?", "di", "the diskette table lies where the PC/AT has it"),
    (".*", "(A|no B): (type|function 15)", "ah", "02h: the drive has a change line, which AH=16h asks"),
    (".*", "(C|CD): extensions", "cx", "bit 3: the packet may have a 64-bit address"),
    (".*", "(C|CD): extended parameters .*", "packet",
     "EDD-3 section 8.7 (AH=48h): word 0 is the number of bytes that were filled; FFFF:FFFF, there are no ports that a "
     "parameter table could name; a CD has a size, a medium in it, and is ATAPI"),
    (".*", "(no B|7F): .*", "ah|al|bx|cf|cx|dx|di|es|status",
     "a diskette drive that is not there: reset is of the controller; parameters are 0 and no error, type is 0 (PC/AT Technical "
     "Reference); what needs a drive is 80h, time-out"),
    (".*", "no (CD|D): function (08|15)|CD: parameters", "ah|al|cx|dx",
     "a hard disk that is not there: all parameters are 0 and DL is the number of drives; its type is 0, no such drive"),
    (".*", "CD: media change", "status", "AH=01h gives what the last function gave"),
    (".*", "C: extended read, flat", "sum", "EDD-3: FFFF:FFFF says that a 64-bit address follows, which SeaBIOS does not know"),
    (".*", "C: extended read, short packet", "ah|cf|status|sum", "EDD-3: a packet of less than 16 bytes is refused"),
    (".*", "C: extended read of 129", "ah|cf|status|sum|packet", "there is no DMA here that would end at 64 KB"),
    ("floppy|disk|cdrom", "(CD emulation. ..|the end of CD emulation)", "ah|cf|status|packet",
     "El Torito 1.0: an error where there is no emulation, or the drive is another one"),
    ("emulated", "CD emulation. 80", "ah|cf|status|packet", "the same: drive 80h is no CD's"),
    ("emulated", "(CD emulation. (00|E0|7F)|the end of CD emulation)", "packet",
     "El Torito 1.0, figure 7: cylinder, sector, head as in CH, CL, DH; SeaBIOS has them the other way round"),
    ("emulated", "A: change line", "ah|cf|status", "what a CD stands for does not change"),
    ("emulated", "A: read when that has ended", "ah|al|cf|status|sum", "20h: QEMU's diskette controller fails; the drive "
                                                                       "has a diskette that can be read"),
]


def differences(way, used):
    expected = disk_probe.expected()
    for case, answer in zip(disk_probe.cases(), disk_probe.ask_here(way), strict=True):
        theirs = expected[way, case.name]
        for field, value in answer.fields().items():
            if value == theirs[field]:
                continue
            rules = [number for number, (ways, cases, fields, _) in enumerate(EXCEPTIONS) if re.fullmatch(ways, way)
                     and re.fullmatch(cases, case.name) and re.fullmatch(fields, field)]
            used.update(rules)
            if not rules:
                yield f"{case.name}: {field}={value}, SeaBIOS: {theirs[field]}"


def test_answers_are_seabios_s_and_no_exception_is_too_much():
    used = set()
    found = [f"booted from {way}: {line}" for way in disk_probe.WAYS for line in differences(way, used)]
    assert found == []
    assert [rule[:3] for number, rule in enumerate(EXCEPTIONS) if number not in used] == []


@pytest.mark.deep
@pytest.mark.parametrize("way", disk_probe.WAYS)
def test_what_is_kept_is_what_qemu_answers(way):
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("qemu-system-x86_64 is not installed")
    expected = disk_probe.expected()
    for case, answer in zip(disk_probe.cases(), disk_probe.ask_qemu(way), strict=True):
        assert answer.fields() == expected[way, case.name], case.name
