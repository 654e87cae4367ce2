"""PCMPESTRI PCMPESTRM PCMPISTRI PCMPISTRM: compare two strings of 16 bytes or 8 words (SDM volume 1, 12.10)."""
from x86.isa.vector import packed

for _name, _opcode, _lengths, _handler, _what in (
        ("pcmpestrm", "60", "EXPLICIT", "string_mask", "with their lengths in RAX and RDX; a mask to XMM0"),
        ("pcmpestri", "61", "EXPLICIT", "string_index", "with their lengths in RAX and RDX; a number to ECX"),
        ("pcmpistrm", "62", "IMPLICIT", "string_mask", "that end at a 0; a mask to XMM0"),
        ("pcmpistri", "63", "IMPLICIT", "string_index", "that end at a 0; a number to ECX")):
    packed(_name, _opcode, f"Compare strings {_what}.", _handler, (_lengths,), space="0F3A", sse="SSE4_2", avx256="", sources=1,
           immediate="imm8u", flags="writes OSZAPC", **({"size": "y"} if _lengths == "EXPLICIT" else {}))
