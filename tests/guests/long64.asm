; 64-bit mode: instructions that are gone, canonical addresses, segments, control registers, paging.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_long_mode
%include "long.inc"
%include "combine.inc"

prepare:
    ret

%macro show_entry 0
    mov rax, [watched_after]
    and eax, 0xFFF
    show "entry", xax
    end_line
%endmacro

main_cases:
    ; ---- gone, or other
    %macro gone 2+
    check %1, db %2
    %endmacro
    gone "push es", 0x06
    gone "pop es", 0x07
    gone "push cs", 0x0E
    gone "push ss", 0x16
    gone "pop ss", 0x17
    gone "push ds", 0x1E
    gone "pop ds", 0x1F
    gone "daa", 0x27
    gone "das", 0x2F
    gone "aaa", 0x37
    gone "aas", 0x3F
    gone "pusha", 0x60
    gone "popa", 0x61
    gone "group 1 of 82h", 0x82, 0xC0, 0
    gone "call far immediate", 0x9A, 0, 0, 0, 0, 0, 0
    gone "into", 0xCE
    gone "aam", 0xD4, 10
    gone "aad", 0xD5, 10
    gone "salc", 0xD6
    gone "jmp far immediate", 0xEA, 0, 0, 0, 0, 0, 0
    gone "mov ss with segment register 6", 0x8E, 0xF0
    gone "mov cs", 0x8E, 0xC8
    gone "lock nop", 0xF0, 0x90
    gone "ud1", 0x0F, 0xB9, 0xC0
    gone "mov from cr1", 0x0F, 0x20, 0xC8
    gone "mov from cr9", 0x44, 0x0F, 0x20, 0xC8
    gone "mov from dr8", 0x44, 0x0F, 0x21, 0xC0
    check "a REX prefix that does not come last", db 0x48, 0x66, 0x90
    check "15 bytes", db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
    check "16 bytes", db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
    case "movsxd"
        mov eax, 0x80000000
        probe
        movsxd rax, eax
    over
    case "push of 16 bits"
        probe
        push word 0x1234
        mov ax, [rsp]
    over
    case "push of an immediate is extended"
        probe
        push -2
        pop rax
    over
    case "a 32-bit result clears the upper half"
        mov rax, -1
        probe
        mov eax, eax
        inc eax
    over
    case "an address of 32 bits is cut"
        mov rbx, 0x1_00000000 + SCRATCH
        mov byte [SCRATCH], 0x5A
        probe
        mov al, [ebx]
    over
    case "push fs, pop gs"
        probe
        push fs
        pop gs
        mov ax, gs
    over

    ; ---- canonical addresses
    %macro far_case 3+                          ; name, RBX, instruction
    case %1
        mov rbx, %2
        mov rbp, rbx
        probe
        %3
    over
    %endmacro
    far_case "read", NON_CANONICAL, mov eax, [rbx]
    far_case "write", NON_CANONICAL, mov [rbx], eax
    far_case "read below the upper half", 0xFFFF7FFFFFFFFFFF, mov al, [rbx]
    far_case "read of the upper half", 0xFFFF800000000000, mov al, [rbx]
    far_case "read of the last byte below", 0x00007FFFFFFFFFFF, mov al, [rbx]
    far_case "read across the end", 0x00007FFFFFFFFFFD, mov eax, [rbx]
    far_case "read across 0", 0xFFFFFFFFFFFFFFFE, mov eax, [rbx]
    far_case "read through RBP", NON_CANONICAL, mov eax, [rbp]
    far_case "read through RBP with DS", NON_CANONICAL, {db 0x3E, 0x8B, 0x45, 0x00}
    far_case "read through RBX with SS", NON_CANONICAL, {db 0x36, 0x8B, 0x03}
    far_case "read through FS", NON_CANONICAL, mov eax, [fs:rbx]
    far_case "lea", NON_CANONICAL, lea rax, [rbx]
    far_case "invlpg", NON_CANONICAL, invlpg [rbx]
    far_case "clflush", NON_CANONICAL, clflush [rbx]
    far_case "prefetch", NON_CANONICAL, prefetcht0 [rbx]
    far_case "nop with an operand", NON_CANONICAL, {db 0x0F, 0x1F, 0x03}
    far_case "jmp", NON_CANONICAL, jmp rbx
    far_case "call", NON_CANONICAL, call rbx
    far_case "lgdt", NON_CANONICAL, lgdt [rbx]
    far_case "sgdt", NON_CANONICAL, sgdt [rbx]
    far_case "movsb, the source", NON_CANONICAL, {mov rsi, rbx}
    far_case "xlat", NON_CANONICAL, xlatb
    far_case "cmpxchg16b", NON_CANONICAL, cmpxchg16b [rbx]
    far_case "cmpxchg16b that is not aligned", SCRATCH + 8, cmpxchg16b [rbx]
    far_case "mov from moffs", NON_CANONICAL, mov al, [qword NON_CANONICAL]
    case "lodsb"
        mov rsi, NON_CANONICAL
        probe
        lodsb
    over
    case "stosb"
        mov rdi, NON_CANONICAL
        probe
        stosb
    over
    case "ret"
        mov rbx, NON_CANONICAL
        push rbx
        probe
        ret
    over
    case "ret n"
        mov rbx, NON_CANONICAL
        push rbx
        probe
        ret 8
    over
    %macro stack_case 2+
    case %1
        mov rsp, NON_CANONICAL
        probe
        %2
    over
    %endmacro
    stack_case "push, no stack", push rax
    stack_case "pop, no stack", pop rax
    stack_case "call, no stack", call near $ + 5
    stack_case "ret, no stack", ret
    stack_case "iretq, no stack", iretq
    stack_case "enter, no stack", enter 0, 0
    stack_case "pushfq, no stack", pushfq
    case "push at the upper half's start"
        mov rsp, 0xFFFF800000000004
        probe
        push rax
    over
    case "leave, no stack"
        mov rbp, NON_CANONICAL
        probe
        leave
    over
    case "a GDT at no address"
        mov word [SCRATCH], 0xFF
        mov rax, NON_CANONICAL
        mov [SCRATCH + 2], rax
        probe
        lgdt [SCRATCH]
    over
    case "an IDT at no address"
        mov word [SCRATCH], 0xFF
        mov rax, NON_CANONICAL
        mov [SCRATCH + 2], rax
        probe
        lidt [SCRATCH]
    over
    %macro msr_case 3                           ; name, number, value
    case %1
        mov ecx, %2
        mov eax, (%3) & 0xFFFFFFFF
        mov edx, (%3) >> 32
        probe
        wrmsr
        rdmsr
    over
    %endmacro
    msr_case "wrmsr FS base, not canonical", FS_BASE, NON_CANONICAL
    msr_case "wrmsr GS base, not canonical", GS_BASE, NON_CANONICAL
    msr_case "wrmsr kernel GS base, not canonical", KERNEL_GS_BASE, NON_CANONICAL
    msr_case "wrmsr LSTAR, not canonical", LSTAR, NON_CANONICAL
    msr_case "wrmsr CSTAR, not canonical", CSTAR, NON_CANONICAL
    msr_case "wrmsr SYSENTER_ESP, not canonical", SYSENTER_ESP, NON_CANONICAL
    msr_case "wrmsr SYSENTER_EIP, not canonical", SYSENTER_EIP, NON_CANONICAL
    msr_case "wrmsr FS base", FS_BASE, 0xFFFF812345678000
    msr_case "wrmsr KERNEL_GS_BASE", KERNEL_GS_BASE, 0x12345678
    msr_case "wrmsr STAR", STAR, 0x1234567812345678
    msr_case "wrmsr FMASK of 64 bits", FMASK, 0x100000000
    msr_case "wrmsr EFER, bit 1", EFER, BASE_EFER | 2
    msr_case "wrmsr EFER, bit 63", EFER, 0x8000000000000000 | BASE_EFER
    msr_case "wrmsr EFER without LME", EFER, 0x801
    msr_case "wrmsr EFER does not change LMA", EFER, BASE_EFER
    msr_case "wrmsr PAT, type 2", 0x277, 2
    msr_case "wrmsr PAT", 0x277, 0x0007040600070406
    msr_case "wrmsr that is not there", 0x12345, 0
    case "swapgs"
        set_msr GS_BASE, 0x1111
        set_msr KERNEL_GS_BASE, 0x2222
        mov ecx, GS_BASE
        probe
        swapgs
        rdmsr
        mov ebx, eax
        mov ecx, KERNEL_GS_BASE
        rdmsr
    over
    check3 "swapgs at CPL 3", swapgs

    ; ---- control registers
    %macro cr_case 3                            ; name, register, value
    case %1
        mov rax, %3
        probe
        mov %2, rax
        mov rbx, %2
    over
    %endmacro
    cr_case "cr0 without PG", cr0, BASE_CR0
    cr_case "cr0 without PE", cr0, PAGING & ~1
    cr_case "cr0 with bit 32", cr0, PAGING | 1 << 32
    cr_case "cr0 with NW, without CD", cr0, PAGING & ~(1 << 30)
    cr_case "cr0 with WP and AM", cr0, PAGING | 0x50000
    cr_case "cr2 of 64 bits", cr2, 0x123456789ABCDEF0
    cr_case "cr3 with bit 52", cr3, PML4 | 1 << 52
    cr_case "cr3 with bit 63 and no PCID", cr3, PML4 | 1 << 63
    cr_case "cr3 with PWT and PCD", cr3, PML4 | 0x18
    cr_case "cr4 without PAE", cr4, 0
    cr_case "cr4 with bit 32", cr4, BASE_CR4 | 1 << 32
    cr_case "cr4 with bit 15", cr4, BASE_CR4 | 1 << 15
    cr_case "cr4 with PSE and PGE", cr4, BASE_CR4 | 0x90
    cr_case "cr8 of 15", cr8, 15
    cr_case "cr8 of 16", cr8, 16
    check3 "cr8 at CPL 3", mov rax, cr8
    case "dr7 of 64 bits"
        mov rax, 0x100000400
        probe
        mov dr7, rax
    over
    case "dr6 of 64 bits"
        mov rax, 0x100000000
        probe
        mov dr6, rax
    over
    case "dr0 of 64 bits"
        mov rax, 0x123456789ABC
        probe
        mov dr0, rax
        mov rbx, dr0
    over

    ; ---- segments
    %macro null_stack 2
    %assign i %1
    %defstr NUMBER i
    case "mov ss of ", NUMBER, " in ring ", %2
        mov ax, %1
        probe
        mov ss, ax
    over
    %endmacro
    null_stack 0, "0"
    null_stack 1, "0"
    null_stack 3, "0"
    case "mov ss of 3 in ring 3"
        user
        mov ax, 3
        probe
        mov ss, ax
    over
    case "mov ss of 0 in ring 3"
        user
        probe
        mov ss, ax
    over
    check32 "mov ss of 0 in compatibility mode", mov ss, ax
    case "read through a null DS"
        xor eax, eax
        mov ds, ax
        probe
        mov eax, [SCRATCH]
    over
    case "limits are not looked at"
        descriptor FREE, 0, 0xF, 0x92, 0
        mov ax, FREE
        mov fs, ax
        mov ds, ax
        mov ss, ax
        probe
        test [fs:SCRATCH], eax
        test [SCRATCH], eax
        push rax
        pop rax
    over
    case "a write to a read-only segment"
        descriptor FREE, 0, 0xFFFFF, 0x90, 0xC
        mov ax, FREE
        mov ds, ax
        probe
        mov [SCRATCH], eax
    over
    check "a write through CS", db 0x2E, 0x89, 0x04, 0x25, 0x00, 0x60, 0x02, 0x00   ; mov [cs:SCRATCH], eax
    case "bases of FS and DS"
        descriptor FREE, SCRATCH, 0xFFFFF, 0x92, 0xC
        mov byte [SCRATCH + 0x10], 0x5A
        mov ax, FREE
        mov fs, ax
        mov ds, ax
        xor eax, eax
        probe
        mov al, [fs:0x10]
        mov ah, [SCRATCH + 0x10]
    over
    case "a base of FS over 4 GB"
        set_msr FS_BASE, 0xFFFFFFFFF0000000
        mov ebx, SCRATCH + 0x10000000
        mov byte [SCRATCH], 0x5A
        probe
        mov al, [fs:rbx]
    over
    case "loading FS replaces its base"
        set_msr FS_BASE, 0x123456789000
        mov ax, DATA0
        mov fs, ax
        mov ecx, FS_BASE
        probe
        rdmsr
    over
    case "limits are looked at in compatibility mode"
        descriptor FREE, 0, 0xFF, 0x92, 4
        mov ax, FREE
        mov fs, ax
        compat
        probe
        mov al, [fs:0x100]
    over32
    check32 "an address of 32 bits wraps", mov al, [dword 0xFFFFFFFF]
    check32 "pusha in compatibility mode", pusha
    check32 "daa in compatibility mode", daa
    check32 "inc eax in compatibility mode", inc eax
    check32 "mov from cr8 in compatibility mode", db 0x44, 0x0F, 0x20, 0xC0
    check32 "syscall in compatibility mode", syscall
    check32 "swapgs in compatibility mode", db 0x0F, 0x01, 0xF8

    ; ---- LDT and TSS have 16 bytes
    lldt_base   equ LDT
    ltr_base    equ TSS
    %macro system_case 5                        ; name, access byte, upper type byte, upper half of the base, instruction
    case %1
        descriptor FREE, %5 %+ _base, 0xFF, %2, 0
        mov dword [GDT + FREE + 8], %4
        mov dword [GDT + FREE + 12], (%3) << 8
        mov ax, FREE
        probe
        %5 ax
    over_and
    movzx eax, byte [watched_after + 5]
    show "access", xax
    end_line
    %endmacro
    system_case "lldt", 0x82, 0, 0, lldt
    system_case "lldt of a base in the upper half", 0x82, 0, 0xFFFF8000, lldt
    system_case "lldt of a base that is not canonical", 0x82, 0, 0x8000, lldt
    system_case "lldt with an upper type of 1", 0x82, 1, 0, lldt
    system_case "lldt with the upper DPL set", 0x82, 0x60, 0, lldt
    system_case "lldt not present", 0x02, 0, 0, lldt
    system_case "lldt of a TSS", 0x89, 0, 0, lldt
    system_case "ltr", 0x89, 0, 0, ltr
    system_case "ltr of a base that is not canonical", 0x89, 0, 0x8000, ltr
    system_case "ltr with an upper type of 8", 0x89, 8, 0, ltr
    system_case "ltr of a TSS of 286", 0x81, 0, 0, ltr
    system_case "ltr of a busy TSS", 0x8B, 0, 0, ltr
    system_case "ltr not present", 0x09, 0, 0, ltr
    case "lldt of the last 8 bytes of the GDT"
        descriptor GDT_LIMIT & 0x1F8, LDT, 0xFF, 0x82, 0
        mov ax, GDT_LIMIT & 0x1F8
        probe
        lldt ax
    over
    check "lldt 0", lldt ax
    check "ltr 0", ltr ax

    each_combination 0, 15
        say "lar lsl"
        call put_combination
        case ""
            call make_descriptor
            mov byte [GDT + FREE + 6], 0xDF
            cmp dword [v_cpl], 3
            jne %$go
            user
%$go:
            mov edi, [v_selector]
            probe
            lar rax, rdi
            setz cl
            lsl rbx, edi
            setz ch
        over
    next_combination

    ; ---- paging
    %macro page_case 5+                         ; name, PDPTE, PDE, PTE of PAGE, instruction
    case %1
        mov rax, %2
        mov [PDPT + 8], rax
        mov rax, %3
        mov [DIRECTORY], rax
        mov rax, %4
        mov [TABLE], rax
        mov qword [watched], TABLE
        mov rax, cr3
        mov cr3, rax
        xor eax, eax
        mov byte [SCRATCH], 0xC3
        mov ebx, PAGE
        probe
        %5
    over_and
    show_entry
    %endmacro
    NX equ 1 << 63
    page_case "page: read", DIRECTORY + 7, TABLE + 7, SCRATCH + 7, test [rbx], eax
    page_case "page: write", DIRECTORY + 7, TABLE + 7, SCRATCH + 7, mov [rbx], eax
    page_case "page: execute", DIRECTORY + 7, TABLE + 7, SCRATCH + 7, call rbx
    page_case "page: read with NX", DIRECTORY + 7, TABLE + 7, NX + SCRATCH + 7, test [rbx], eax
    page_case "page: execute with NX", DIRECTORY + 7, TABLE + 7, NX + SCRATCH + 7, call rbx
    page_case "page: execute with NX of the table", DIRECTORY + 7, NX + TABLE + 7, SCRATCH + 7, call rbx
    page_case "page: execute with NX of the directory", NX + DIRECTORY + 7, TABLE + 7, SCRATCH + 7, call rbx
    page_case "page: execute what is not there", DIRECTORY + 7, TABLE + 7, NX + SCRATCH + 6, call rbx
    page_case "page: reserved bit 51", DIRECTORY + 7, TABLE + 7, SCRATCH + 7 + (1 << 51), test [rbx], eax
    page_case "page: reserved bit 51 in the table's entry", DIRECTORY + 7, TABLE + 7 + (1 << 51), SCRATCH + 7, mov [rbx], eax
    page_case "page: reserved bit 51 in the directory's entry", DIRECTORY + 7 + (1 << 51), TABLE + 7, SCRATCH + 7, call rbx
    page_case "page: reserved, but not there", DIRECTORY + 7, TABLE + 7, SCRATCH + 6 + (1 << 51), test [rbx], eax
    page_case "page: bits 52 to 58 are free", DIRECTORY + 7 + (0x7F << 52), TABLE + 7, SCRATCH + 7 + (0x7F << 52), test [rbx], eax
    page_case "page: the directory is not there", DIRECTORY + 6, TABLE + 7, SCRATCH + 7, test [rbx], eax
    page_case "page: the table is not there", DIRECTORY + 7, TABLE + 6, SCRATCH + 7, mov [rbx], eax
    page_case "2 MB: read", DIRECTORY + 7, 0x87, 0, {mov eax, [rbx + SCRATCH]}
    page_case "2 MB: reserved bit 13", DIRECTORY + 7, 0x2087, 0, test [rbx], eax
    page_case "2 MB: reserved bit 20", DIRECTORY + 7, 0x100087, 0, test [rbx], eax
    page_case "2 MB: PAT", DIRECTORY + 7, 0x1087, 0, test [rbx + SCRATCH], eax
    page_case "2 MB: NX", DIRECTORY + 7, NX + 0x87, 0, call rbx
    page_case "1 GB: read", 0x87, 0, 0, test [rbx + SCRATCH], eax
    page_case "1 GB: reserved bit 13", 0x2087, 0, 0, test [rbx], eax
    page_case "1 GB: reserved bit 29", 0x20000087, 0, 0, test [rbx], eax
    page_case "1 GB: write, read-only for supervisors", 0x85, 0, 0, mov [rbx + SCRATCH], eax
    case "PS in the PML4"
        mov qword [PML4 + 8], PDPT + 0x87
        mov rbx, 1 << 39
        probe
        mov eax, [rbx]
    over
    case "NX without EFER.NXE is reserved"
        set_msr EFER, BASE_EFER & ~0x800
        bts qword [TABLE], 63
        mov rax, cr3
        mov cr3, rax
        xor eax, eax
        probe
        mov eax, [PAGE]
    over
    case "execute without EFER.NXE"
        set_msr EFER, BASE_EFER & ~0x800
        mov qword [TABLE], 0
        mov rax, cr3
        mov cr3, rax
        mov eax, PAGE
        probe
        jmp rax
    over
    %macro user_page 4+                         ; name, PDPTE, PTE, instruction at CPL 3
    case %1
        mov qword [PDPT + 8], %2
        mov qword [TABLE], %3
        mov rax, cr3
        mov cr3, rax
        user
        mov ebx, PAGE
        probe
        %4
    over
    %endmacro
    user_page "user: read", DIRECTORY + 7, SCRATCH + 7, test [rbx], eax
    user_page "user: read of a supervisor's page", DIRECTORY + 7, SCRATCH + 3, test [rbx], eax
    user_page "user: read through a supervisor's directory", DIRECTORY + 3, SCRATCH + 7, test [rbx], eax
    user_page "user: write of a read-only page", DIRECTORY + 7, SCRATCH + 5, mov [rbx], eax
    user_page "user: write through a read-only directory", DIRECTORY + 5, SCRATCH + 7, mov [rbx], eax
    user_page "user: execute a supervisor's page", DIRECTORY + 7, SCRATCH + 3, jmp rbx
    case "an instruction across pages, the second has NX"
        bts qword [TABLE + 8], 63
        mov dword [SCRATCH + 0xFFC], 0xB8909090
        mov rax, cr3
        mov cr3, rax
        mov ebx, PAGE + 0xFFC
        probe
        jmp rbx
    over

    call finish
image_end:
