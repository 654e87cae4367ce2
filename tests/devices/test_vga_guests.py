"""Boot sectors that set a mode by the registers and draw in it with all kinds of instructions: the picture here and QEMU's."""
from __future__ import annotations

import json
import socket
import subprocess
import time

import pytest
from machines import assemble
from test_vga_qemu import alike
from vga_oracle import EGA_PALETTE, MODES, QEMU, Ours

#: 3C2h, then the sequencer, the CRT controller, the graphics controller and the attribute controller
SECTOR = """
        xor ax, ax
        mov ss, ax
        mov sp, 7C00h
        mov ds, ax
        cld
        mov si, registers
        mov dx, 3C2h
        outsb
        mov dl, 0C4h
        mov cx, 5
        call indexed
        mov dx, 3D4h
        mov ax, 0E11h
        out dx, ax
        mov cx, 25
        call indexed
        mov dl, 0CEh
        mov dh, 3
        mov cx, 9
        call indexed
        mov dl, 0DAh
        in al, dx
        mov dl, 0C0h
        xor ah, ah
.attribute:
        mov al, ah
        out dx, al
        outsb
        inc ah
        cmp ah, 21
        jb .attribute
        mov al, 20h
        out dx, al
        mov dl, 0C8h
        mov al, 0
        out dx, al
        inc dx
        xor cx, cx
.dac:   mov al, cl                      ; 256 colours
        out dx, al
        shr al, 1
        out dx, al
        not al
        out dx, al
        inc cl
        jnz .dac
        push 0A000h
        pop es
        xor di, di
        xor eax, eax                    ; no trace of the firmware's text
        mov cx, 16000
        rep stosd
        xor di, di
{draw}
        mov al, '!'
        out 0E9h, al
.end:   hlt
        jmp .end
indexed:
        xor ah, ah
.next:  mov al, ah
        out dx, al
        inc dx
        outsb
        dec dx
        inc ah
        loop .next
        ret
registers:
        db {registers}
        times 510 - ($ - $$) db 0
        dw 0AA55h
"""
DRAW = {"12h": """
        mov al, 5Ah                     ; bytes to all planes
        mov cx, 8000
        rep stosb
        mov dl, 0C4h                    ; words to two
        mov ax, 0602h
        out dx, ax
        mov ax, 0C33Ch
        mov cx, 3001
        rep stosw
        mov ax, 0F02h
        out dx, ax
        mov dl, 0CEh                    ; copied by the latches, in write mode 1
        mov ax, 0105h
        out dx, ax
        push es
        pop ds
        mov si, 7990
        mov cx, 2000
        rep movsb
        mov ax, 0205h                   ; dots in write mode 2, one bit each, of the colours 0 to 15
        out dx, ax
        mov cx, 640
        mov bx, 7Fh
.dot:   mov ah, bl
        ror ah, 1
        mov bl, ah
        mov al, 8
        out dx, ax
        xchg [es:di + 3000], al
        mov [es:di], cl
        inc di
        loop .dot
        mov ax, 0FF08h
        out dx, ax
        mov ax, 0305h                   ; write mode 3: set/reset where the bits are, exclusive or
        out dx, ax
        mov ax, 0900h
        out dx, ax
        mov ax, 1A03h
        out dx, ax
        mov eax, 0AA55FF18h
        mov cx, 1000
.three: or byte [es:di], 0
        stosd
        loop .three
        mov ax, 0805h                   ; read mode 1: where is colour 9?
        out dx, ax
        mov ax, 0902h
        out dx, ax
        mov si, 8100
        mov cx, 400
.ask:   lodsw
        mov [es:si + 20000], ax
        loop .ask
""", "13h": """
        mov eax, 04030201h
        mov cx, 16000
.fill:  stosd
        add eax, 07050301h
        loop .fill
        mov word [es:319], 0E0F1h
        sub dword [es:64000 - 5], 5
""", "X, 320 by 240": """
        mov dl, 0C4h
        mov cx, 9600
        mov ax, 0102h
.dot:   out dx, ax                      ; a plane a dot
        mov [es:di], bl
        add di, 7
        rol ah, 1
        and ah, 0Fh
        jnz .same
        mov ah, 1
.same:  add bl, 13
        loop .dot
        mov ax, 0F02h
        out dx, ax
        mov eax, 0F0E0D0Ch
        mov di, 40 * 80
        mov cx, 100
        rep stosd
"""}


class Booted:
    """QEMU with a boot sector, up to its mark on the debug console."""

    def __init__(self, directory, sector):
        image = directory / "floppy.img"
        image.write_bytes(sector + bytes(1440 * 1024 - len(sector)))
        self.screen = directory / "screen.ppm"
        process = subprocess.Popen(
            [QEMU, "-machine", "pc", "-accel", "tcg", "-m", "16", "-display", "none", "-nodefaults", "-vga", "std", "-boot", "a",
             "-drive", f"file={image},format=raw,if=floppy", "-debugcon", f"file:{directory}/console",
             "-qmp", f"unix:{directory}/qmp,server,nowait"], stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 60
            while not (directory / "console").exists() or b"!" not in (directory / "console").read_bytes():
                assert process.poll() is None and time.monotonic() < end, "QEMU does not come to the end of the boot sector"
                time.sleep(0.05)
            with socket.socket(socket.AF_UNIX) as channel:
                channel.connect(f"{directory}/qmp")
                with channel.makefile("rw") as qmp:
                    qmp.readline()
                    for command in ({"execute": "qmp_capabilities"}, *[
                            {"execute": "screendump", "arguments": {"filename": str(self.screen)}}] * 2):
                        qmp.write(json.dumps(command))
                        qmp.flush()
                        while "return" not in json.loads(qmp.readline()):
                            pass
        finally:
            process.kill()
            process.wait()

    def picture(self):
        _, size, _, dots = self.screen.read_bytes().split(b"\n", 3)
        width, height = map(int, size.split())
        return width, height, [dots[start:start + 3 * width] for start in range(0, len(dots), 3 * width)]


@pytest.mark.skipif(QEMU is None, reason="needs qemu-system-x86_64")
@pytest.mark.parametrize("name", DRAW)
def test_a_boot_sector_draws(tmp_path, name):
    registers = MODES[name]
    values = b"".join((registers[0], registers[1], registers[2], registers[3], EGA_PALETTE, registers[4]))
    sector = assemble(SECTOR.format(draw=DRAW[name], registers=", ".join(map(str, values))), bits=16, origin=0x7C00)
    assert len(sector) == 512
    ours = Ours()
    machine = ours.machine
    machine.memory.write(0x7C00, sector)
    machine.cpu.cs, machine.cpu.rip = 0, 0x7C00
    ours.screen.video.clear(0x40000)
    stop = machine.run(max_instructions=2_000_000, until=lambda machine: b"!" in machine.devices["sysports"].debug_output,
                       every=100_000)
    assert stop.kind in ("until", "hang"), stop
    theirs = Booted(tmp_path, sector)
    alike((ours, theirs))
    assert len(set(ours.picture()[2])) > 10
