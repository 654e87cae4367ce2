; Long mode: IRETQ, far jumps, calls and returns, call gates.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_long_mode
%include "long.inc"

prepare:
    ret

OTHER       equ FREE + 32

main_cases:
    ; ---- IRETQ
    %macro iret_case 6                          ; name, CS, SS, flags, access byte and flags of FREE
    case %1
        descriptor FREE, 0, 0xFFFFF, %5, %6
        mov qword [C_SP], STACK3
        push %3
        push STACK3
        push %4
        push %2
        push %$there
        probe
        iretq
%$there:
    over
    %endmacro
    iret_case "iretq to ring 0", CODE0, DATA0, 0x3202, 0, 0
    iret_case "iretq to ring 0 with a null stack", CODE0, 0, 2, 0, 0
    iret_case "iretq to ring 0 with a null stack, RPL 3", CODE0, 3, 2, 0, 0
    iret_case "iretq to ring 3", CODE3, DATA3, 2, 0, 0
    iret_case "iretq to ring 3, all flags", CODE3, DATA3, 0x247ED7 & ~0x4100, 0, 0
    iret_case "iretq to ring 3 with VM", CODE3, DATA3, 0x20002, 0, 0
    iret_case "iretq to ring 3 with a null stack", CODE3, 3, 2, 0, 0
    iret_case "iretq to ring 3 with a stack of ring 0", CODE3, DATA0, 2, 0, 0
    iret_case "iretq to ring 3 with a stack not present", CODE3, FREE + 3, 2, 0x72, 0xC
    iret_case "iretq to ring 1 with a null stack", FREE + 1, 1, 2, 0xBA, 0xA
    iret_case "iretq to code with L and D", FREE + 3, DATA3, 2, 0xFA, 0xE
    iret_case "iretq to 32-bit code of ring 3", COMPAT3, DATA3, 2, 0, 0
    iret_case "iretq to 32-bit code with a null stack", COMPAT0, 0, 2, 0, 0
    iret_case "iretq to null", 0, DATA0, 2, 0, 0
    iret_case "iretq to data", DATA0, DATA0, 2, 0, 0
    iret_case "iretq to code not present", FREE, DATA0, 2, 0x1A, 0xA
    iret_case "iretq behind the GDT", GDT_LIMIT + 1, DATA0, 2, 0, 0
    case "iretq with NT"
        push DATA0
        push MONITOR_STACK
        push 2
        push CODE0
        push %$there
        push 0x4002
        popfq
        probe
        iretq
%$there:
    over
    %macro far_iret 3
    case %1
        mov rbx, %3
        push DATA3
        push STACK3
        push 2
        push %2
        push rbx
        probe
        iretq
    over
    %endmacro
    far_iret "iretq to ring 3, RIP not canonical", CODE3, NON_CANONICAL
    mov word [SCRATCH + 64], 0x0B0F                     ; UD2
    far_iret "iretq to 32-bit code, RIP above 4 GB", COMPAT3, 0x100000000 + SCRATCH + 64
    case "iretd in 64-bit code"
        sub rsp, 20
        mov dword [rsp], %$there
        mov dword [rsp + 4], CODE0
        mov dword [rsp + 8], 2
        mov dword [rsp + 12], MONITOR_STACK
        mov dword [rsp + 16], DATA0
        probe
        iretd
%$there:
    over
    case "iretq drops data segments"
        mov qword [C_SP], STACK3
        mov qword [C_BASELINE], user_segments
        mov ax, DATA3
        mov fs, ax
        push DATA3
        push STACK3
        push 2
        push CODE3
        push %$there
        probe
        iretq
%$there:
    over
    case "iretd in compatibility mode"
        compat
        push dword 2
        push dword COMPAT0
        push dword %$there
        probe
        iretd
%$there:
    over32

    ; ---- far transfers
    %macro transfer_case 5+                     ; name, CS, access byte and flags of FREE, instruction
    case %1
        descriptor FREE, 0, 0xFFFFF, %3, %4
        mov qword [SCRATCH], %$there
        mov word [SCRATCH + 4], %2
        probe
        %5
%$there:
        mov eax, 0x1234
    over
    %endmacro
    transfer_case "jmp far to 64-bit code", CODE0, 0, 0, jmp far dword [SCRATCH]
    transfer_case "jmp far to 32-bit code", COMPAT0, 0, 0, jmp far dword [SCRATCH]
    transfer_case "jmp far to code with L and D", FREE, 0x9A, 0xE, jmp far dword [SCRATCH]
    transfer_case "jmp far to code of ring 3", CODE3, 0, 0, jmp far dword [SCRATCH]
    transfer_case "jmp far to data", DATA0, 0, 0, jmp far dword [SCRATCH]
    transfer_case "jmp far to a TSS", TSS_SELECTOR, 0, 0, jmp far dword [SCRATCH]
    transfer_case "jmp far to an available TSS", FREE, 0x89, 0, jmp far dword [SCRATCH]
    transfer_case "jmp far to a task gate", FREE, 0x85, 0, jmp far dword [SCRATCH]
    transfer_case "jmp far to a call gate of 286", FREE, 0x84, 0, jmp far dword [SCRATCH]
    transfer_case "jmp far to an LDT", LDT_SELECTOR, 0, 0, jmp far dword [SCRATCH]
    transfer_case "call far to 64-bit code", CODE0, 0, 0, call far dword [SCRATCH]
    transfer_case "call far to 32-bit code", COMPAT0, 0, 0, call far dword [SCRATCH]
    transfer_case "call far to conforming code", FREE, 0x9E, 0xA, call far dword [SCRATCH]
    case "call far of 64 bits"
        mov qword [SCRATCH], %$there
        mov word [SCRATCH + 8], CODE0
        probe
        call far qword [SCRATCH]
%$there:
        mov rax, [rsp]
        sub rax, %$probe
        mov rbx, [rsp + 8]
    over
    case "jmp far of 64 bits, not canonical"
        mov rax, NON_CANONICAL
        mov [SCRATCH], rax
        mov word [SCRATCH + 8], CODE0
        xor eax, eax
        probe
        jmp far qword [SCRATCH]
    over
    case "jmp far of 64 bits to 32-bit code, above 4 GB"
        mov word [SCRATCH + 64], 0x0B0F                 ; UD2
        mov rax, 0x100000000 + SCRATCH + 64
        mov [SCRATCH], rax
        mov word [SCRATCH + 8], COMPAT0
        xor eax, eax
        probe
        jmp far qword [SCRATCH]
    over
    case "retf of 64 bits to ring 3"
        mov qword [C_SP], STACK3
        push DATA3
        push STACK3
        push CODE3
        push %$there
        probe
        o64 retf
%$there:
    over
    case "retf of 64 bits to ring 3 with a null stack"
        push 3
        push STACK3
        push CODE3
        push %$there
        probe
        o64 retf
%$there:
    over
    case "retf of 64 bits to 32-bit code with a null stack"
        push 3
        push STACK3
        push COMPAT3
        push %$there
        probe
        o64 retf
%$there:
    over
    case "retf of 64 bits, not canonical"
        mov rbx, NON_CANONICAL
        push CODE0
        push rbx
        probe
        o64 retf
    over
    case "retf of 32 bits in 64-bit code"
        sub rsp, 8
        mov dword [rsp], %$there
        mov dword [rsp + 4], CODE0
        probe
        retf
%$there:
    over
    %macro gate_case 7-8                        ; name, level, access byte and flags of the target, access byte of the gate, upper type, jmp or call
    case %1
        descriptor OTHER, 0, 0xFFFFF, %3, %4
        call_gate FREE, OTHER, %$there, %5
        mov byte [GDT + FREE + 13], %6
        mov word [SCRATCH + 4], FREE + %2
        %if %2
        user
        %endif
        probe
        %7 far dword [SCRATCH]
%$there:
        landing STACK0
    over
    %endmacro
    gate_case "call gate, 3 to 0", 3, 0x9A, 0xA, 0xEC, 0, call
    gate_case "call gate, 0 to 0", 0, 0x9A, 0xA, 0xEC, 0, call
    gate_case "call gate, 3 to conforming 0", 3, 0x9E, 0xA, 0xEC, 0, call
    gate_case "call gate, 3 to 3", 3, 0xFA, 0xA, 0xEC, 0, call
    gate_case "call gate to 32-bit code", 3, 0x9A, 0xC, 0xEC, 0, call
    gate_case "call gate to code with L and D", 3, 0x9A, 0xE, 0xEC, 0, call
    gate_case "call gate to data", 3, 0x92, 0xA, 0xEC, 0, call
    gate_case "call gate to code not present", 3, 0x1A, 0xA, 0xEC, 0, call
    gate_case "call gate with an upper type", 3, 0x9A, 0xA, 0xEC, 0x0C, call
    gate_case "call gate not present", 3, 0x9A, 0xA, 0x6C, 0, call
    gate_case "call gate of DPL 0", 3, 0x9A, 0xA, 0x8C, 0, call
    gate_case "jmp gate, 0 to 0", 0, 0x9A, 0xA, 0xEC, 0, jmp
    gate_case "jmp gate, 3 to 0", 3, 0x9A, 0xA, 0xEC, 0, jmp
    case "call gate across the end of the GDT"
        descriptor GDT_LIMIT & 0x1F8, 0, 0, 0x8C, 0
        mov word [SCRATCH + 4], GDT_LIMIT & 0x1F8
        probe
        call far dword [SCRATCH]
    over
    case "call gate that is not canonical"
        call_gate FREE, CODE0, 0
        mov dword [GDT + FREE + 8], 0x8000
        mov word [SCRATCH + 4], FREE
        probe
        call far dword [SCRATCH]
    over
    case "call gate out of compatibility mode, ring 3"
        call_gate FREE, CODE0, %$there
        compat3
        probe
        call FREE + 3:0
        bits 64
%$there:
        landing STACK0
    over

    call finish
image_end:
