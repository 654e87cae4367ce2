"""A guest that carries out a list of video calls and accesses, and keeps what each of them answered.

The list is data on a disk behind a boot sector, so the same disk tells what this BIOS answers and what QEMU's does:

    boot sector    loads the list to 1000:0000 and carries it out; answers go to 2000:0000 and on
    at the end     QEMU: the answers as bytes to port E9h, then the debug exit at port F4h. Here: HLT, and they are in memory
"""
from __future__ import annotations

import struct
import subprocess
import tempfile
from pathlib import Path

import boot
from boot.bios.assembler import assemble
from x86 import Machine

ANSWERS = 0x20000
REGISTERS = ("ax", "bx", "cx", "dx", "si", "di", "bp", "es")

SOURCE = """
        at      7C00h
        cli
        cld
        xor     ax, ax
        mov     ds, ax
        mov     ss, ax
        mov     sp, 7C00h
        sti
        mov     word [600h], 10h        ; disk address packet: 32 KB from LBA 1 on to 1000:0000
        mov     word [602h], 40h
        mov     word [604h], 0
        mov     word [606h], 1000h
        mov     dword [608h], 1
        mov     dword [60Ch], 0
.load:  mov     ah, 42h
        mov     dl, 80h
        mov     si, 600h
        int     13h
        add     word [606h], 800h
        add     word [608h], 40h
        dec     word [chunks]
        jnz     .load
        xor     si, si                  ; DS:SI the list
        xor     di, di                  ; ES:DI the answers
        mov     ax, 1000h
        mov     ds, ax
        mov     ax, 2000h
        mov     es, ax
next:   cmp     si, 8000h               ; keep the offsets small
        jb      .answers
        sub     si, 8000h
        mov     ax, ds
        add     ax, 800h
        mov     ds, ax
.answers:
        cmp     di, 8000h
        jb      .take
        sub     di, 8000h
        mov     ax, es
        add     ax, 800h
        mov     es, ax
.take:  lodsb
        cmp     al, 1
        je      video
        cmp     al, 2
        je      dump
        cmp     al, 3
        je      poke
        cmp     al, 4
        je      indexed
        cmp     al, 5
        je      attribute
        cmp     al, 6
        je      in_byte
        cmp     al, 7
        je      out_byte
        cmp     al, 8
        je      in_word
        cmp     al, 9
        je      fill
        jmp     done

video:  push    ds                      ; INT 10h with eight registers; nine words: they, and FLAGS
        push    es
        push    di
        mov     cx, 8
.push:  lodsw
        push    ax
        loop    .push
        mov     [cs:610h], si
        pop     es
        pop     bp
        pop     di
        pop     si
        pop     dx
        pop     cx
        pop     bx
        pop     ax
        int     10h
        pushf
        push    es
        push    bp
        push    di
        push    si
        push    dx
        push    cx
        push    bx
        push    ax
        cld
        mov     bp, sp
        mov     di, [bp+18]
        mov     es, [bp+20]
        mov     ds, [bp+22]
        mov     si, [cs:610h]
        mov     cx, 9
.store: mov     ax, [bp]
        stosw
        add     bp, 2
        loop    .store
        add     sp, 24
        jmp     next

dump:   lodsw                           ; segment, offset, length; the bytes there
        mov     dx, ax
        lodsw
        mov     bx, ax
        lodsw
        mov     cx, ax
        push    ds
        push    si
        mov     ds, dx
        mov     si, bx
        rep movsb
        pop     si
        pop     ds
        jmp     next

poke:   push    es                      ; segment, offset, length, bytes
        push    di
        lodsw
        mov     es, ax
        lodsw
        mov     di, ax
        lodsw
        mov     cx, ax
        rep movsb
        pop     di
        pop     es
        jmp     next

fill:   push    es                      ; segment, offset, length, byte
        push    di
        lodsw
        mov     es, ax
        lodsw
        mov     di, ax
        lodsw
        mov     cx, ax
        lodsb
        rep stosb
        pop     di
        pop     es
        jmp     next

indexed:
        lodsw                           ; port, index; the register
        mov     dx, ax
        lodsb
        out     dx, al
        add     dx, 1
        in      al, dx
        stosb
        jmp     next

attribute:                              ; index; the attribute controller's register
        push    ds
        xor     ax, ax
        mov     ds, ax
        mov     dx, [463h]
        pop     ds
        add     dx, 6
        in      al, dx
        lodsb
        push    dx
        mov     dx, 3C0h
        out     dx, al
        mov     dx, 3C1h
        in      al, dx
        stosb
        pop     dx
        in      al, dx
        mov     dx, 3C0h
        mov     al, 20h
        out     dx, al
        jmp     next

in_byte:
        lodsw                           ; port; what is read
        mov     dx, ax
        in      al, dx
        stosb
        jmp     next

out_byte:
        lodsw                           ; port, value
        mov     dx, ax
        lodsb
        out     dx, al
        jmp     next

in_word:
        lodsw                           ; index; the register of the Bochs display interface
        mov     dx, 1CEh
        out     dx, ax
        mov     dx, 1CFh
        in      ax, dx
        stosw
        jmp     next

done:   cmp     byte [cs:tell], 0
        je      .halt
        mov     ax, es
        mov     bx, ax
        mov     ax, 2000h
.part:  mov     ds, ax                  ; whole pieces of 32 KB, then what is left
        mov     cx, 8000h
        cmp     ax, bx
        jb      .bytes
        mov     cx, di
.bytes: xor     si, si
        jcxz    .exit
.byte:  lodsb
        out     0E9h, al
        loop    .byte
        mov     ax, ds
        add     ax, 800h
        cmp     ax, bx
        jbe     .part
.exit:  mov     al, 0
        out     0F4h, al
.halt:  cli
        hlt
tell:   db      0
chunks: dw      0
"""


class Script:
    """The list, made call by call, and the names by which answers are told."""

    def __init__(self):
        self.data = bytearray()
        self.steps: list[tuple[str, int]] = []      # (name, bytes it answers)

    def _step(self, name, length, *data):
        self.data += b"".join(data)
        self.steps.append((name, length))

    def call(self, ax=0, bx=0, cx=0, dx=0, si=0, di=0, bp=0, es=0x9000, name=None):
        """INT 10h with these registers."""
        values = (ax, bx, cx, dx, si, di, bp, es)
        text = name or " ".join(f"{register.upper()}={value:04X}" for register, value in zip(REGISTERS, values)
                                if value or register in ("ax", "bx"))
        self._step(text, 18, struct.pack("<B8H", 1, *values))

    def dump(self, address, length, name=None):
        """Bytes from a physical address below 1 MB on, at most 32 KB."""
        self._step(name or f"[{address:05X}]+{length:X}", length, struct.pack("<B3H", 2, address >> 4, address & 15, length))

    def poke(self, address, data):
        self._step(f"[{address:05X}] = ...", 0, struct.pack("<B3H", 3, address >> 4, address & 15, len(data)), bytes(data))

    def fill(self, address, length, value):
        self._step(f"[{address:05X}]+{length:X} = {value:02X}", 0,
                   struct.pack("<B3HB", 9, address >> 4, address & 15, length, value))

    def indexed(self, port, index):
        self._step(f"{port:03X}.{index:02X}", 1, struct.pack("<BHB", 4, port, index))

    def attribute(self, index):
        self._step(f"3C0.{index:02X}", 1, struct.pack("<BB", 5, index))

    def port_in(self, port):
        self._step(f"in {port:03X}", 1, struct.pack("<BH", 6, port))

    def port_out(self, port, value):
        self._step(f"out {port:03X}, {value:02X}", 0, struct.pack("<BHB", 7, port, value))

    def dispi(self, index):
        self._step(f"dispi {index:X}", 2, struct.pack("<BH", 8, index))

    def disk(self, tell: bool) -> bytes:
        """The image; tell: the answers go to port E9h at the end."""
        program = assemble(SOURCE, 0x10000)
        code = bytearray(program.data[0x7C00:0x7DFE].rstrip(b"\xFF").ljust(510, b"\0")) + b"\x55\xAA"
        listed = bytes(self.data) + b"\0"
        chunks = -(-len(listed) // 0x8000)
        code[program.labels["tell"] - 0x7C00] = tell
        struct.pack_into("<H", code, program.labels["chunks"] - 0x7C00, chunks)
        return bytes(code) + listed.ljust(0x8000 * max(chunks, 32), b"\0")

    def answers(self, data: bytes) -> list[tuple[str, bytes]]:
        """(name, bytes) of each step that answers."""
        found, at = [], 0
        for name, length in self.steps:
            if length:
                found.append((name, data[at:at + length]))
                at += length
        return found

    def here(self, **options) -> list[tuple[str, bytes]]:
        """What this BIOS answers."""
        machine = Machine(memory="16M")
        boot.bios(machine, disk=self.disk(tell=False), **options)
        stop = machine.run(max_instructions=300_000_000)
        assert stop.kind == "hang", stop
        self.machine = machine
        return self.answers(machine.memory.read(ANSWERS, sum(length for _, length in self.steps)))

    def qemu(self, program="qemu-system-x86_64", *options) -> list[tuple[str, bytes]]:
        """What QEMU's does. FileNotFoundError without QEMU."""
        with tempfile.TemporaryDirectory() as place:
            disk, told = Path(place, "disk.img"), Path(place, "told")
            disk.write_bytes(self.disk(tell=True))
            subprocess.run([program, "-machine", "pc,accel=tcg", "-m", "16", "-display", "none", "-nodefaults", "-vga", "std",
                            "-drive", f"file={disk},format=raw,if=ide", "-debugcon", f"file:{told}",
                            "-device", "isa-debug-exit,iobase=0xf4,iosize=1", *options], timeout=60, check=False)
            return self.answers(told.read_bytes())


def show(name: str, data: bytes) -> str:
    """An answer as text: registers by name, or bytes."""
    if len(data) == 18:
        values = struct.unpack("<9H", data)
        return " ".join(f"{register}={value:04X}" for register, value in zip((*REGISTERS, "flags"), values))
    return data.hex(" ") if len(data) <= 64 else f"{data[:48].hex(' ')} ... ({len(data)} bytes)"
