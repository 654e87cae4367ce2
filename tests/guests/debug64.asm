; Debug registers in long mode: addresses of 64 bits, eight bytes, code of both widths.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_long_mode
%include "long.inc"

SPOT        equ SCRATCH + 0x100
EXECUTE     equ 0
WRITES      equ 1
ACCESS      equ 3
LEN1        equ 0
LEN2        equ 4
LEN8        equ 8
LEN4        equ 12

prepare:
    xor eax, eax
    mov dr0, rax
    mov dr1, rax
    mov dr2, rax
    mov dr3, rax
    ret

%macro break_at 3                               ; number, address, R/W and LEN
    mov rax, qword %2
    mov dr%1, rax
    mov rax, dr7
    or eax, 2 << (2 * %1) | (%3) << (16 + 4 * %1)
    mov dr7, rax
    xor eax, eax
%endmacro

%macro data_case 4+                             ; name, address of the break point, its kind, instruction
    case %1
        break_at 0, %2, %3
        mov ebx, SPOT
        probe
        %4
        nop
    over
%endmacro

main_cases:
    ; ---- data
    data_case "8 bytes: the first", SPOT, WRITES | LEN8, mov [rbx], al
    data_case "8 bytes: the last", SPOT, WRITES | LEN8, mov [rbx + 7], al
    data_case "8 bytes: behind", SPOT, WRITES | LEN8, mov [rbx + 8], al
    data_case "8 bytes: before", SPOT, WRITES | LEN8, mov [rbx - 1], al
    data_case "8 bytes begin at a multiple of 8", SPOT + 7, WRITES | LEN8, mov [rbx], al
    data_case "8 bytes: a quad word across the start", SPOT, WRITES | LEN8, mov [rbx - 7], rax
    data_case "8 bytes: read", SPOT, ACCESS | LEN8, mov rcx, [rbx + 4]
    data_case "cmpxchg16b, the upper half", SPOT + 8, WRITES | LEN8, cmpxchg16b [rbx]
    data_case "an add that reads and writes", SPOT, WRITES | LEN4, add [rbx], rax
    data_case "a byte read next to it", SPOT, ACCESS | LEN1, mov al, [rbx + 1]
    data_case "lea", SPOT, ACCESS | LEN8, lea rax, [rbx]
    data_case "clflush", SPOT, ACCESS | LEN8, clflush [rbx]
    data_case "an address with upper bits", 0x1_00000000 + SPOT, WRITES | LEN8, mov [rbx], al
    case "push"
        break_at 0, SPOT, WRITES | LEN8
        mov rsp, SPOT + 8
        probe
        push rax
        nop
    over
    case "pop"
        break_at 0, SPOT, ACCESS | LEN8
        mov rsp, SPOT
        probe
        pop rcx
        nop
    over
    case "call"
        break_at 0, SPOT, WRITES | LEN8
        mov rsp, SPOT + 8
        probe
        call %$there
        nop
%$there:
        nop
    over
    case "rep movsq breaks behind the round"
        break_at 0, SPOT + 16, WRITES | LEN8
        mov edi, SPOT
        mov esi, SCRATCH
        mov ecx, 5
        probe
        rep movsq
        nop
    over
    case "at CPL 3"
        break_at 0, SPOT, WRITES | LEN8
        user
        probe
        mov [SPOT], rax
        nop
    over
    case "what the processor writes on a stack by itself"
        interrupt_gate 0x21, CODE0, %$there, 0xEE, 2
        break_at 0, (IST2 & ~15) - 8, WRITES | LEN8
        probe
        int 0x21
        nop
%$there:
        nop
        nop
    over

    ; ---- execution
    case "an instruction"
        break_at 0, %$here, EXECUTE
        probe
        nop
%$here:
        inc eax
    over
    case "an instruction behind 4 GB is another"
        break_at 0, 0x1_00000000 + %$here, EXECUTE
        probe
        nop
%$here:
        inc eax
    over
    case "an instruction at CPL 3"
        break_at 0, %$here, EXECUTE
        user
        probe
        nop
%$here:
        nop
    over
    case "an instruction in compatibility mode"
        break_at 0, %$here, EXECUTE
        compat
        probe
        nop
%$here:
        nop
    over32
    case "RF of iretq"
        break_at 0, %$here, EXECUTE
        push DATA0
        push MONITOR_STACK
        push 0x10002
        push CODE0
        push %$here
        probe
        iretq
%$here:
        inc eax
    over
    case "RF of sysret"
        break_at 0, %$here, EXECUTE
        mov ecx, %$here
        mov r11d, 0x10002
        mov qword [C_BASELINE], user_segments
        probe
        o64 sysret
%$here:
        xor ecx, ecx
    over
    case "where syscall leads"
        break_at 0, %$here, EXECUTE
        set_msr_address LSTAR, %$here
        user
        mov qword [C_BASELINE], base_segments
        probe
        syscall
%$here:
        nop
    over
    case "a break point and a page fault"
        break_at 0, %$here, EXECUTE
        probe
        nop
%$here:
        mov al, [PAGE + 0x5000]
    over
    case "a data break point with #PF behind"
        break_at 0, SPOT, WRITES | LEN8
        probe
        mov [SPOT], rax
        mov al, [PAGE + 0x5000]
    over
    case "GD"
        mov eax, 0x2400
        mov dr7, rax
        xor eax, eax
        probe
        mov rax, dr6
    over

    call finish
image_end:
