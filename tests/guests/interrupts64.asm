; Long mode: interrupt and trap gates, their targets and their stacks.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_long_mode
%include "long.inc"

prepare:
    ret

main_cases:
    ; ---- interrupts
    check "int 20h", int 0x20
    check "int3", int3
    check "icebp", db 0xF1
    check "int FFh is behind the IDT", int 0xFF
    check3 "int 20h at CPL 3", int 0x20
    check3 "int 0 at CPL 3", int 0
    check3 "hlt at CPL 3", hlt
    check3 "cli at CPL 3", cli
    check3 "out at CPL 3", out 0x80, al
    check3 "rdmsr at CPL 3", rdmsr
    check3 "lidt at CPL 3", lidt [SCRATCH]
    check3 "mov from cr3 at CPL 3", mov rax, cr3
    check3 "invlpg at CPL 3", invlpg [SCRATCH]
    check3 "div by 0 at CPL 3", div rax
    %assign type 0
    %rep 16
    %assign t type
    %defstr NUMBER t
    case "a gate of type ", NUMBER
        mov byte [IDT + 16 * 0x21 + 5], 0xE0 | type
        probe
        int 0x21
    over
    %assign type type + 1
    %endrep
    %macro target_case 4-5 0                    ; name, access byte and flags of the target, CPL; RPL
    case %1
        descriptor FREE, 0, 0xFFFFF, %2, %3
        mov word [IDT + 16 * 0x21 + 2], FREE + %5
        %if %4
        user
        %endif
        probe
        int 0x21
    over
    %endmacro
    target_case "gate to 64-bit code", 0x9A, 0xA, 3
    target_case "gate to 64-bit code, RPL 3", 0x9A, 0xA, 3, 3
    target_case "gate to 32-bit code", 0x9A, 0xC, 3
    target_case "gate to code with L and D", 0x9A, 0xE, 3
    target_case "gate to data", 0x92, 0xA, 3
    target_case "gate to code not present", 0x1A, 0xA, 3
    target_case "gate to code of ring 3", 0xFA, 0xA, 3
    target_case "gate to code of ring 3 from ring 0", 0xFA, 0xA, 0
    target_case "gate to conforming code", 0x9E, 0xA, 3
    case "gate to null"
        mov word [IDT + 16 * 0x21 + 2], 0
        probe
        int 0x21
    over
    case "gate not present"
        mov byte [IDT + 16 * 0x21 + 5], 0x6E
        user
        probe
        int 0x21
    over
    case "gate of DPL 0"
        mov byte [IDT + 16 * 0x21 + 5], 0x8E
        user
        probe
        int 0x21
    over
    case "a handler that is not canonical"
        mov dword [IDT + 16 * 0x21 + 8], 0x8000
        probe
        int 0x21
    over
    case "a gate across the end of the IDT"
        mov word [SCRATCH], 0x21 * 16 + 14
        mov qword [SCRATCH + 2], IDT
        lidt [SCRATCH]
        probe
        int 0x21
    over

    ; ---- stacks
    %macro stack_case 4-5 nop                   ; name, how far RSP is from a multiple of 16, IST, where the stack is
    case %1
        interrupt_gate 0x21, CODE0, %$there, 0xEE, %3
        sub rsp, %2
        %5
        probe
        int 0x21
%$there:
        landing %4
    over
    %endmacro
    stack_case "the stack stays, at a multiple of 16", 0, 0, MONITOR_STACK
    stack_case "the stack stays, aligned down", 9, 0, MONITOR_STACK
    stack_case "IST 1", 0, 1, IST1
    stack_case "IST 2, aligned down", 0, 2, IST2
    stack_case "IST 7", 0, 7, 0, {mov qword [TSS + 36 + 8 * 6], STACK0}
    case "from ring 3"
        interrupt_gate 0x21, CODE0, %$there
        user
        probe
        int 0x21
%$there:
        landing STACK0
    over
    case "from ring 3 to ring 2"
        descriptor FREE, 0, 0xFFFFF, 0xDA, 0xA
        interrupt_gate 0x21, FREE, %$there
        mov qword [TSS + 20], STACK0
        user
        probe
        int 0x21
%$there:
        landing STACK0
    over
    case "from ring 3, RSP0 not canonical"
        mov rax, NON_CANONICAL
        mov [TSS + 4], rax
        interrupt_gate 0x21, CODE0, %$there
        user
        probe
        int 0x21
%$there:
    over
    case "IST not canonical"
        mov rax, NON_CANONICAL
        mov [TSS + 44], rax
        interrupt_gate 0x21, CODE0, %$there, 0xEE, 2
        xor eax, eax
        probe
        int 0x21
%$there:
    over
    case "RSP not canonical"
        interrupt_gate 0x21, CODE0, %$there
        mov rsp, NON_CANONICAL + 0x100
        probe
        int 0x21
%$there:
    over
    case "RSP0 in a page that is not there"
        mov qword [TSS + 4], PAGE + 0x4000
        interrupt_gate 0x21, CODE0, %$there
        user
        probe
        int 0x21
%$there:
    over
    case "a TSS that ends before IST 7"
        descriptor FREE, TSS, 83, 0x89, 0
        mov ax, FREE
        ltr ax
        interrupt_gate 0x21, CODE0, %$there, 0xEE, 7
        probe
        int 0x21
%$there:
    over
    case "out of compatibility mode"
        interrupt_gate 0x21, CODE0, %$there
        compat
        mov ebx, esp
        probe
        int 0x21
        bits 64
%$there:
        landing MONITOR_STACK
    over
    case "out of compatibility mode, ring 3"
        interrupt_gate 0x21, CODE0, %$there
        compat3
        probe
        int 0x21
        bits 64
%$there:
        landing STACK0
    over
    case "#GP, #NP: double"
        and byte [IDT + 16 * 13 + 5], 0x7F
        probe
        rdmsr
    over
    case "#UD, #NP: one after the other"
        and byte [IDT + 16 * 6 + 5], 0x7F
        probe
        ud1 eax, eax
    over
    case "#PF, #PF: double"
        mov qword [TSS + 44], PAGE + 0x4000
        mov byte [IDT + 16 * 14 + 4], 2
        probe
        mov al, [PAGE + 0x5000]
    over
    case "#UD, #PF: one after the other"
        mov qword [TSS + 44], PAGE + 0x4000
        mov byte [IDT + 16 * 6 + 4], 2
        probe
        ud1 eax, eax
    over
    case "interrupt gates clear IF, trap gates do not"
        interrupt_gate 0x21, CODE0, %$first, 0xEE
        interrupt_gate 0x22, CODE0, %$second, 0xEF
        push 0x202
        popfq
        probe
        int 0x21
%$first:
        pushfq
        pop rax
        push 0x202
        popfq
        int 0x22
%$second:
        pushfq
        pop rbx
        mov rsp, [C_STACK]
    over

    call finish
image_end:
