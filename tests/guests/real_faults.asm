; Real mode: exceptions and interrupts through the vector table, limits, instructions that are not there.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
%include "real.inc"

%macro limited_vectors 1                        ; from here on the table has a limit of %1
    push eax
    push word %1
    mov bp, sp
    lidt [ss:bp]
    add sp, 6
%endmacro

main:
    call start_cases

    ; ---- interrupts
    check "nothing", nop
    check "int 20h", int 0x20
    check "int 0", int 0
    check "int3", int3
    check "int 3 in two bytes", db 0xCD, 3
    check "icebp", db 0xF1
    check "into without overflow", into
    case "into with overflow"
        mov al, 0x7F
        inc al
        probe
        into
    over
    case "int 1Fh at the end of the table"
        limited_vectors 0x7F
        probe
        int 0x1F
    over
    case "int 20h behind the end of the table"
        limited_vectors 0x7F
        probe
        int 0x20
    over
    case "int 1Fh across the end of the table"
        limited_vectors 0x7E
        probe
        int 0x1F
    over
    case "the interrupt clears IF, TF and AC, and keeps the rest"
        push dword 0x44602
        popfd
        mov word [4 * 0x21], .look
        probe
        int 0x21
.look:
        pushfd
        pop eax
        pop bx
        pop cx
        pop dx
    over

    ; ---- instructions that do not exist, or not here
    check "ud2", ud2
    check "ud1", db 0x0F, 0xB9, 0xC0
    check "arpl", arpl ax, bx
    check "lar", lar ax, bx
    check "lsl", lsl ax, bx
    check "sldt", sldt ax
    check "str", str ax
    check "lldt", lldt ax
    check "ltr", ltr ax
    check "verr", verr ax
    check "verw", verw ax
    check "mov cs, ax", db 0x8E, 0xC8
    check "mov ax, segment register 6", db 0x8C, 0xF0
    check "mov segment register 7, ax", db 0x8E, 0xF8
    check "lea with a register", db 0x8D, 0xC0
    check "lds with a register", db 0xC5, 0xC0
    check "les with a register", db 0xC4, 0xC0
    check "lss with a register", db 0x0F, 0xB2, 0xC0
    check "bound with a register", db 0x62, 0xC0
    check "lgdt with a register", db 0x0F, 0x01, 0xD5
    check "invlpg with a register", db 0x0F, 0x01, 0xFE
    check "far jump with a register", db 0xFF, 0xE8
    check "far call with a register", db 0xFF, 0xD8
    check "group 5 /7", db 0xFF, 0xF8
    check "group 4 /2", db 0xFE, 0xD0
    check "pop group /1", db 0x8F, 0xC8
    check "mov immediate group /1", db 0xC6, 0xC8, 0
    check "cmpxchg8b with a register", db 0x0F, 0xC7, 0xC8
    check "mov eax, cr1", db 0x0F, 0x20, 0xC8
    check "mov cr5, eax", db 0x0F, 0x22, 0xE8
    check "sysenter in real mode", sysenter
    check "sysexit in real mode", sysexit
    check "syscall without EFER.SCE", syscall
    check "sysret without EFER.SCE", sysret
    check "rsm outside of SMM", rsm
    case "rdmsr of a register that is not there"
        mov ecx, 0x12345
        probe
        rdmsr
    over
    case "wrmsr of a register that is not there"
        mov ecx, 0x12345
        probe
        wrmsr
    over

    ; ---- LOCK
    check "lock nop", db 0xF0, 0x90
    check "lock add register", db 0xF0, 0x01, 0xC0
    check "lock add memory", lock add [0x600], ax
    check "lock cmp memory", db 0xF0, 0x39, 0x06, 0x00, 0x06
    check "lock add register, memory", db 0xF0, 0x03, 0x06, 0x00, 0x06
    check "lock mov memory", db 0xF0, 0x89, 0x06, 0x00, 0x06
    check "lock bt memory", db 0xF0, 0x0F, 0xA3, 0x06, 0x00, 0x06
    check "lock bts memory", lock bts [0x600], ax
    check "lock xchg memory", lock xchg [0x600], ax
    check "lock inc register", db 0xF0, 0xFE, 0xC0
    check "lock test memory", db 0xF0, 0xF7, 0x06, 0x00, 0x06, 0, 0
    check "lock not memory", lock not word [0x600]

    ; ---- 15 bytes, and 16
    case "an instruction of 15 bytes"
        probe
        times 14 db 0x66
        nop
    over
    case "an instruction of 16 bytes"
        probe
        times 15 db 0x66
        nop
    over
    case "15 bytes with an immediate"
        probe
        times 8 db 0x2E
        db 0x66, 0x81, 0xC0
        dd 0
    over
    case "16 bytes with an immediate"
        probe
        times 9 db 0x2E
        db 0x66, 0x81, 0xC0
        dd 0
    over

    ; ---- division
    case "div by 0"
        probe
        div cl
    over
    case "div with a quotient of 9 bits"
        mov ax, 0x100
        mov cl, 1
        probe
        div cl
    over
    case "div with a quotient of 8 bits"
        mov ax, 0xFF
        mov cl, 1
        probe
        div cl
    over
    case "idiv -128 fits"
        mov ax, 0xFF80
        mov cl, 1
        probe
        idiv cl
    over
    case "idiv 128 does not fit"
        mov ax, 0x80
        mov cl, 1
        probe
        idiv cl
    over
    case "idiv of the smallest word by -1"
        mov ax, 0x8000
        mov dx, 0xFFFF
        mov cx, 0xFFFF
        probe
        idiv cx
    over
    case "idiv of the smallest double word by -1"
        mov eax, 0x80000000
        cdq
        mov ecx, -1
        probe
        idiv ecx
    over
    check "aam 0", aam 0
    case "aam 10"
        mov al, 57
        probe
        aam 10
    over

    ; ---- BOUND
    %macro bound_case 2
    case %1
        mov dword [0x600], 0x0005FFFE           ; -2 .. 5
        mov bx, %2
        probe
        bound bx, [0x600]
    over
    %endmacro
    bound_case "bound below", -3
    bound_case "bound at the lower end", -2
    bound_case "bound at the upper end", 5
    bound_case "bound above", 6
    check "bound across the limit", bound ax, [0xFFFD]

    ; ---- the limit of a segment
    check "a byte at FFFFh", mov al, [0xFFFF]
    check "a word at FFFFh", mov ax, [0xFFFF]
    check "a word to FFFFh", mov [0xFFFF], ax
    check "a word at FFFEh", mov dx, [0xFFFE]
    check "a double word at FFFDh", mov eax, [0xFFFD]
    check "a far pointer across FFFFh", les ax, [0xFFFD]
    check "an address of 32 bits", mov al, [dword 0x10000]
    case "the offset wraps to 16 bits"
        mov byte [0x600], 0x5A
        mov bx, 0xFFFF
        mov si, 0x601
        probe
        mov al, [bx + si]
    over
    case "a word at FFFFh through BP"
        mov bp, 0xFFFF
        probe
        mov ax, [bp]
    over
    case "a word at FFFFh through SS"
        probe
        mov ax, [ss:0xFFFF]
    over
    case "pop at FFFFh"
        mov sp, 0xFFFF
        probe
        pop ax
    over
    case "push at 0 wraps"
        mov sp, 0
        probe
        push word 0x1234
        mov ax, [0xFFFE]
    over
    case "near return beyond the limit"
        push dword 0x10000
        probe
        o32 ret
    over
    case "near jump beyond the limit"
        mov eax, 0x10000
        probe
        jmp eax
    over
    case "near call beyond the limit"
        mov eax, 0x10000
        probe
        call eax
    over
    check "far jump beyond the limit", jmp dword 0:0x10000
    check "far call beyond the limit", call dword 0:0x10000
    case "far return beyond the limit"
        push dword 0
        push dword 0x10000
        probe
        o32 retf
    over
    case "iretd beyond the limit"
        push dword 2
        push dword 0
        push dword 0x10000
        probe
        iretd
    over
    case "the last byte is executed, the next is not there"
        mov byte [0xFFFF], 0x90
        probe
        jmp 0:0xFFFF
    over
    case "an instruction across the limit"
        mov byte [0xFFFF], 0xB8
        probe
        jmp 0:0xFFFF
    over
    case "a relative jump wraps"
        mov dword [0xFFF0], 0x0055E990          ; nop, jmp near +55h ... to 49h
        mov dword [0xFFF4], 0
        mov word [0x49], 0x0B0F
        probe
        jmp 0:0xFFF0
    over

    ; ---- strings
    case "lodsb at FFFFh"
        mov byte [0xFFFF], 0x77
        mov si, 0xFFFF
        probe
        lodsb
    over
    case "lodsw at FFFFh"
        mov si, 0xFFFF
        probe
        lodsw
    over
    case "stosw at FFFFh"
        mov di, 0xFFFF
        probe
        stosw
    over
    case "movsd at FFFDh"
        mov si, 0xFFFD
        mov di, 0x600
        probe
        movsd
    over
    case "rep lodsb wraps"
        mov si, 0xFFFE
        mov cx, 4
        probe
        rep lodsb
        xor eax, eax
    over
    case "rep stosw stops at the limit"
        mov di, 0xFFF9
        mov cx, 8
        probe
        rep stosw
    over
    case "rep movsw backwards stops below 0"
        mov si, 0x600
        mov di, 2
        mov cx, 4
        std
        probe
        rep movsw
    over
    case "a32 rep lodsb stops at the limit"
        mov esi, 0xFFFE
        mov ecx, 4
        probe
        a32 rep lodsb
    over
    case "rep with a count of 0 touches nothing"
        mov si, 0xFFFF
        probe
        rep lodsw
    over
    case "a16 rep keeps the upper halves"
        mov ecx, 0x10003
        mov esi, 0x10600
        probe
        rep lodsb
        xor eax, eax
    over

    call finish
image_end:
