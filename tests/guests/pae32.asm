; PAE paging: the four entries that CR3 loads, 2 MB pages, NX, reserved bits.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_protected_mode
%include "prot32.inc"

POINTERS    equ 0x30000                         ; the page-directory-pointer table
IDENTITY    equ 0x31000                         ; the first GB, in pages of 2 MB, for everybody
DIRECTORY   equ 0x32000                         ; the second GB
TABLE       equ 0x33000                         ; its first 2 MB: two pages at SCRATCH, the rest is not there
PAGE        equ 0x40000000
PAGING      equ BASE_CR0 | 1 << 31
EFER        equ 0xC0000080
NXE         equ 0x800

prepare:
    mov edi, POINTERS
    mov ecx, 0x4000 / 4
    xor eax, eax
    rep stosd
    mov eax, 0x87
    mov edi, IDENTITY
    mov ecx, 8
.page:
    mov [edi], eax
    add eax, 0x200000
    add edi, 8
    loop .page
    mov dword [POINTERS], IDENTITY + 1
    mov dword [POINTERS + 8], DIRECTORY + 1
    mov dword [DIRECTORY], TABLE + 7
    mov dword [TABLE], SCRATCH + 7
    mov dword [TABLE + 8], SCRATCH + 0x1007
    mov ecx, EFER
    mov eax, NXE
    xor edx, edx
    wrmsr
    mov eax, 0x20
    mov cr4, eax
    mov eax, POINTERS
    mov cr3, eax
    mov [TSS + 28], eax
    mov [MONITOR_TSS + 28], eax
    mov eax, PAGING
    mov cr0, eax
    ret

%macro flush 0
    mov eax, cr3
    mov cr3, eax
    xor eax, eax
%endmacro

%macro show_entry 0
    mov eax, [watched_after]
    and eax, 0xFFF
    show "entry", xax
    end_line
%endmacro

%macro quad 3                                   ; address, lower half, upper half
    mov dword [%1], %2
    mov dword [%1 + 4], %3
%endmacro

%macro page_case 6+                             ; name, halves of the directory's entry, of the page's; instruction
    case %1
        quad DIRECTORY, %2, %3
        quad TABLE, %4, %5
        mov dword [watched], TABLE
        mov byte [SCRATCH], 0xC3
        flush
        mov ebx, PAGE
        probe
        %6
    over_and
    show_entry
    case %1, ", CPL 3"
        quad DIRECTORY, %2, %3
        quad TABLE, %4, %5
        mov dword [watched], DIRECTORY
        mov byte [SCRATCH], 0xC3
        flush
        user
        mov ebx, PAGE
        probe
        %6
    over_and
    show_entry
%endmacro

%macro kinds 5                                  ; name, entries: read, written, executed
    page_case {%1, ": read"}, %2, %3, %4, %5, test [ebx], eax
    page_case {%1, ": write"}, %2, %3, %4, %5, mov [ebx], eax
    page_case {%1, ": execute"}, %2, %3, %4, %5, call ebx
%endmacro

NX equ 1 << 31

main_cases:
    kinds "all rights", TABLE + 7, 0, SCRATCH + 7, 0
    kinds "supervisors", TABLE + 7, 0, SCRATCH + 3, 0
    kinds "read-only", TABLE + 7, 0, SCRATCH + 5, 0
    kinds "read-only directory", TABLE + 5, 0, SCRATCH + 7, 0
    kinds "not there", TABLE + 7, 0, SCRATCH + 6, 0
    kinds "no table", TABLE + 6, 0, SCRATCH + 7, 0
    kinds "NX", TABLE + 7, 0, SCRATCH + 7, NX
    kinds "NX in the directory", TABLE + 7, NX, SCRATCH + 7, 0
    kinds "reserved bit 51", TABLE + 7, 0, SCRATCH + 7, 1 << 19
    kinds "reserved bit 52", TABLE + 7, 0, SCRATCH + 7, 1 << 20
    kinds "reserved bit 62", TABLE + 7, 0, SCRATCH + 7, 1 << 30
    kinds "reserved bit 51 in the directory", TABLE + 7, 1 << 19, SCRATCH + 7, 0
    kinds "reserved, but not there", TABLE + 7, 0, SCRATCH + 6, 1 << 19
    kinds "2 MB", 0x87, 0, 0, 0
    kinds "2 MB, reserved bit 13", 0x2087, 0, 0, 0
    kinds "2 MB, NX", 0x87, NX, 0, 0
    kinds "2 MB, supervisors", 0x83, 0, 0, 0
    case "2 MB: the last byte"
        quad DIRECTORY, 0x87, 0
        flush
        probe
        test [PAGE + 0x1FFFFF], al
    over
    case "behind 2 MB"
        quad DIRECTORY, 0x87, 0
        flush
        probe
        test [PAGE + 0x1FFFFF], ax
    over
    case "a page above 4 GB: there is no memory"
        quad TABLE, 7, 1
        flush
        probe
        mov eax, [PAGE]
    over

    ; ---- NXE
    %macro nxe_case 2+
    case %1
        mov ecx, EFER
        wrmsr
        xor ecx, ecx
        quad TABLE, SCRATCH + 7, NX
        flush
        mov ebx, PAGE
        probe
        %2
    over
    %endmacro
    nxe_case "NX without NXE: read", test [ebx], eax
    nxe_case "NX without NXE: write", mov [ebx], eax
    nxe_case "NX without NXE: execute", call ebx
    case "execute what is not there, without NXE"
        mov ecx, EFER
        wrmsr
        quad TABLE, 0, 0
        flush
        mov ebx, PAGE
        probe
        call ebx
    over

    ; ---- the four pointers
    %macro pointer_case 3                       ; name, halves of the second one
    case %1
        quad POINTERS + 8, %2, %3
        mov eax, cr3
        probe
        mov cr3, eax
        xor eax, eax
        mov al, [PAGE]
    over
    %endmacro
    pointer_case "pointer: as it is", DIRECTORY + 1, 0
    pointer_case "pointer: not there", DIRECTORY, 0
    pointer_case "pointer: reserved bit 1", DIRECTORY + 3, 0
    pointer_case "pointer: reserved bit 2", DIRECTORY + 5, 0
    pointer_case "pointer: reserved bit 5", DIRECTORY + 0x21, 0
    pointer_case "pointer: reserved bit 8", DIRECTORY + 0x101, 0
    pointer_case "pointer: bits 9 to 11 are free", DIRECTORY + 0xE01, 0
    pointer_case "pointer: PWT and PCD", DIRECTORY + 0x19, 0
    pointer_case "pointer: reserved bit 63", DIRECTORY + 1, NX
    pointer_case "pointer: reserved bit 52", DIRECTORY + 1, 1 << 20
    pointer_case "pointer: reserved, but not there", DIRECTORY + 2, 0
    case "a pointer in memory is not looked at"
        quad POINTERS + 8, 0, 0
        invlpg [PAGE]
        probe
        mov al, [PAGE]
    over
    case "mov cr0 that changes CD loads the pointers"
        quad POINTERS + 8, DIRECTORY + 3, 0
        mov eax, PAGING & ~0x60000000
        probe
        mov cr0, eax
    over
    case "mov cr0 that changes WP does not load the pointers"
        quad POINTERS + 8, DIRECTORY + 3, 0
        mov eax, PAGING | 0x10000
        probe
        mov cr0, eax
    over
    case "mov cr4 that changes PGE loads the pointers"
        quad POINTERS + 8, DIRECTORY + 3, 0
        mov eax, 0xA0
        probe
        mov cr4, eax
    over
    case "mov cr4 that changes PSE loads the pointers"
        quad POINTERS + 8, DIRECTORY + 3, 0
        mov eax, 0x30
        probe
        mov cr4, eax
    over
    case "mov cr4 that changes TSD does not load the pointers"
        quad POINTERS + 8, DIRECTORY + 3, 0
        mov eax, 0x24
        probe
        mov cr4, eax
    over
    case "setting PG loads the pointers"
        mov eax, BASE_CR0
        mov cr0, eax
        quad POINTERS + 8, DIRECTORY + 3, 0
        mov eax, PAGING
        probe
        mov cr0, eax
    over
    case "the table of pointers begins at a multiple of 32"
        mov esi, POINTERS
        mov edi, SCRATCH + 0x20
        mov ecx, 8
        rep movsd
        mov eax, SCRATCH + 0x20
        probe
        mov cr3, eax
        mov ebx, cr3
        mov eax, [PAGE + 0x20]
    over
    case "bits 0 to 4 of cr3 do not count"
        mov eax, POINTERS + 0x1F
        probe
        mov cr3, eax
        mov eax, cr3
    over
    case "A and D of a 2 MB page"
        quad DIRECTORY, 0x87, 0
        flush
        mov dword [watched], DIRECTORY
        probe
        mov [PAGE + SCRATCH], eax
    over_and
    show_entry

    call finish
image_end:
