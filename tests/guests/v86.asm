; Virtual-8086 mode: entered by IRETD, left by interrupts and faults.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_protected_mode
%include "prot32.inc"

prepare:
    ret

%macro check86 3+                               ; name, IOPL, instruction
    case %1
        v86 (%2) << 12 | 2
        probe
        %3
    over86
%endmacro

%macro both86 2+                                ; with IOPL 0 and 3
    check86 {%1, ", IOPL 0"}, 0, %2
    check86 {%1, ", IOPL 3"}, 3, %2
%endmacro

main_cases:
    both86 "nop", nop
    both86 "cli", cli
    both86 "sti", sti
    both86 "pushf", pushf
    both86 "pushfd", pushfd
    both86 "int 20h", int 0x20
    both86 "int3", int3
    both86 "int 3 in two bytes", db 0xCD, 3
    both86 "icebp", db 0xF1
    both86 "into", into
    both86 "in al, 81h", {in al, 0x81}
    both86 "hlt", hlt
    both86 "clts", clts
    both86 "lmsw", lmsw ax
    both86 "smsw", smsw ax
    both86 "mov from cr0", mov eax, cr0
    both86 "mov to cr0", mov cr0, eax
    both86 "mov from dr7", mov eax, dr7
    both86 "lgdt", lgdt [0x600]
    both86 "sgdt", sgdt [0x600]
    both86 "invd", invd
    both86 "wbinvd", wbinvd
    both86 "invlpg", invlpg [0x600]
    both86 "rdmsr", rdmsr
    check86 "lldt", 3, lldt ax
    check86 "ltr", 3, ltr ax
    check86 "sldt", 3, sldt ax
    check86 "str", 3, str ax
    check86 "lar", 3, lar ax, ax
    check86 "lsl", 3, lsl ax, ax
    check86 "verr", 3, verr ax
    check86 "arpl", 3, arpl ax, ax
    check86 "sysenter", 3, sysenter
    check86 "sysexit", 3, sysexit
    check86 "syscall", 3, syscall
    check86 "div by 0", 3, div cl
    check86 "mov cs, ax", 3, db 0x8E, 0xC8
    check86 "lock nop", 3, db 0xF0, 0x90
    check86 "a word at FFFFh", 3, mov ax, [0xFFFF]
    check86 "a word to FFFFh", 3, mov [0xFFFF], ax
    check86 "a byte at 10000h", 3, mov al, [dword 0x10000]
    check86 "a word at FFFFh of SS", 3, mov ax, [ss:0xFFFF]
    check86 "far jump beyond the limit", 3, jmp dword 0:0x10000
    check86 "bound", 0, bound ax, [0xFFFC]
    case "into with overflow"
        v86
        mov al, 0x7F
        inc al
        probe
        into
    over86
    %macro popf_case 3                          ; name, flags before, flags popped
    case %1
        v86 %2
        push dword %3
        probe
        popfd
    over86
    %endmacro
    popf_case "popfd of all, IOPL 0", 2, 0x3F7EFF
    popf_case "popfd of all, IOPL 3", 0x3002, 0x3F7EFF
    popf_case "popfd of 0, IOPL 3", 0x3202, 0
    case "popf of all, IOPL 3"
        v86 0x243002
        push word 0x4EFF
        probe
        popf
    over86
    case "pushfd shows neither VM nor RF"
        v86 0x3002
        probe
        pushfd
        pop eax
    over86
    case "iret, IOPL 0"
        v86
        probe
        iret
    over86
    case "iret, IOPL 3"
        v86 0x3002
        push word 0x0602
        push word 0
        push word %$there
        probe
        iret
%$there:
    over86
    case "iretd, IOPL 3"
        v86 0x3002
        push dword 0x263602
        push dword 0
        push dword %$there
        probe
        iretd
%$there:
    over86
    case "iretd, IOPL 3, EIP beyond the limit"
        v86 0x3002
        push dword 0x2
        push dword 0
        push dword 0x10000
        probe
        iretd
    over86
    case "iret loads CS"
        mov word [0x605], 0x0B0F
        v86 0x3002
        push word 2
        push word 0x60
        push word 5
        probe
        iret
    over86
    case "segments are paragraphs"
        mov byte [0x1234], 0x99
        v86
        mov ax, 0x123
        mov fs, ax
        probe
        mov al, [fs:4]
    over86
    case "pop ss, mov gs"
        v86
        push word 0x100
        probe
        pop ss
        mov ax, 0x777
        mov gs, ax
    over86
    case "call far and retf"
        v86
        probe
        call 0:.far86
        jmp short .back86
.far86:
        mov bp, sp
        mov ax, [bp + 2]
        retf
.back86:
    over86
    case "les"
        mov dword [0x600], 0x12345678
        v86
        probe
        les bx, [0x600]
    over86
    case "TF in V86 mode"
        v86 0x102
        probe
        nop
    over86

    ; ---- the I/O map is asked whatever IOPL is
    case "a port that the map allows"
        mov byte [IO_MAP + 0x10], 0
        v86
        probe
        out 0x80, al
    over86
    case "a port that the map does not allow, IOPL 3"
        v86 0x3002
        probe
        out 0x80, al
    over86

    ; ---- INT and its gates, IOPL 3
    %macro gate86 3                             ; name, access byte of the gate, selector
    case %1
        descriptor FREE, 0, 0xFFFFF, 0xFA, 0xC
        descriptor FREE + 8, 0, 0xFFFFF, 0x9E, 0xC
        descriptor FREE + 16, 0, 0xFFFFF, 0xBA, 0xC
        mov byte [IDT + 8 * 0x21 + 5], %2
        mov word [IDT + 8 * 0x21 + 2], %3
        v86 0x3002
        probe
        int 0x21
    over86
    %endmacro
    gate86 "interrupt gate", 0xEE, CODE0
    gate86 "trap gate", 0xEF, CODE0
    gate86 "gate of DPL 0", 0x8E, CODE0
    gate86 "gate of DPL 2", 0xCE, CODE0
    gate86 "gate not present", 0x6E, CODE0
    gate86 "gate to ring 3", 0xEE, FREE
    gate86 "gate to conforming code", 0xEE, FREE + 8
    gate86 "gate to ring 1", 0xEE, FREE + 16
    gate86 "gate to null", 0xEE, 0
    case "#UD with a gate to ring 3"
        descriptor FREE, 0, 0xFFFFF, 0xFA, 0xC
        mov word [IDT + 8 * 6 + 2], FREE
        v86
        probe
        ud1 eax, eax
    over86
    case "what the handler finds"
        interrupt_gate 0x21, CODE0, %$there, 0xEF
        v86 0x3602
        mov ax, 0x1111
        mov ds, ax
        inc ax
        mov es, ax
        inc ax
        mov fs, ax
        inc ax
        mov gs, ax
        probe
        int 0x21
        bits 32
%$there:
        mov eax, [esp]                          ; EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS
        sub eax, %$probe
        mov ebx, [esp + 8]
        mov ecx, [esp + 12]
        mov edx, [esp + 20]
        mov esi, [esp + 24]
        mov edi, [esp + 28]
        mov ebp, [esp + 32]
        mov dword [ss:C_BASELINE], base_segments
        mov dword [ss:C_SP], MONITOR_STACK - 0x1000
    over
    case "an interrupt gate of 16 bits"
        interrupt_gate 0x21, CODE0, %$there, 0xE6
        mov word [IDT + 8 * 0x21 + 6], 0
        v86 0x3602
        probe
        int 0x21
        bits 32
%$there:
        mov eax, [esp]
        sub ax, %$probe
        mov ebx, [esp + 4]
        mov ecx, [esp + 8]
        mov dword [ss:C_BASELINE], base_segments
        mov dword [ss:C_SP], MONITOR_STACK - 0x1000
    over
    case "int and back"
        interrupt_gate 0x21, CODE0, %$handler, 0xEE
        v86 0x3202
        probe
        int 0x21
        inc ax
        jmp short %$back
        bits 32
%$handler:
        mov eax, 0x1000
        iretd
        bits 16
%$back:
        inc ax
    over86
    case "int without a stack in the TSS"
        mov word [TSS + 8], 0
        by_task_gate 10
        v86 0x3002
        probe
        int 0x20
    over86
    case "iretd to V86 mode with EIP beyond 64 KB"
        push dword 0
        push dword 0
        push dword 0
        push dword 0
        push dword 0
        push dword 0x7C00
        push dword 0x20002
        push dword 0
        push dword 0x10000
        probe
        iretd
    over

    call finish
image_end:
