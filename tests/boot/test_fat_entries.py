"""Names and directory entries: what a name may be, its short form, and what decode makes of what encode wrote."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boot.fat import entries, names
from boot.fat.entries import DIRECTORY, EPOCH, LABEL, Entry, Moment, decode, encode, new_entry, patch
from boot.fat.errors import Exists, NameInvalid

CHARACTERS = st.characters(exclude_characters=sorted(names.FORBIDDEN), exclude_categories=())
NAMES = st.one_of(st.text(CHARACTERS, min_size=1, max_size=120),
                  st.text("abAB1 .~é日_", min_size=1, max_size=14)).filter(lambda text: names.normal(text).strip("."))
MOMENTS = st.builds(Moment, st.integers(1980, 2107), st.integers(1, 12), st.integers(1, 31), st.integers(0, 23),
                    st.integers(0, 59), st.integers(0, 59), st.integers(0, 99))


def slots(data):
    return [data[position:position + 32] for position in range(0, len(data), 32)]


# ---- names -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, short, case", [
    ("KERNEL.ELF", b"KERNEL  ELF", 0x00), ("kernel.elf", b"KERNEL  ELF", 0x18), ("kernel.ELF", b"KERNEL  ELF", 0x08),
    ("KERNEL.elf", b"KERNEL  ELF", 0x10), ("a", b"A          ", 0x08), ("A1.B2", b"A1      B2 ", 0x00),
    ("12345678.123", b"12345678123", 0x00), ("~$%'-_@!.()", b"~$%'-_@!() ", 0x00),
])
def test_names_that_the_short_entry_can_say(name, short, case):
    assert names.choose_short(name, ()) == (short, case)
    assert names.short_text(short, case) == name
    assert len(encode(new_entry(name, ()))) == entries.SIZE


@pytest.mark.parametrize("name, short", [
    ("Kernel.elf", b"KERNEL  ELF"), ("initramfs-6.1.img", b"INITRA~1IMG"), (".hidden", b"HIDDEN~1   "),
    ("a b.txt", b"AB~1    TXT"), ("a.b.c", b"AB~1    C  "), ("x.html", b"X~1     HTM"), ("a+b", b"A_B~1      "),
    ("\u00fcber.txt", b"_BER~1  TXT"), ("\u65e5\u672c", b"__~1       "), ("long name", b"LONGNA~1   "),
    ("\U0001F600.png", b"_~1     PNG"), ("..x", b"X~1        "),
])
def test_names_that_take_a_long_entry(name, short):
    assert names.choose_short(name, ()) == (short, 0)
    [entry] = decode(encode(new_entry(name, ())))
    assert (entry.name, entry.short, entry.first_slot) == (name, short, 0) and entry.slot > 0


def test_the_tail_counts_up_and_grows_into_the_base():
    taken = set()
    for number in range(1, 1001):
        taken.add(names.choose_short("long name.text", taken)[0])
        assert len(taken) == number
    assert {b"LONGNA~1TEX", b"LONGNA~9TEX", b"LONGN~10TEX", b"LONG~999TEX", b"LON~1000TEX"} <= taken


def test_a_short_name_that_is_taken_gets_a_tail():
    assert names.choose_short("Kernel.elf", {b"KERNEL  ELF"}) == (b"KERNEL~1ELF", 0)
    assert names.choose_short("kernel.elf", {b"KERNEL  ELF"}) == (b"KERNEL~1ELF", 0)


def test_tails_come_to_an_end():
    class Everything:
        def __contains__(self, short):
            return True
    names.LAST_TAIL, kept = 50, names.LAST_TAIL
    try:
        with pytest.raises(Exists, match="short names"):
            names.choose_short("x", Everything())
    finally:
        names.LAST_TAIL = kept


@pytest.mark.parametrize("name", ["", ".", "..", "...", " ", " . ", "a/b", "a\\b", "a:b", "a*", "b?", 'a"b', "<", ">", "|",
                                  "a\0b", "a\x1f", "x" * 256, "\U0001F600" * 128])
def test_names_no_file_can_have(name):
    with pytest.raises(NameInvalid):
        new_entry(name, ())


@pytest.mark.parametrize("name, kept", [("a.", "a"), ("a. . ", "a"), (" a", "a"), ("x" * 255, "x" * 255), (" .a", ".a"),
                                        ("..", ".."), (".", ".")])
def test_blanks_and_dots_at_the_ends_do_not_count(name, kept):
    assert names.normal(name) == kept


@pytest.mark.parametrize("one, other, same", [
    ("Kernel.ELF", "kERNEL.elf", True), ("\u00fcBER", "\u00dcber", True), ("\u03b1", "\u0391", True),
    ("stra\u00dfe", "STRASSE", False), ("a", "b", False), ("\u65e5", "\u65e5", True)])
def test_comparison_is_by_upper_case_of_single_characters(one, other, same):
    assert (names.fold(one) == names.fold(other)) is same


def test_short_names_are_read_as_code_page_437():
    assert names.short_text(b"\x9aBER    TXT") == "\u00dcBER.TXT"
    assert names.short_text(b"\x9aBER    TXT", 0x18) == "\u00fcber.txt"
    assert names.short_text(b"\x05       \xE1  ") == "\u03c3.\u00df"                     # 05h stands for E5h


@given(NAMES)
def test_short_names_are_ascii_and_legal(name):
    short, case = names.choose_short(names.check(name), ())
    assert len(short) == 11 and short.isascii()
    for part in (short[:8], short[8:]):
        assert names.SHORT_CHARACTERS.issuperset(part.rstrip(b" ").decode())
    assert short[0] != 0x20 and case in (0, 0x08, 0x10, 0x18)


# ---- entries ---------------------------------------------------------------------------------------------------------

@given(st.lists(st.tuples(NAMES, st.integers(0, 0xFFFFFFF), st.integers(0, 0xFFFFFFFF), MOMENTS), max_size=12))
def test_what_was_encoded_is_decoded(files):
    taken, written, data = set(), [], b""
    for name, cluster, size, moment in files:
        entry = new_entry(name, taken, first_cluster=cluster, size=size, created=moment, modified=EPOCH)
        taken.add(entry.short)
        first = len(data) // 32
        data += encode(entry)
        written.append(entry._replace(slot=len(data) // 32 - 1, first_slot=first))
    assert list(decode(data)) == written
    assert list(decode(data + bytes(32) + data)) == written                 # nothing behind the end mark counts
    assert len(taken) == len(files)


@given(st.binary(max_size=32 * 12), st.integers(0, 32 * 12))
def test_any_bytes_are_a_directory(data, position):
    good = encode(new_entry("A long name of several pieces", ()))
    for found in decode(good[:position] + data + good[position:]):
        assert found.name is not None and len(found.short) == 11 and 0 <= found.first_slot <= found.slot


def test_layout_byte_by_byte():
    long, short = slots(encode(new_entry("Kernel.elf", (), attributes=0x20, first_cluster=0x12345, size=0x9ABCDEF0,
                                         created=Moment(2026, 2, 3, 4, 5, 7, 89), accessed=Moment(2027, 1, 1),
                                         modified=Moment(2026, 11, 24, 13, 49, 58))))
    assert long.hex(" ") == ("41 4b 00 65 00 72 00 6e 00 65 00 0f 00 95 6c 00 2e 00 65 00 6c 00 66 00 00 00 "
                             "00 00 ff ff ff ff")
    assert short.hex(" ") == ("4b 45 52 4e 45 4c 20 20 45 4c 46 20 00 bd a3 20 43 5c 21 5e 01 00 3d 6e 78 5d 45 23 "
                              "f0 de bc 9a")


@pytest.mark.parametrize("length, pieces", [(12, 1), (13, 1), (14, 2), (26, 2), (255, 20)])
def test_a_name_that_fills_its_pieces_has_no_end_mark(length, pieces):
    name = "Ab" + "c" * (length - 2)
    data = encode(new_entry(name, ()))
    assert len(data) == 32 * (pieces + 1)
    assert next(decode(data)).name == name


@pytest.mark.parametrize("change", ["checksum", "order", "missing first", "missing last", "deleted", "repeated"])
def test_pieces_that_do_not_belong_leave_the_short_name(change):
    *pieces, short = slots(encode(new_entry("A name that takes three pieces of long name", ())))
    assert len(pieces) == 4
    pieces = {"checksum": pieces[:1] + [pieces[1][:13] + b"\x5A" + pieces[1][14:]] + pieces[2:],
              "order": [pieces[0], pieces[2], pieces[1], pieces[3]], "missing first": pieces[1:],
              "missing last": pieces[:-1], "deleted": pieces[:1] + [b"\xE5" + pieces[1][1:]] + pieces[2:],
              "repeated": pieces + pieces[-1:]}[change]
    [entry] = decode(b"".join(pieces) + short)
    assert (entry.name, entry.slot, entry.first_slot) == ("ANAMET~1", len(pieces), len(pieces))


def test_a_label_is_eleven_characters():
    [label] = decode(encode(Entry("EFI SYSTEM", b"EFI SYSTEM ", attributes=LABEL)))
    assert label.is_label and label.name == "EFI SYSTEM" and not label.is_directory


def test_dots():
    own, parent = decode(entries.dot_entries(7, 0))
    assert (own.name, own.first_cluster, parent.name, parent.first_cluster) == (".", 7, "..", 0)
    assert own.is_dot and parent.is_dot and own.is_directory and own.attributes == DIRECTORY


def test_the_high_half_of_a_cluster_counts_on_fat32_only():
    data = encode(new_entry("a", (), first_cluster=0x50002))
    assert [next(decode(data, wide)).first_cluster for wide in (True, False)] == [0x50002, 2]


@given(MOMENTS)
def test_moments_keep_what_there_are_bits_for(moment):
    [entry] = decode(encode(new_entry("a", (), created=moment, accessed=moment, modified=moment)))
    assert entry.created == moment
    assert entry.accessed == Moment(*moment[:3])
    assert entry.modified == moment._replace(second=moment.second & ~1, centisecond=0)


@pytest.mark.parametrize("moment", [Moment(1979, 12, 31), Moment(2108, 1, 1), Moment(2000, 0, 1), Moment(2000, 13, 1),
                                    Moment(2000, 1, 0), Moment(2000, 1, 32), Moment(2000, 1, 1, 24),
                                    Moment(2000, 1, 1, 0, 60), Moment(2000, 1, 1, 0, 0, 60)])
def test_moments_there_are_no_bits_for(moment):
    with pytest.raises(ValueError, match="1980"):
        entries.encode_moment(moment)


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.integers(0, 255))
def test_any_bits_are_a_moment_or_none(date, time, hundredths):
    moment = entries.decode_moment(date, time, hundredths)
    if moment:
        assert entries.encode_moment(moment) == (date, time)


def test_patch_changes_what_it_is_told_and_nothing_else():
    before = bytes(range(1, 33))
    after = patch(before, size=0x01020304, first_cluster=0xAABBCCDD)
    changed = {position for position in range(32) if before[position] != after[position]}
    assert changed == {20, 21, 26, 27, 28, 29, 30, 31} and patch(before) == before
