/* The kernel's entry. In: RDI = BootInfo, paging on and one to one, interrupts as the firmware had them. */
        .globl  start
        .text
start:
        cli                             # the IDT is still the firmware's, and its handlers may be overwritten any time
        cld
        leaq    stack_top(%rip), %rsp   # the firmware's stack is in memory that the map calls free
        xorl    %ebp, %ebp              # where a backtrace ends
        call    kernel_main             # RSP is a multiple of 16 here, as the ABI has it
stop:   cli
        hlt
        jmp     stop

        .bss
        .balign 16
        .skip   16384
stack_top:

        .section .note.GNU-stack, "", @progbits
