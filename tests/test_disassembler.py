"""The disassembler against a list, and against NASM: printed, assembled again, printed the same. (Against iced-x86:
test_disassembler_iced.py.)"""
import random
import re
import shutil
import subprocess

import encodings_of_forms as encodings
import pytest
from iced_spelling import differ

from x86 import _decode
from x86.disassembler import disassemble, listing
from x86.isa import table

ORIGIN = 0x1000


@pytest.mark.parametrize("bits, code, text", [
    (64, "48 01 c8", "add rax, rcx"),
    (64, "c7 44 8b 10 05 00 00 00", "mov dword [rbx+rcx*4+0x10], 5"),
    (64, "48 83 c0 ff", "add rax, 0xffffffffffffffff"),
    (64, "83 c0 ff", "add eax, 0xffffffff"),
    (64, "f0 01 45 f8", "lock add [rbp-8], eax"),
    (64, "64 48 8b 04 25 28 00 00 00", "mov rax, [fs:0x28]"),
    (64, "48 8b 05 f9 0f 00 00", "mov rax, [rel 0x2000]"),
    (64, "65 48 8b 05 f8 0f 00 00", "mov rax, [rel gs:0x2000]"),
    (64, "67 8b 05 f8 ff ff ff", "a32 mov eax, [rel 0xfff]"),
    (64, "8b 04 25 00 00 00 80", "mov eax, [0xffffffff80000000]"),
    (64, "48 a1 88 77 66 55 44 33 22 11", "mov rax, [qword 0x1122334455667788]"),
    (64, "67 a1 78 56 34 12", "a32 mov eax, [0x12345678]"),
    (64, "67 8b 04 25 00 00 00 80", "a32 mov eax, [0x80000000]"),
    (64, "43 8b 04 a4", "mov eax, [r12+r12*4]"),
    (64, "8b 04 65 10 00 00 00", "mov eax, [0x10]"),
    (64, "8b 04 0d 10 00 00 00", "mov eax, [rcx*1+0x10]"),
    (64, "40 88 f0", "mov al, sil"),
    (64, "88 f0", "mov al, dh"),
    (64, "44 88 f0", "mov al, r14b"),
    (64, "0f b6 c0", "movzx eax, al"),
    (64, "66 0f b7 00", "movzx ax, word [rax]"),
    (64, "48 63 c8", "movsxd rcx, eax"),
    (64, "d3 27", "shl dword [rdi], cl"),
    (64, "48 d1 e0", "shl rax, 1"),
    (64, "48 8d 44 24 f0", "lea rax, [rsp-0x10]"),
    (64, "f3 48 a5", "rep movsq"),
    (64, "64 67 f3 a4", "fs a32 rep movsb"),
    (64, "f2 ae", "repne scasb"),
    (64, "f3 a6", "repe cmpsb"),
    (64, "eb fe", "jmp 0x1000"),
    (64, "0f 84 fa ff ff ff", "je 0x1000"),
    (64, "e8 fb ff ff ff", "call 0x1000"),
    (64, "ff d0", "call rax"),
    (64, "ff 25 00 00 00 00", "jmp qword [rel 0x1006]"),
    (64, "e3 00", "jrcxz 0x1002"),
    (64, "67 e3 00", "jecxz 0x1003"),
    (64, "6a ff", "push 0xffffffffffffffff"),
    (64, "66 6a 01", "push word 1"),
    (64, "55", "push rbp"),
    (64, "41 57", "push r15"),
    (64, "66 9c", "pushfw"),
    (64, "9c", "pushfq"),
    (64, "c8 10 00 01", "enter 0x10, 1"),
    (64, "c3", "ret"),
    (64, "c2 08 00", "ret 8"),
    (64, "90", "nop"),
    (64, "f3 90", "pause"),
    (64, "48 98", "cdqe"),
    (64, "0f 94 c0", "sete al"),
    (64, "48 0f c9", "bswap rcx"),
    (32, "8b 44 24 04", "mov eax, [esp+4]"),
    (32, "3e 8b 45 00", "mov eax, [ds:ebp]"),
    (32, "3e 8b 00", "mov eax, [eax]"),
    (32, "66 c3", "o16 ret"),
    (32, "66 e8 fc ef", "call word 0"),
    (32, "67 8b 06 34 12", "mov eax, [word 0x1234]"),
    (32, "a1 34 12 00 00", "mov eax, [0x1234]"),
    (32, "60", "pushad"),
    (32, "66 61", "popaw"),
    (32, "40", "inc eax"),
    (16, "8b 42 fe", "mov ax, [bp+si-2]"),
    (16, "8b 46 00", "mov ax, [bp]"),
    (16, "a1 34 12", "mov ax, [0x1234]"),
    (16, "67 66 8b 04 24", "mov eax, [esp]"),
    (16, "66 68 78 56 34 12", "push dword 0x12345678"),
    (16, "e9 00 f0", "jmp 3"),
    (16, "66 e9 fa 0f 00 00", "jmp dword 0x2000"),
    (16, "66 0f 84 f9 0f 00 00", "je near dword 0x2000"),
    (32, "66 74 0d", "o16 je 0x1010"),
    (16, "66 e2 0d", "o32 loop 0x1010"),
    (64, "66 74 0d", "je 0x1010"),
    (16, "26 a5", "es movsw"),
    (16, "3e a5", "movsw"),
    (16, "d4 0a", "aam 0xa"),
    (64, "06", "db 0x06"),
    (64, "f0", "db 0xf0"),
    (64, "48 01", "db 0x48"),
    (64, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", "db 0x66"),
])
def test_style(bits, code, text):
    code = bytes.fromhex(code)
    assert disassemble(code, ORIGIN, bits) == (text, 1 if text.startswith("db ") else len(code))


def test_listing_covers_every_byte():
    code = bytes.fromhex("55 48 89 e5 06 c3")
    assert list(listing(code, 0x7C00)) == [(0x7C00, b"\x55", "push rbp"), (0x7C01, b"\x48\x89\xE5", "mov rbp, rsp"),
                                           (0x7C04, b"\x06", "db 0x06"), (0x7C05, b"\xC3", "ret")]


def test_bad_arguments():
    with pytest.raises(ValueError, match="no bytes"):
        disassemble(b"")
    with pytest.raises(ValueError, match="code size 8"):
        disassemble(b"\x90", 0, 8)


# ---- NASM ------------------------------------------------------------------------------------------------------------

SLOT = 16
CHUNK = 2000                                            # so that all addresses have 16 bits


def narrow(line):
    """`mov rax, 5` as NASM writes it: `mov eax, 5`."""
    line = re.sub(r"^(mov|sldt|str|smsw|v?pextr[bw]) r(\d+)\b", r"\1 r\2d", line)
    return re.sub(r"^(mov|sldt|str|smsw|v?pextr[bw]) r(?=\D)", r"\1 e", line)


def assemble(lines, bits, directory):
    """Assemble each line at ORIGIN + 16 * its number. Returns ([15 bytes or None], {number: NASM's complaint})."""
    # NASM takes [rel 5] to be absolute: the address has to be spelled as one of the section
    lines = [re.sub(r"rel (\w+:)?(\w+)\]", rf"rel \1$$ + (\2 - {ORIGIN})]", line) for line in lines]
    source, output = directory / "again.asm", directory / "again.bin"
    failed = {}
    for _ in range(6):                                  # NASM reports bad lines, more with every pass; then without
        body = [f"bits {bits}", f"org {ORIGIN}"]
        body += [f"times {SLOT * number} - ($ - $$) int3\n" + ("" if number in failed else line)
                 for number, line in enumerate(lines)]
        source.write_text("\n".join([*body, f"times {SLOT * len(lines)} - ($ - $$) int3"]))
        run = subprocess.run(["nasm", "-w-all", "-f", "bin", "-o", output, source], capture_output=True, text=True)
        if run.returncode == 0:
            break
        for number, message in re.findall(r":(\d+): error: (.*)", run.stderr):
            failed[(int(number) - 4) // 2] = message
    assert run.returncode == 0, run.stderr
    image = output.read_bytes()
    images = [image[SLOT * number:SLOT * number + 15] for number in range(len(lines))]
    return [None if number in failed else image for number, image in enumerate(images)], failed


# Text that NASM understands otherwise: an index without a base is its to rearrange, XCHG with itself is NOP
REARRANGED = re.compile(r"\*1\b|[:\[]\w+\*2[]+-]|xchg (\w+), \1$")
# Instructions that NASM has no words for: hint NOPs with a register, operand sizes that make no sense, half an MMX operand,
# MOVD under REX.W, which is MOVQ to it
WORD = r"(r\d+w|[abcds][xpi])"
UNSPOKEN = re.compile(rf"(a\d\d )?(db |nop .*, |ud0|prefetch |fnsetpm|fstpnce|bswap {WORD}$|movsxd ({WORD}|r\d+d|e)"
                      rf"|mov[sz]x {WORD}, (?!byte|\w[lh]$|\w*[lb]$)|punpckl\w\w mm\d, dword"
                      r"|movq mm\d, qword|movq qword .* mm\d|pextrw r\w+, mm|vextractps r)")


@pytest.mark.parametrize("bits", encodings.MODES)
def test_printed_and_assembled_again(bits, tmp_path):
    """The text of every form, assembled by NASM, disassembles to the same text."""
    if not shutil.which("nasm"):
        pytest.skip("nasm is not installed")
    choose = random.Random(bits)
    lines = []
    for form in table.forms():
        for _ in range(10 if encodings.exists_in(form, bits) else 0):
            code = encodings.encode(form, bits, choose)
            rip = ORIGIN + SLOT * (len(lines) % CHUNK)
            found = _decode.decode(code, rip, bits)
            if found.form is None or found.status != 0 or found.prefixes & 8 and form.handler in ("jmp", "jcc") \
                    and "rel8" in form.operands:
                continue                                # `o16 jmp` is a near jump of the other size to NASM
            text, _ = disassemble(code, rip, bits)
            if not REARRANGED.search(text) and not UNSPOKEN.match(text):
                lines.append((text, found.operand_size))
    wrong = []
    for start in range(0, len(lines), CHUNK):
        wrong += changed(lines[start:start + CHUNK], bits, tmp_path)
    assert not wrong, f"{len(wrong)} of {len(lines)}\n" + "\n".join(wrong[:40])


def changed(lines, bits, directory):
    """What NASM refuses, and what reads otherwise after it. `lines` are (text, operand size)."""
    images, failed = assemble([text for text, _ in lines], bits, directory)
    wrong = [f"{lines[number][0]!r}: NASM: {message}" for number, message in failed.items()]
    for number, ((line, size), image) in enumerate(zip(lines, images)):
        if image is None:
            continue
        again, _ = disassemble(image, ORIGIN + SLOT * number, bits)
        if again != narrow(line) and not (line.startswith("xchg") and not differ(again, line, bits)) \
                and (again, _decode.decode(image, 0, bits).operand_size) != (line, size):
            wrong.append(f"{line!r} became {image.hex(' ')}: {again!r}")
    return wrong
