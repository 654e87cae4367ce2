; Protected mode: what may be loaded into segment registers and jumped to, by type, DPL, RPL and CPL; limits.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_protected_mode
%include "prot32.inc"
%include "combine.inc"

prepare:
    ret

; A register, and types from .. to
%macro load_cases 3
    each_combination %2, %3
        %defstr %%name %1
        say %%name
        call put_combination
        case ""
            call make_descriptor
            at_level
            mov ax, [v_selector]
            probe
            mov %1, ax
        over_and
        movzx eax, byte [watched_after + 1]
        show "access", xax
        end_line
    next_combination
%endmacro

%macro absent_cases 1                           ; the same, not present, at CPL 0
    mov dword [v_type], 0x10
%%next:
    %defstr %%name %1
    say %%name, " not present, type "
    mov eax, [v_type]
    call put_hex
    case ""
        call make_descriptor
        and byte [GDT + FREE + 5], 0x7F
        mov ax, FREE
        probe
        mov %1, ax
    over
    inc dword [v_type]
    cmp dword [v_type], 0x1F
    jbe %%next
%endmacro

%macro system_cases 2+                          ; an instruction with a selector in AX, for all system types
    mov dword [v_type], 0
%%next:
    say %1, ", system type "
    mov eax, [v_type]
    call put_hex
    case ""
        call make_descriptor
        mov ax, FREE
        probe
        %2
    over_and
    movzx eax, byte [watched_after + 1]
    show "access", xax
    end_line
    inc dword [v_type]
    cmp dword [v_type], 15
    jbe %%next
%endmacro

main_cases:
    load_cases ds, 0x10, 0x1F
    load_cases ss, 0x10, 0x1F
    absent_cases ds
    absent_cases ss
    system_cases "ds", mov ds, ax
    system_cases "ss", mov ss, ax
    system_cases "lldt", lldt ax
    system_cases "ltr", ltr ax

    ; ---- selectors
    %macro selector_cases 1
    %defstr %%name %1
    %assign selector 0
    %rep 4
    %assign i selector
    %defstr %%number i
    case %%name, " = ", %%number
        mov ax, selector
        probe
        mov %1, ax
    over
    case %%name, " = ", %%number, " at CPL 3"
        user
        mov ax, selector
        probe
        mov %1, ax
    over
    %assign selector selector + 1
    %endrep
    case %%name, " behind the end of the GDT"
        mov ax, GDT_LIMIT + 1
        probe
        mov %1, ax
    over
    case %%name, " from an LDT that is not there"
        mov ax, 0x0F
        probe
        mov %1, ax
    over
    case %%name, " from the LDT"
        mov dword [LDT + 8], 0x0000FFFF
        mov dword [LDT + 12], 0x00CF9300
        mov ax, LDT_SELECTOR
        lldt ax
        mov ax, 0x0C
        probe
        mov %1, ax
    over
    case %%name, " behind the end of the LDT"
        mov ax, LDT_SELECTOR
        lldt ax
        mov ax, 0x104
        probe
        mov %1, ax
    over
    %endmacro
    selector_cases ds
    selector_cases es
    selector_cases fs
    selector_cases gs
    selector_cases ss
    case "half a descriptor at the end of the GDT"
        sub word [gdtr], 4
        lgdt [gdtr]
        add word [gdtr], 4
        mov ax, GDT_LIMIT & 0xF8
        probe
        mov ds, ax
    over
    case "read through a null segment"
        mov fs, ax
        probe
        mov al, [fs:0]
    over
    case "read through a null segment with a selector of 3"
        mov al, 3
        mov fs, ax
        probe
        mov al, [fs:0]
    over
    check "lldt 0", lldt ax
    check "ltr 0", ltr ax
    case "lldt from an LDT"
        mov ax, 4
        probe
        lldt ax
    over
    case "ltr of the busy one"
        mov ax, TSS_SELECTOR
        probe
        ltr ax
    over
    case "lldt not present"
        descriptor FREE, LDT, 0xFF, 0x02, 0
        mov ax, FREE
        probe
        lldt ax
    over
    case "ltr not present"
        descriptor FREE, TSS, 0x67, 0x09, 0
        mov ax, FREE
        probe
        ltr ax
    over
    case "pop ds of 32 bits"
        push dword 0x12340000 + DATA0
        probe
        pop ds
    over
    case "pop ds that faults keeps ESP"
        push dword 0xFFFC
        probe
        pop ds
    over
    case "lds that faults keeps the register"
        mov dword [SCRATCH], 0x12345678
        mov word [SCRATCH + 4], 0xFFF8
        probe
        lds ebx, [SCRATCH]
    over
    case "lfs"
        mov dword [SCRATCH], 0x12345678
        mov word [SCRATCH + 4], DATA0
        probe
        lfs ebx, [SCRATCH]
    over
    case "mov from a segment register clears the upper half"
        mov eax, -1
        probe
        mov eax, ds
    over
    case "push ds of 32 bits"
        push dword -1
        pop eax
        probe
        push ds
        pop eax
    over

    ; ---- LAR, LSL, VERR, VERW
    %macro look_cases 2
    each_combination %1, %2
        say "lar lsl verr verw"
        call put_combination
        case ""
            call make_descriptor
            mov byte [GDT + FREE + 6], 0xDF
            at_level
            mov edi, [v_selector]
            probe
            lar eax, edi
            setz cl
            lsl ebx, edi
            setz ch
            verr di
            setz dl
            verw di
            setz dh
        over
    next_combination
    %endmacro
    look_cases 0, 0x1F
    case "lar and lsl of null"
        mov eax, 0x1234
        mov ebx, 0x5678
        probe
        lar eax, ecx
        setz dl
        lsl ebx, ecx
        setz dh
        verr cx
        setz cl
    over
    case "lsl of a limit in bytes"
        descriptor FREE, 0, 0x12345, 0x92, 4
        mov edi, FREE
        probe
        lsl ebx, edi
    over
    case "lar of 16 bits"
        mov edi, DATA0
        mov eax, -1
        probe
        lar ax, di
    over
    %macro arpl_case 3
    case %1
        mov ax, %2
        mov bx, %3
        probe
        arpl ax, bx
        setz cl
    over
    %endmacro
    arpl_case "arpl raises", 0x10, 3
    arpl_case "arpl keeps", 0x13, 2
    arpl_case "arpl of equals", 0x12, 2

    ; ---- limits. A segment of 1000h bytes at SCRATCH, and so on
    %macro limit_case 8+                        ; name, limit, access, flags, then address, instruction
    case %1
        descriptor FREE, SCRATCH, %2, %3, %4
        mov ax, FREE
        mov fs, ax
        xor eax, eax
        mov ebx, %5
        probe
        %6 %7, %8
    over
    %endmacro
    limit_case "the last byte", 0x123, 0x92, 4, 0x123, mov, al, [fs:ebx]
    limit_case "behind the last byte", 0x123, 0x92, 4, 0x124, mov, al, [fs:ebx]
    limit_case "a word at the last byte", 0x123, 0x92, 4, 0x123, mov, ax, [fs:ebx]
    limit_case "the last double word", 0x123, 0x92, 4, 0x120, mov, eax, [fs:ebx]
    limit_case "across by a byte", 0x123, 0x92, 4, 0x121, mov, eax, [fs:ebx]
    limit_case "an address that wraps", 0x123, 0x92, 4, 0xFFFFFFFF, mov, ax, [fs:ebx]
    limit_case "pages: the last byte", 0, 0x92, 0xC, 0xFFF, mov, al, [fs:ebx]
    limit_case "pages: behind it", 0, 0x92, 0xC, 0x1000, mov, al, [fs:ebx]
    limit_case "pages: across", 0, 0x92, 0xC, 0xFFD, mov, eax, [fs:ebx]
    limit_case "limit 0: byte 0", 0, 0x92, 4, 0, mov, al, [fs:ebx]
    limit_case "limit 0: byte 1", 0, 0x92, 4, 1, mov, al, [fs:ebx]
    limit_case "expand-down: at the limit", 0x0FF, 0x96, 4, 0x0FF, mov, al, [fs:ebx]
    limit_case "expand-down: above it", 0x0FF, 0x96, 4, 0x100, mov, al, [fs:ebx]
    limit_case "expand-down: a word from the limit", 0x0FF, 0x96, 4, 0x0FF, mov, ax, [fs:ebx]
    limit_case "expand-down of 32 bits: above FFFFh", 0x0FF, 0x96, 4, 0x10000, test, [fs:ebx], al
    limit_case "expand-down of 32 bits: the end", 0x0FF, 0x96, 4, 0xFFFFFFFE, mov, eax, [fs:ebx]
    limit_case "expand-down of 16 bits: FFFFh", 0x0FF, 0x96, 0, 0xFFFF, test, [fs:ebx], al
    limit_case "expand-down of 16 bits: above FFFFh", 0x0FF, 0x96, 0, 0x10000, test, [fs:ebx], al
    limit_case "expand-down of 16 bits: across FFFFh", 0x0FF, 0x96, 0, 0xFFFF, mov, ax, [fs:ebx]
    limit_case "expand-down of pages: at the limit", 0, 0x96, 0xC, 0xFFF, mov, al, [fs:ebx]
    limit_case "expand-down of pages: above it", 0, 0x96, 0xC, 0x1000, mov, al, [fs:ebx]
    limit_case "expand-down with limit FFFFFFFFh", 0xFFFFF, 0x96, 0xC, 0x1000, mov, al, [fs:ebx]
    limit_case "expand-down of 16 bits with limit FFFFh", 0xFFFF, 0x96, 0, 0xFFFF, test, [fs:ebx], al
    limit_case "write to a read-only segment", 0xFFF, 0x90, 4, 0, mov, [fs:ebx], al
    limit_case "read of a read-only segment", 0xFFF, 0x90, 4, 0, mov, al, [fs:ebx]
    limit_case "write to a code segment", 0xFFF, 0x9A, 4, 0, mov, [fs:ebx], al
    limit_case "read of a code segment", 0xFFF, 0x9A, 4, 0, mov, al, [fs:ebx]
    limit_case "read-modify-write of a read-only segment", 0xFFF, 0x90, 4, 0, add, [fs:ebx], al
    limit_case "bts far behind the limit", 0xFFF, 0x92, 4, 0x8000, bts, dword [fs:0], ebx
    limit_case "cmpxchg of a read-only segment", 0xFFF, 0x90, 4, 0, cmpxchg, [fs:ebx], cl
    case "read of an execute-only code segment"
        descriptor FREE, 0, 0xFFFFF, 0x98, 0xC
        mov dword [SCRATCH], .execute_only
        mov word [SCRATCH + 4], FREE
        jmp far [SCRATCH]
.execute_only:
        probe
        mov al, [cs:SCRATCH]
    over
    check "write through CS", mov [cs:SCRATCH], al
    case "the end of a code segment"
        descriptor FREE, 0, SCRATCH, 0x9A, 4
        mov byte [SCRATCH], 0x90
        probe
        jmp FREE:SCRATCH
    over
    case "a jump behind the end of a code segment"
        descriptor FREE, 0, SCRATCH, 0x9A, 4
        probe
        jmp FREE:SCRATCH + 1
    over
    case "stack limit: push"
        descriptor FREE, SCRATCH, 0xFFF, 0x92, 4
        by_task_gate 12
        mov ax, FREE
        mov ss, ax
        mov esp, 2
        probe
        push eax
    over
    case "stack limit: pop"
        descriptor FREE, SCRATCH, 0xFFF, 0x92, 4
        mov ax, FREE
        mov ss, ax
        mov esp, 0xFFE
        probe
        pop eax
    over
    case "a stack of 16 bits wraps"
        descriptor FREE, 0, 0xFFFF, 0x92, 0
        mov ax, FREE
        mov ss, ax
        mov esp, 0x12340000
        probe
        push eax
        mov ecx, esp
        pop eax
        mov edx, esp
    over
    case "a stack of 16 bits: ESP as a base is not cut"
        descriptor FREE, SCRATCH, 0xFFF, 0x92, 0
        mov ax, FREE
        mov ss, ax
        mov esp, 0x00010800
        probe
        mov al, [esp]
    over

    call finish
image_end:
