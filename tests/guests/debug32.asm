; Debug registers, the trap flag and general detect in protected mode.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_protected_mode
%include "prot32.inc"

SPOT        equ SCRATCH + 0x100

prepare:
    xor eax, eax
    mov dr0, eax
    mov dr1, eax
    mov dr2, eax
    mov dr3, eax
    ret

%macro break_at 3                               ; number, address, R/W and LEN (bits 1..0, 3..2)
    mov eax, %2
    mov dr%1, eax
    mov eax, dr7
    or eax, 2 << (2 * %1) | (%3) << (16 + 4 * %1)
    mov dr7, eax
    xor eax, eax
%endmacro

EXECUTE equ 0
WRITES  equ 1
IO      equ 2
ACCESS  equ 3
LEN1    equ 0
LEN2    equ 4
LEN8    equ 8
LEN4    equ 12

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
    ; ---- what the registers hold
    %macro register_case 3                      ; name, register, value
    case %1
        mov eax, %3
        probe
        mov %2, eax
        mov eax, %2
        mov ebx, 0
        mov dr7, ebx
    over
    %endmacro
    register_case "dr0", dr0, 0x12345678
    register_case "dr3", dr3, 0xFFFFFFFF
    register_case "dr6 of 0", dr6, 0
    register_case "dr6 of all", dr6, 0xFFFFFFFF
    register_case "dr7 of 0", dr7, 0
    register_case "dr7 of all but GD and RTM", dr7, 0xFFFFD7FF & ~0xFF
    case "dr4 is dr6"
        mov eax, 0x400F
        probe
        db 0x0F, 0x23, 0xE0                     ; mov dr4, eax
        mov ebx, dr6
    over
    case "dr5 is dr7"
        mov eax, 0x300
        mov dr7, eax
        xor eax, eax
        probe
        db 0x0F, 0x21, 0xE8                     ; mov eax, dr5
    over
    case "dr4 with CR4.DE"
        mov eax, 8
        mov cr4, eax
        probe
        db 0x0F, 0x21, 0xE0
    over
    case "dr5 with CR4.DE"
        mov eax, 8
        mov cr4, eax
        probe
        db 0x0F, 0x23, 0xE8
    over
    case "dr5 with CR4.DE at CPL 3"
        mov eax, 8
        mov cr4, eax
        user
        probe
        db 0x0F, 0x23, 0xE8
    over

    ; ---- execution
    case "a break point on an instruction"
        break_at 0, %$here, EXECUTE
        probe
        nop
%$here:
        inc eax
    over
    case "a break point on the first instruction after mov dr7"
        mov eax, %$probe
        mov dr1, eax
        mov eax, 4 | 1 << 8
        mov dr7, eax
        probe
        nop
    over
    case "a break point inside an instruction"
        break_at 0, %$probe + 1, EXECUTE
        probe
        mov eax, 1
    over
    case "a break point with LEN 2 on an instruction"
        break_at 0, %$probe, EXECUTE | LEN2
        probe
        mov eax, 1
    over
    case "a break point that is off"
        mov eax, %$probe
        mov dr0, eax
        xor eax, eax
        probe
        nop
    over
    case "two break points on an instruction"
        break_at 1, %$probe, EXECUTE
        break_at 3, %$probe, EXECUTE
        probe
        nop
    over
    case "a break point that is off shows in DR6 with one that is on"
        mov eax, %$probe
        mov dr2, eax
        break_at 0, %$probe, EXECUTE
        probe
        nop
    over
    case "a break point on ud2 comes first"
        break_at 0, %$probe, EXECUTE
        probe
        ud1 eax, eax
    over
    case "a break point and a single step"
        push dword 0x102
        break_at 0, %$here, EXECUTE
        probe
        popfd
        nop
%$here:
        inc eax
    over
    case "RF lets an instruction pass"
        break_at 0, %$here, EXECUTE
        push dword 0x10002
        push dword CODE0
        push dword %$here
        probe
        iretd
%$here:
        inc eax
        inc eax
    over
    case "RF holds for one instruction"
        break_at 0, %$here, EXECUTE
        push dword 0x10002
        push dword CODE0
        push dword %$before
        probe
        iretd
%$before:
        nop
%$here:
        inc eax
    over
    case "popfd does not set RF"
        break_at 0, %$here, EXECUTE
        push dword 0x10002
        probe
        popfd
%$here:
        inc eax
    over
    case "a break point behind mov ss"
        mov ax, DATA0
        mov cx, ax
        break_at 0, %$here, EXECUTE
        probe
        mov ss, cx
%$here:
        inc eax
        inc eax
    over
    case "a break point at CPL 3"
        break_at 0, %$here, EXECUTE
        user
        probe
        nop
%$here:
        nop
    over
    case "a break point on the handler's first instruction"
        interrupt_gate 0x21, CODE0, %$here
        break_at 0, %$here, EXECUTE
        probe
        int 0x21
%$here:
        nop
    over

    ; ---- data
    data_case "write of a byte", SPOT, WRITES | LEN1, mov [ebx], al
    data_case "write of the byte before", SPOT, WRITES | LEN1, mov [ebx - 1], al
    data_case "write of the byte behind", SPOT, WRITES | LEN1, mov [ebx + 1], al
    data_case "write of a double word that covers it", SPOT + 3, WRITES | LEN1, mov [ebx], eax
    data_case "write across its start", SPOT, WRITES | LEN4, mov [ebx - 1], ax
    data_case "write across its end", SPOT, WRITES | LEN4, mov [ebx + 3], ax
    data_case "write behind its end", SPOT, WRITES | LEN4, mov [ebx + 4], ax
    data_case "LEN 2 begins at an even address", SPOT + 1, WRITES | LEN2, mov [ebx], al
    data_case "LEN 4 begins at a multiple of 4", SPOT + 3, WRITES | LEN4, mov [ebx], al
    data_case "LEN 8", SPOT, WRITES | LEN8, mov [ebx + 7], al
    data_case "read with a break point for writes", SPOT, WRITES | LEN4, mov eax, [ebx]
    data_case "read", SPOT, ACCESS | LEN4, mov eax, [ebx]
    data_case "read of the byte behind", SPOT, ACCESS | LEN2, mov al, [ebx + 2]
    data_case "write with a break point for accesses", SPOT, ACCESS | LEN2, mov [ebx], al
    data_case "add", SPOT, WRITES | LEN4, add [ebx], eax
    data_case "add with a break point for accesses", SPOT, ACCESS | LEN4, add [ebx], eax
    data_case "cmpxchg that fails", SPOT, WRITES | LEN4, cmpxchg [ebx], ebx
    data_case "bt", SPOT, ACCESS | LEN4, bt dword [ebx], 3
    data_case "a break point for I/O without CR4.DE", 0x80, IO | LEN1, out 0x80, al
    data_case "lea and invlpg touch nothing", SPOT, ACCESS | LEN4, invlpg [ebx]
    data_case "prefetch touches nothing", SPOT, ACCESS | LEN4, prefetcht0 [ebx]
    case "a write that faults does not break"
        break_at 0, SPOT, WRITES | LEN4
        descriptor FREE, 0, SPOT + 1, 0x92, 4
        mov ax, FREE
        mov fs, ax
        probe
        mov [fs:SPOT], eax
    over
    case "push"
        break_at 0, SPOT, WRITES | LEN4
        mov esp, SPOT + 4
        probe
        push eax
        nop
    over
    case "lodsd"
        break_at 0, SPOT, ACCESS | LEN4
        mov esi, SPOT
        probe
        lodsd
        nop
    over
    case "movsb, both"
        break_at 0, SPOT, ACCESS | LEN1
        break_at 1, SPOT + 8, WRITES | LEN1
        mov esi, SPOT
        mov edi, SPOT + 8
        probe
        movsb
        nop
    over
    case "rep stosb breaks behind the round"
        break_at 0, SPOT + 2, WRITES | LEN1
        mov edi, SPOT
        mov ecx, 5
        probe
        rep stosb
    over
    case "rep stosb, the last round"
        break_at 0, SPOT + 4, WRITES | LEN1
        mov edi, SPOT
        mov ecx, 5
        probe
        rep stosb
        nop
    over
    case "a data break point and a single step"
        push dword 0x102
        break_at 0, SPOT, WRITES | LEN4
        probe
        popfd
        mov [SPOT], eax
        nop
    over
    case "a data break point, and an instruction break point behind"
        break_at 0, SPOT, WRITES | LEN4
        break_at 1, %$here, EXECUTE
        probe
        mov [SPOT], eax
