# Task switches of protected mode: 16- and 32-bit TSS (SDM volume 3, "Task Management"). Long mode has none.
from x86._state cimport *
from x86._segments cimport Descriptor

cdef enum: TASK_JUMP, TASK_CALL, TASK_INTERRUPT, TASK_RETURN

# Follow a task gate to its TSS descriptor, checked: it is in the GDT, available and present
cdef void follow_task_gate(Cpu* cpu, Op* op, const Descriptor* gate, Descriptor* tss) noexcept nogil
cdef void check_available(Cpu* cpu, Op* op, const Descriptor* tss) noexcept nogil

# Switch to the task of `tss`. `rip` is where the old task goes on. Retires `op`, and sets Cpu.rip. Faults in the old
# task change nothing; those in the new one (segment registers it cannot have) are raised at its first instruction.
cdef void switch_task(Cpu* cpu, Op* op, const Descriptor* tss, int how, u64 rip, bint has_error,
                      u32 error) noexcept nogil
# IRET with NT set: back to the task that the back link names
cdef void return_from_task(Cpu* cpu, Op* op) noexcept nogil
