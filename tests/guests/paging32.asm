; Paging of 32 bits: rights, error codes, accessed and dirty bits, large pages, pages that an instruction crosses into.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_protected_mode
%include "prot32.inc"
%include "combine.inc"

DIRECTORY   equ 0x30000
IDENTITY    equ 0x31000                         ; the first 4 MB, for everybody
TABLE       equ 0x32000                         ; of 400000h and up: two pages at SCRATCH, the rest is not there
PAGE        equ 0x400000
DIRECTORY_ENTRY equ DIRECTORY + 4
PAGING      equ BASE_CR0 | 1 << 31
WRITE_PROTECT equ 1 << 16

prepare:
    mov edi, DIRECTORY
    mov ecx, 0x3000 / 4
    xor eax, eax
    rep stosd
    mov eax, 7
    mov edi, IDENTITY
    mov ecx, 1024
.page:
    stosd
    add eax, 0x1000
    loop .page
    mov dword [DIRECTORY], IDENTITY + 7
    mov dword [DIRECTORY_ENTRY], TABLE + 7
    mov dword [TABLE], SCRATCH + 7
    mov dword [TABLE + 4], SCRATCH + 0x1007
    mov eax, DIRECTORY
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

; Every directory entry that is present, every page entry, CPL 0 and 3
%macro rights_cases 3+                          ; name, CR0.WP, instruction
    mov dword [v_type], 1
%%pde:
    mov dword [v_dpl], 0
%%pte:
    mov dword [v_cpl], 0
%%cpl:
    say %1, ": directory "
    mov eax, [v_type]
    call put_hex
    say " page "
    mov eax, [v_dpl]
    call put_hex
    say " cpl "
    mov eax, [v_cpl]
    call put_hex
    case ""
        mov byte [SCRATCH], 0xC3                ; ret
        mov eax, [v_type]
        mov [DIRECTORY_ENTRY], al
        mov eax, [v_dpl]
        mov [TABLE], al
        mov dword [watched], TABLE
        flush
        mov eax, PAGING | (%2) << 16
        mov cr0, eax
        xor eax, eax
        at_level
        mov ebx, PAGE
        probe
        %3
        xor eax, eax
    over_and
    show_entry
    xor dword [v_cpl], 3
    jnz %%cpl
    inc dword [v_dpl]
    cmp dword [v_dpl], 7
    jbe %%pte
    add dword [v_type], 2
    cmp dword [v_type], 7
    jbe %%pde
%endmacro

main_cases:
    rights_cases "read", 0, mov eax, [ebx]
    rights_cases "write", 0, mov [ebx], eax
    rights_cases "write with WP", 1, mov [ebx], eax
    rights_cases "execute", 0, call ebx

    %macro entry_case 4+                        ; name, directory entry, page entry, instruction
    case %1
        mov dword [DIRECTORY_ENTRY], %2
        mov dword [TABLE], %3
        mov dword [watched], TABLE
        flush
        mov ebx, PAGE
        probe
        %4
        xor eax, eax
    over_and
    show_entry
    case %1, " (directory)"
        mov dword [DIRECTORY_ENTRY], %2
        mov dword [TABLE], %3
        mov dword [watched], DIRECTORY_ENTRY
        flush
        mov ebx, PAGE
        probe
        %4
        xor eax, eax
    over_and
    show_entry
    %endmacro
    entry_case "a read sets A", TABLE + 3, SCRATCH + 3, mov eax, [ebx]
    entry_case "a write sets A and D", TABLE + 3, SCRATCH + 3, mov [ebx], eax
    entry_case "add sets A and D", TABLE + 3, SCRATCH + 3, add [ebx], eax
    entry_case "cmpxchg that fails sets D", TABLE + 3, SCRATCH + 3, cmpxchg [ebx], ecx
    entry_case "bt sets A", TABLE + 3, SCRATCH + 3, bt [ebx], eax
    entry_case "invlpg sets nothing", TABLE + 3, SCRATCH + 3, invlpg [ebx]
    entry_case "the page is not there", TABLE + 3, SCRATCH + 2, mov eax, [ebx]
    entry_case "the table is not there", TABLE + 2, SCRATCH + 3, mov eax, [ebx]
    entry_case "available bits change nothing", TABLE + 0xE03, SCRATCH + 0xE03, mov [ebx], eax
    entry_case "PS without CR4.PSE", TABLE + 0x83, SCRATCH + 3, mov [ebx], eax
    entry_case "PAT, PWT and PCD of a page", TABLE + 0x1B, SCRATCH + 0x9B, mov [ebx], eax

    ; ---- 4 MB pages
    %macro large_case 3+                        ; name, directory entry, instruction
    case %1
        mov dword [DIRECTORY_ENTRY], %2
        mov dword [watched], DIRECTORY_ENTRY
        mov eax, 0x10
        mov cr4, eax
        flush
        mov dword [SCRATCH], 0x5A
        mov ebx, PAGE + SCRATCH
        probe
        %3
    over_and
    show_entry
    %endmacro
    large_case "4 MB: read", 0x83, mov eax, [ebx]
    large_case "4 MB: write", 0x83, mov [ebx], eax
    large_case "4 MB: its last byte", 0x83, mov al, [PAGE + 0x3FFFFF]
    large_case "4 MB: PAT", 0x1083, mov eax, [ebx]
    large_case "4 MB: a reserved bit, 21", 0x200083, mov eax, [ebx]
    large_case "4 MB: a write with a reserved bit", 0x200083, mov [ebx], eax
    large_case "4 MB: read-only for supervisors", 0x81, mov [ebx], eax
    case "4 MB: a reserved bit at CPL 3"
        mov dword [DIRECTORY_ENTRY], 0x200087
        mov eax, 0x10
        mov cr4, eax
        flush
        user
        probe
        mov eax, [PAGE]
    over
    case "4 MB: a reserved bit, executed"
        mov dword [DIRECTORY_ENTRY], 0x200087
        mov eax, 0x10
        mov cr4, eax
        flush
        mov ebx, PAGE
        probe
        jmp ebx
    over

    ; ---- two pages
    %macro crossing_case 4+                     ; name, first entry, second entry, instruction
    case %1
        mov dword [TABLE], %2
        mov dword [TABLE + 4], %3
        mov dword [watched], SCRATCH + 0xFFC
        mov dword [SCRATCH + 0xFFC], 0x44332211
        mov eax, PAGING | WRITE_PROTECT
        mov cr0, eax
        flush
        mov ebx, PAGE + 0xFFE
        mov eax, -1
        probe
        %4
    over_and
    show "bytes", [watched_after]
    end_line
    %endmacro
    crossing_case "read, the first is not there", SCRATCH, SCRATCH + 0x1007, mov eax, [ebx]
    crossing_case "read, the second is not there", SCRATCH + 7, SCRATCH + 0x1006, mov eax, [ebx]
    crossing_case "read, neither is there", SCRATCH, SCRATCH + 0x1000, mov eax, [ebx]
    crossing_case "write, the second is not there", SCRATCH + 7, SCRATCH + 0x1000, mov [ebx], eax
    crossing_case "write, the second is read-only", SCRATCH + 7, SCRATCH + 0x1001, mov [ebx], eax
    crossing_case "write, the first is read-only", SCRATCH + 1, SCRATCH + 0x1003, mov [ebx], eax
    crossing_case "add, the second is read-only", SCRATCH + 7, SCRATCH + 0x1001, add [ebx], eax
    crossing_case "xchg, the second is read-only", SCRATCH + 7, SCRATCH + 0x1001, xchg [ebx], eax
    crossing_case "write of 64 bits", SCRATCH + 7, SCRATCH + 0x1000, {cmpxchg8b [ebx]}
    crossing_case "pages that are not neighbours", SCRATCH + 7, SCRATCH + 7, mov [ebx], eax
    case "an instruction across pages, the second is not there"
        mov dword [TABLE + 4], 0
        mov dword [SCRATCH + 0xFFC], 0xB8909090 ; mov eax, imm32
        flush
        mov ebx, PAGE + 0xFFC
        probe
        jmp ebx
    over
    case "an instruction across pages"
        mov dword [TABLE + 4], SCRATCH + 0x1007
        mov dword [SCRATCH + 0xFFC], 0xB8909090
        mov dword [SCRATCH + 0x1000], 0x12345678
        mov word [SCRATCH + 0x1004], 0x0B0F
        flush
        mov ebx, PAGE + 0xFFC
        probe
        jmp ebx
    over
    case "rep movsb into a page that is not there"
        mov dword [TABLE + 4], 0
        flush
        mov esi, SCRATCH
        mov edi, PAGE + 0xFFD
        mov ecx, 8
        probe
        rep movsb
    over
    case "rep stosd across into a page that is not there"
        mov dword [TABLE + 4], 0
        flush
        mov edi, PAGE + 0xFF6
        mov ecx, 8
        probe
        rep stosd
    over
    case "pusha into a page that is not there"
        mov dword [TABLE], 0
        flush
        mov eax, esp
        mov esp, PAGE + 0x1008
        by_task_gate 14
        probe
        pusha
    over
    case "push into a page that is not there"
        mov dword [TABLE], 0
        by_task_gate 14
        flush
        mov esp, PAGE + 0x1000
        probe
        push eax
    over
    case "pop into memory that is not there keeps ESP"
        mov dword [TABLE], 0
        flush
        push dword 0x1234
        probe
        pop dword [PAGE]
    over
    case "call into a page that is not there"
        mov dword [TABLE], 0
        flush
        mov eax, PAGE
        probe
        call eax
    over
    case "enter onto a page that is not there"
        by_task_gate 14
        mov dword [TABLE], 0
        flush
        mov esp, PAGE + 0x1008
        probe
        enter 16, 0
    over

    ; ---- what the processor reads by itself
    case "descriptor tables for supervisors only, used at CPL 3"
        mov byte [IDENTITY + (GDT >> 12) * 4], 3
        flush
        user
        mov ax, DATA3
        probe
        mov gs, ax
    over
    case "an accessed bit in a read-only page"
        descriptor FREE, 0, 0xFFFFF, 0x92, 0xC
        mov byte [IDENTITY + (GDT >> 12) * 4], 1
        mov eax, PAGING | WRITE_PROTECT
        mov cr0, eax
        flush
        mov ax, FREE
        probe
        mov gs, ax
    over
    case "a set accessed bit in a read-only page"
        descriptor FREE, 0, 0xFFFFF, 0x93, 0xC
        mov byte [IDENTITY + (GDT >> 12) * 4], 1
        mov eax, PAGING | WRITE_PROTECT
        mov cr0, eax
        flush
        mov ax, FREE
        probe
        mov gs, ax
        mov byte [IDENTITY + (GDT >> 12) * 4], 7
        mov ebx, cr3
        mov cr3, ebx
        xor ebx, ebx
    over
    case "int at CPL 3 when the stack is not there"
        mov dword [TSS + 4], PAGE + 0x3000
        by_task_gate 14
        user
        probe
        int 0x20
    over
    case "#GP at CPL 3 when the stack is not there: double"
        mov dword [TSS + 4], PAGE + 0x3000
        user
        probe
        hlt
    over
    case "#PF at CPL 3 when the stack is not there: double"
        mov dword [TSS + 4], PAGE + 0x3000
        user
        probe
        mov al, [PAGE + 0x5000]
    over
    case "#UD at CPL 3 when the stack is not there, #PF"
        mov dword [TSS + 4], PAGE + 0x3000
        by_task_gate 14
        user
        probe
        ud1 eax, eax
    over
    case "the I/O map is not there"
        mov dword [IDENTITY + 0x25 * 4], 0
        mov dword [IDENTITY + 0x24 * 4], 0
        flush
        mov edx, 0x7000
        user
        probe
        in al, dx
    over
    case "a limit comes before a page"
        descriptor FREE, PAGE + 0x2000, 0xF, 0x92, 4
        mov ax, FREE
        mov fs, ax
        probe
        mov al, [fs:0x10]
    over
    case "invlpg makes a change visible"
        mov eax, [PAGE]
        mov dword [SCRATCH + 0x1000], 0x1234
        mov dword [TABLE], SCRATCH + 0x1007
        probe
        invlpg [PAGE]
        mov eax, [PAGE]
    over
    case "mov to cr3 makes a change visible"
        mov eax, [PAGE]
        mov dword [SCRATCH + 0x1000], 0x1234
        mov dword [TABLE], SCRATCH + 0x1007
        mov eax, cr3
        probe
        mov cr3, eax
        mov eax, [PAGE]
    over
    case "cr2 keeps its value through #GP"
        mov eax, 0x12345
        mov cr2, eax
        xor eax, eax
        probe
        mov eax, cr2
    over

    ; ---- SMEP and SMAP: the monitor's own pages become the supervisor's
    %macro smap_case 3+                         ; name, CR4, instruction
    case %1
        mov byte [DIRECTORY], 3
        mov byte [SCRATCH], 0xC3
        mov eax, %2
        mov cr4, eax
        flush
        mov ebx, PAGE
        probe
        %3
    over
    %endmacro
    smap_case "SMEP: execute a user page", 0x100000, call ebx
    smap_case "SMEP: read a user page", 0x100000, test [ebx], eax
    smap_case "SMAP: read a user page", 0x200000, test [ebx], eax
    smap_case "SMAP: write a user page", 0x200000, mov [ebx], eax
    smap_case "SMAP: execute a user page", 0x200000, call ebx
    smap_case "SMAP: stac", 0x200000, stac
    case "SMAP: read a user page with AC"
        mov byte [DIRECTORY], 3
        mov eax, 0x200000
        mov cr4, eax
        flush
        stac
        probe
        mov eax, [PAGE]
        clac
    over
    case "SMAP: descriptors in a user page, with AC"
        mov byte [DIRECTORY], 3
        descriptor FREE, PAGE, 0xFF, 0x82, 0
        mov dword [SCRATCH + 8], 0x0000FFFF
        mov dword [SCRATCH + 12], 0x00CF9300
        mov ax, FREE
        lldt ax
        mov eax, 0x200000
        mov cr4, eax
        flush
        stac
        mov ax, 0x0C
        probe
        mov gs, ax
        clac
    over
    check "stac without SMAP", stac
    check3 "stac at CPL 3", stac

    call finish
image_end:
