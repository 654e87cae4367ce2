; Long mode: FSGSBASE, PCID, SMEP and SMAP, XSETBV.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_long_mode
%include "long.inc"

prepare:
    ret

FSGSBASE    equ BASE_CR4 | 1 << 16
PCIDE       equ BASE_CR4 | 1 << 17
OSXSAVE     equ BASE_CR4 | 1 << 18
SMEP        equ BASE_CR4 | 1 << 20
SMAP        equ BASE_CR4 | 1 << 21

%macro set_cr4 1
    mov eax, %1
    mov cr4, rax
    xor eax, eax
%endmacro

main_cases:
    ; ---- FSGSBASE
    check "rdfsbase without CR4.FSGSBASE", rdfsbase rax
    check "wrgsbase without CR4.FSGSBASE", wrgsbase rax
    %macro base_case 2+
    case %1
        set_cr4 FSGSBASE
        set_msr FS_BASE, 0xFFFF812345678000
        set_msr GS_BASE, 0x1234567890
        probe
        %2
    over
    %endmacro
    base_case "rdfsbase", rdfsbase rax
    base_case "rdfsbase of 32 bits", rdfsbase eax
    base_case "rdgsbase", rdgsbase rbx
    case "wrfsbase"
        set_cr4 FSGSBASE
        mov rax, 0xFFFF800012345678
        probe
        wrfsbase rax
        rdfsbase rbx
    over
    case "wrfsbase of 32 bits clears the upper half"
        set_cr4 FSGSBASE
        mov rax, 0xFFFF800012345678
        probe
        wrfsbase eax
        rdfsbase rbx
    over
    case "wrgsbase, not canonical"
        set_cr4 FSGSBASE
        mov rax, NON_CANONICAL
        probe
        wrgsbase rax
    over
    case "wrgsbase of 32 bits, not canonical above"
        set_cr4 FSGSBASE
        mov rax, NON_CANONICAL
        probe
        wrgsbase eax
        rdgsbase rbx
    over
    case "wrgsbase at CPL 3"
        set_cr4 FSGSBASE
        user
        mov eax, SCRATCH
        probe
        wrgsbase rax
        rdgsbase rbx
    over
    case "rdfsbase in compatibility mode"
        set_cr4 FSGSBASE
        compat
        probe
        db 0xF3, 0x0F, 0xAE, 0xC0
    over32

    ; ---- PCID
    case "PCIDE"
        mov eax, PCIDE
        probe
        mov cr4, rax
        mov rbx, cr4
    over
    case "PCIDE while CR3 has PWT"
        mov eax, PML4 | 8
        mov cr3, rax
        mov eax, PCIDE
        probe
        mov cr4, rax
    over
    case "PCIDE in compatibility mode"
        compat
        mov eax, PCIDE
        probe
        mov cr4, eax
        mov eax, BASE_CR4
        mov cr4, eax
    over32
    case "cr3 with a PCID"
        set_cr4 PCIDE
        mov eax, PML4 | 0x123
        probe
        mov cr3, rax
        mov rbx, cr3
        mov ecx, PML4
        mov cr3, rcx
    over
    case "cr3 with bit 63 and PCIDE"
        set_cr4 PCIDE
        mov rax, PML4 | 1 << 63
        probe
        mov cr3, rax
        mov rbx, cr3
    over
    case "cr3 with bit 62 and PCIDE"
        set_cr4 PCIDE
        mov rax, PML4 | 1 << 62
        probe
        mov cr3, rax
    over
    case "PG is cleared while PCIDE is set"
        set_cr4 PCIDE
        compat
        mov eax, BASE_CR0
        probe
        mov cr0, eax
    over32
    case "invlpg in another PCID leaves this one"
        mov al, [PAGE]
        set_cr4 PCIDE
        probe
        invlpg [PAGE]
        mov al, [PAGE]
        xor eax, eax
    over

    ; ---- INVPCID
    %macro invpcid_case 4                       ; name, type, PCID, address
    case %1
        mov qword [SCRATCH], %3
        mov rax, %4
        mov [SCRATCH + 8], rax
        mov eax, %2
        probe
        invpcid rax, [SCRATCH]
    over
    %endmacro
    invpcid_case "invpcid 0", 0, 0, PAGE
    invpcid_case "invpcid 0 of a PCID without PCIDE", 0, 5, PAGE
    invpcid_case "invpcid 0, not canonical", 0, 0, NON_CANONICAL
    invpcid_case "invpcid 1", 1, 0, NON_CANONICAL
    invpcid_case "invpcid 1 of a PCID without PCIDE", 1, 5, 0
    invpcid_case "invpcid 2", 2, 0, 0
    invpcid_case "invpcid 3", 3, 0, 0
    invpcid_case "invpcid 4", 4, 0, 0
    invpcid_case "invpcid with a reserved bit", 2, 0x1000, 0
    check3 "invpcid at CPL 3", invpcid rax, [SCRATCH]

    ; ---- SMEP and SMAP: the monitor's pages become the supervisor's
    %macro smap_case 3+                         ; name, CR4, instruction
    case %1
        mov byte [IDENTITY], 0x83
        mov byte [SCRATCH], 0xC3
        mov rax, cr3
        mov cr3, rax
        set_cr4 %2
        mov ebx, PAGE
        probe
        %3
    over
    %endmacro
    smap_case "SMEP: execute a user page", SMEP, call rbx
    smap_case "SMEP: read a user page", SMEP, test [rbx], eax
    smap_case "SMAP: read a user page", SMAP, test [rbx], eax
    smap_case "SMAP: write a user page", SMAP, mov [rbx], eax
    smap_case "SMAP: execute a user page", SMAP, call rbx
    smap_case "SMAP: prefetch a user page", SMAP, prefetcht0 [rbx]
    smap_case "SMAP: read a page that is not there", SMAP, test [rbx + 0x2000], eax
    case "SMEP: NX comes with it"
        mov byte [IDENTITY], 0x83
        bts qword [TABLE], 63
        mov rax, cr3
        mov cr3, rax
        set_cr4 SMEP
        mov ebx, PAGE
        probe
        call rbx
    over
    case "SMAP: stac, read, clac"
        mov byte [IDENTITY], 0x83
        mov rax, cr3
        mov cr3, rax
        set_cr4 SMAP
        probe
        stac
        mov eax, [PAGE]
        clac
    over
    case "SMAP: popfq sets AC"
        mov byte [IDENTITY], 0x83
        mov rax, cr3
        mov cr3, rax
        set_cr4 SMAP
        push 0x40002
        probe
        popfq
        mov eax, [PAGE]
        push 2
        popfq
    over
    case "SMAP: descriptors in a user page, with AC"
        mov byte [IDENTITY], 0x83
        descriptor FREE, PAGE, 0xFF, 0x82, 0
        mov dword [SCRATCH + 8], 0x0000FFFF
        mov dword [SCRATCH + 12], 0x00CF9300
        mov ax, FREE
        lldt ax
        mov rax, cr3
        mov cr3, rax
        set_cr4 SMAP
        stac
        mov ax, 0x0C
        probe
        mov fs, ax
        clac
    over

    ; ---- what only the system switches on
    check "xgetbv without CR4.OSXSAVE", xgetbv
    check "xsetbv without CR4.OSXSAVE", xsetbv
    case "rdtscp"
        set_msr 0xC0000103, 0x5A
        probe
        rdtscp
        xor eax, eax
        xor edx, edx
    over
    case "rdtscp at CPL 3 with TSD"
        set_cr4 BASE_CR4 | 4
        user
        probe
        rdtscp
    over
    case "monitor at CPL 3"
        user
        probe
        db 0x0F, 0x01, 0xC8
    over

    call finish
image_end:
