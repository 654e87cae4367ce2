# The decoder: bytes -> Instruction. It knows encodings, and nothing of handlers.
from x86._state cimport *

cdef enum:                      # Instruction.status
    DECODED = 0, NEED_MORE = 1, UNDEFINED = 6, TOO_LONG = 13, LOCK_UNDEFINED = 22

cdef enum:                      # Instruction.prefixes
    PREFIX_LOCK = 1, PREFIX_REP = 2, PREFIX_REPNE = 4, PREFIX_OPERAND = 8, PREFIX_ADDRESS = 16, PREFIX_SEGMENT = 32

cdef enum:                      # FormInfo.operand[]: where an operand comes from
    OPERAND_NONE, OPERAND_RM, OPERAND_MEMORY, OPERAND_REG, OPERAND_RM_REGISTER, OPERAND_OPCODE, OPERAND_IMMEDIATE,
    OPERAND_ONE, OPERAND_RELATIVE, OPERAND_MOFFS, OPERAND_FAR, OPERAND_FIXED, OPERAND_CL, OPERAND_CONTROL, OPERAND_VVVV,
    OPERAND_IS4

cdef enum:                      # size classes
    SIZE_NONE = 0, SIZE_V = 1, SIZE_Y = 2, SIZE_Z = 3, SIZE_X = 4       # else 8, 16, 32, 64, 80, 128, 256 themselves

cdef enum:                      # FormInfo.flags
    FORM_LOCK = 1, FORM_REP = 2, FORM_STACK64 = 4, FORM_NEAR64 = 8, FORM_ENDS = 16, FORM_MODRM = 32, FORM_BRANCH = 64,
    FORM_SLOW = 128, FORM_VECTOR = 256, FORM_VSIB = 512

cdef struct FormInfo:           # a row of the table, as the decoder and the lowering need it
    u8 operand[4]               # OPERAND_*
    u8 width[4]                 # size class of each operand's register
    u8 fixed[4]                 # register number of OPERAND_FIXED
    u8 immediate[2]             # IMMEDIATE_*
    u16 size                    # size class of the instruction
    u16 flags
    u8 eight[4]                 # the register's number has three bits: MMX, x87
    u8 zero_extends             # the immediate is unsigned
    # what must hold for it to match
    u64 needs                   # bits of Model.instructions
    u8 prefix                   # 0 any, 1 none of 66 F3 F2, 2 none of F3 F2, 0x66, 0xF3, 0xF2
    u8 mod                      # 0 any, 1 memory, 3 register
    u8 mode                     # 0 any, 64, 1 legacy
    u8 rex_w                    # 0 any, 1 must be 0, 2 must be 1
    u8 no_rex_b                 # NOP is 90 without REX.B
    u8 vex_l                    # 0 any, 1 must be 0, 2 must be 1
    u8 no_vvvv                  # VEX.vvvv must be 1111b
    i16 digit                   # -1 none
    i16 modrm_byte              # -1 none

cdef enum:                      # FormInfo.immediate[]
    IMMEDIATE_NONE, IMMEDIATE_B, IMMEDIATE_W, IMMEDIATE_Z, IMMEDIATE_V, IMMEDIATE_CB, IMMEDIATE_CZ, IMMEDIATE_PTR,
    IMMEDIATE_MOFFS, IMMEDIATE_IS4

cdef struct Instruction:
    i32 form                    # index in the table of forms, -1 = none
    u8 status
    u8 length
    u8 bits                     # code size it was decoded for
    u16 operand_size            # of the instruction's size class: 0, 8, 16, 32, 64, 80, 128, 256
    u8 effective_size           # 16, 32 or 64 by prefixes alone
    u8 address_size
    u8 prefixes
    u8 rex                      # 0 or 40..4F; of a VEX prefix what a REX prefix would say
    u8 vvvv                     # of a VEX prefix: a register's number
    u8 vex_l
    u8 segment                  # of the memory operand, after overrides
    u8 segment_prefix           # 0, or 1 + the segment named
    u8 opcode
    u8 map                      # 0 one byte, 1 0F, 2 0F 38, 3 0F 3A; VEX_MAP | 1 .. 3 under VEX
    u8 modrm, mod, reg, rm      # reg and rm with their REX bits
    u8 base, index, scale       # NONE where absent; base == RIP_BASE: relative to the next instruction
    i64 displacement
    i64 immediate, immediate2

cdef enum: RIP_BASE = 17, MAPS = 8, VEX_MAP = 4
cdef enum: EVERYTHING = -1      # as `instructions`: the rows of all models

cdef FormInfo* form_info(int form) noexcept nogil
# `instructions` are those of a model: rows that it has not do not exist
cdef void decode_instruction(const u8* bytes, u32 available, u32 bits, u64 instructions, Instruction* out) noexcept nogil
# The register number an operand names, as Op.dst and Op.src want it (byte offsets for 8-bit registers)
cdef u8 register_of(const Instruction* instruction, const FormInfo* info, int position) noexcept nogil