%$here:
        nop
    over
    case "mov ss from memory that is watched"
        mov dword [SPOT], DATA0
        break_at 0, SPOT, ACCESS | LEN4
        probe
        mov ss, [SPOT]
        inc eax
        inc eax
    over
    case "I/O with CR4.DE"
        mov eax, 8
        mov cr4, eax
        break_at 0, 0x80, IO | LEN1
        probe
        out 0x80, al
        nop
    over
    case "I/O with CR4.DE, a word before it"
        mov eax, 8
        mov cr4, eax
        break_at 0, 0x80, IO | LEN1
        mov edx, 0x7F
        probe
        out dx, ax
        nop
    over
    case "I/O with CR4.DE, a byte before it"
        mov eax, 8
        mov cr4, eax
        break_at 0, 0x80, IO | LEN1
        mov edx, 0x7F
        probe
        out dx, al
        nop
    over

    ; ---- general detect
    %macro detect_case 2+
    case %1
        mov eax, 0x2000
        mov dr7, eax
        xor eax, eax
        probe
        %2
    over
    %endmacro
    detect_case "GD: mov to dr0", mov dr0, eax
    detect_case "GD: mov from dr6", mov eax, dr6
    detect_case "GD: mov from dr7", mov eax, dr7
    case "GD is cleared"
        interrupt_gate 1, CODE0, %$there
        mov eax, 0x2000
        mov dr7, eax
        xor eax, eax
        probe
        mov eax, dr0
%$there:
        mov ebx, dr7
        mov ecx, dr6
    over

    ; ---- the trap flag
    %macro step_case 2+
    case %1
        push dword 0x102
        probe
        popfd
        %2
        inc eax
    over
    %endmacro
    step_case "TF", nop
    step_case "TF and sti", sti
    step_case "TF and int 20h", int 0x20
    step_case "TF and icebp", db 0xF1
    step_case "TF and a call", call near $ + 5
    step_case "TF and mov cr2", {mov cr2, eax}
    case "TF and mov ss of the same"
        mov cx, ss
        push dword 0x102
        probe
        popfd
        mov ss, cx
        inc eax
        inc eax
    over
    case "TF at CPL 3"
        user 0x102
        probe
        nop
    over
    case "TF into a call gate"
        call_gate FREE, CODE0, %$there, 0xEC
        user 0x102
        probe
        call FREE:0
        nop
%$there:
        inc eax
    over
    case "TF and a trap gate"
        interrupt_gate 0x21, CODE0, %$there, 0xEF
        user 0x102
        probe
        int 0x21
        nop
%$there:
        pushfd
        pop eax
    over
    case "the handler of #DB runs without TF"
        interrupt_gate 1, CODE0, %$there
        push dword 0x102
        probe
        popfd
        nop
%$there:
        pushfd
        pop eax
        mov ebx, [esp + 8]
        mov ecx, dr6
    over
    case "a task switch clears the local break points"
        descriptor FREE, SCRATCH, 0x67, 0x89, 0
        mov dword [SCRATCH + 32], %$there
        mov dword [SCRATCH + 36], 2
        mov dword [SCRATCH + 56], MONITOR_STACK - 0x3000
        mov dword [SCRATCH + 72], DATA0
        mov dword [SCRATCH + 76], CODE0
        mov dword [SCRATCH + 80], DATA0
        mov dword [SCRATCH + 84], DATA0
        mov dword [SCRATCH + 88], DATA0
        mov dword [SCRATCH + 92], DATA0
        mov dword [C_SP], MONITOR_STACK - 0x3000
        mov eax, 0x3FF
        mov dr7, eax
        probe
        jmp FREE:0
%$there:
        mov eax, dr7
        xor ecx, ecx
        mov dr7, ecx
    over

    call finish
image_end:
