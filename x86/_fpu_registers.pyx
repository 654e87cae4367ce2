"""The registers of x87, MMX, SSE and AVX as Python sees them: by name, and all at once."""
from libc.string cimport memcpy
from x86._state cimport *
from x86._units cimport update_units

# name: (kind, number). A vector register is a number of its whole width, st0 to st7 one of 80 bits as FSTP m80 stores it
REGISTERS = {f"{kind}{number}": (kind, number) for kind, count in (("st", 8), ("mm", 8), ("xmm", 16), ("ymm", 16))
             for number in range(count)}
BYTES = {"st": 10, "mm": 8, "xmm": 16, "ymm": 32}
WORDS = ("fcw", "fsw", "ftw", "fop", "fip", "fdp", "mxcsr", "xcr0")

cdef u8* place(Cpu* cpu, str kind, int number):
    if kind == "st": return <u8*>&cpu.fpu.fpr[((cpu.fpu.fsw >> 11) + number) & 7]
    return <u8*>&cpu.fpu.fpr[number] if kind == "mm" else <u8*>&cpu.fpu.ymm[number]

cdef bint is_fpu_register(str name):
    return name in REGISTERS or name in WORDS

cdef object read_fpu_register(Cpu* cpu, str name):
    cdef Fpu* f = &cpu.fpu
    if name in REGISTERS:
        kind, number = REGISTERS[name]
        return int.from_bytes((<char*>place(cpu, kind, number))[:BYTES[kind]], "little")
    if name == "fcw": return f.fcw
    if name == "fsw": return f.fsw
    if name == "ftw": return f.ftw
    if name == "fop": return f.fop
    if name == "fip": return f.fip
    if name == "fdp": return f.fdp
    if name == "mxcsr": return f.mxcsr
    return f.xcr0

cdef write_fpu_register(Cpu* cpu, str name, object value):
    cdef Fpu* f = &cpu.fpu
    cdef bytes image
    if name in REGISTERS:
        kind, number = REGISTERS[name]
        image = value.to_bytes(BYTES[kind], "little")
        memcpy(place(cpu, kind, number), <char*>image, len(image))
    elif name == "fcw": f.fcw = value
    elif name == "fsw": f.fsw = value
    elif name == "ftw": f.ftw = value
    elif name == "fop": f.fop = value
    elif name == "fip": f.fip = value
    elif name == "fdp": f.fdp = value
    elif name == "mxcsr": f.mxcsr = value
    else:
        f.xcr0 = value
        update_units(cpu)

# ---- the FXSAVE area: see execute/fpustate.pxi for its layout ------------------------------------------------------------

cdef bytes fxsave_area(Cpu* cpu):
    cdef Fpu* f = &cpu.fpu
    cdef bytes area = bytes(512)
    cdef char* at = area
    cdef int i
    memcpy(at, &f.fcw, 2)
    memcpy(at + 2, &f.fsw, 2)
    memcpy(at + 4, &f.ftw, 1)
    memcpy(at + 6, &f.fop, 2)
    memcpy(at + 8, &f.fip, 8)
    memcpy(at + 16, &f.fdp, 8)
    memcpy(at + 24, &f.mxcsr, 4)
    for i in range(8): memcpy(at + 32 + 16 * i, place(cpu, "st", i), 10)
    for i in range(16): memcpy(at + 160 + 16 * i, &f.ymm[i], 16)
    return area

cdef load_fxsave_area(Cpu* cpu, bytes area):
    cdef Fpu* f = &cpu.fpu
    cdef const char* at = area
    cdef int i
    if len(area) != 512: raise ValueError(f"{len(area)} bytes are no FXSAVE area")
    memcpy(&f.fcw, at, 2)
    memcpy(&f.fsw, at + 2, 2)
    memcpy(&f.ftw, at + 4, 1)
    memcpy(&f.fop, at + 6, 2)
    memcpy(&f.fip, at + 8, 8)
    memcpy(&f.fdp, at + 16, 8)
    memcpy(&f.mxcsr, at + 24, 4)
    for i in range(8): memcpy(place(cpu, "st", i), at + 32 + 16 * i, 10)
    for i in range(16): memcpy(&f.ymm[i], at + 160 + 16 * i, 16)
