; Real mode: flags, single steps, control registers, unreal segments, far transfers.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
%include "real.inc"

main:
    call start_cases

    ; ---- POPF, IRET and what they may change
    %macro flags_case 3                         ; name, value, instructions
    case %1
        push dword %2
        probe
        %3
        pushfd
        pop eax
    over
    %endmacro
    flags_case "popf takes", 0xFFFEFEFF, {popf}
    flags_case "popfd takes", 0xFFFFFEFF, {popfd}
    flags_case "popf clears", 0, {popf}
    case "pushf of all"
        push dword 0x7ED7
        popfd
        probe
        pushf
        pop ax
        push dword 2
        popfd
    over
    case "iret takes"
        push word 0xFEFF
        push word 0
        push word .iret_there
        probe
        iret
.iret_there:
        pushfd
        pop eax
    over
    case "iretd takes"
        push dword 0xFFFFFEFF
        push dword 0
        push dword .iretd_there
        probe
        iretd
.iretd_there:
        pushfd
        pop eax
    over
    case "iret keeps ID and AC"
        push dword 0x240002
        popfd
        push word 2
        push word 0
        push word .ac_there
        probe
        iret
.ac_there:
        pushfd
        pop eax
        push dword 2
        popfd
    over
    case "sahf and lahf"
        mov ah, 0xFF
        probe
        sahf
        mov ah, 0
        lahf
    over
    case "cli and sti"
        probe
        sti
        pushf
        pop ax
        cli
        pushf
        pop bx
    over

    ; ---- TF
    %macro step 1+
    case %1
        push dword 0x102
        probe
        popf
    %endmacro
    step "TF traps behind the next instruction"
        nop
        inc ax
    over
    step "TF and sti"
        sti
        inc ax
        inc ax
    over
    step "TF and mov ss"
        mov ss, ax
        inc ax
        inc ax
    over
    step "TF and pop ss"
        push ax
        pop ss
        inc ax
    over
    case "TF and pop ss alone"
        push word 0
        push dword 0x102
        probe
        popfd
        pop ss
        inc ax
        inc ax
    over
    case "TF and lss"
        mov dword [0x600], 0x7000
        push dword 0x102
        probe
        popfd
        lss sp, [0x600]
        inc ax
    over
    step "TF and mov ds"
        mov ds, ax
        inc ax
        inc ax
    over
    step "TF and int 20h"
        int 0x20
    over
    step "TF and int3"
        int3
    over
    step "TF and icebp"
        db 0xF1
    over
    step "TF and ud2"
        ud2
    over
    step "TF and popf without TF"
        popf
        inc ax
    over
    case "TF out of iret"
        push word 0x102
        push word 0
        push word .tf_there
        probe
        iret
.tf_there:
        inc ax
        inc ax
    over
    case "TF and rep"
        mov cx, 3
        mov di, 0x600
        push dword 0x102
        probe
        popfd
        rep stosb
        inc ax
    over
    case "TF and the last round of rep"
        mov cx, 1
        mov di, 0x600
        push dword 0x102
        probe
        popfd
        rep stosb
        inc ax
    over
    case "TF and rep of nothing"
        push dword 0x102
        probe
        popfd
        rep stosb
        inc ax
    over
    case "TF and div by 0"
        push dword 0x102
        probe
        popfd
        div cl
    over
    case "TF and a jump"
        push dword 0x102
        probe
        popfd
        jmp .jumped
        nop
.jumped:
        inc ax
    over

    ; ---- control registers
    check "smsw", smsw ax
    check "smsw of 32 bits", smsw eax
    case "lmsw sets MP, EM and TS"
        mov ax, 0xFFFE
        probe
        lmsw ax
        smsw ax
    over
    case "clts"
        mov ax, 8
        lmsw ax
        probe
        clts
        smsw ax
    over
    %macro cr_case 3
    case %1
        mov eax, %3
        probe
        mov %2, eax
        mov eax, %2
        mov ebx, 0x60000010
        mov cr0, ebx
        xor ebx, ebx
    over
    %endmacro
    cr_case "cr0: bits that cannot be cleared", cr0, 0
    cr_case "cr0: bits that are not there", cr0, 0x1FFAFFC0
    cr_case "cr0: bits that are there", cr0, 0x6005003E
    cr_case "cr0: PG without PE", cr0, 0x80000000
    cr_case "cr0: NW without CD", cr0, 0x20000000
    cr_case "cr0: CD without NW", cr0, 0x40000000
    cr_case "cr2", cr2, 0x12345678
    cr_case "cr3", cr3, 0x12345018
    cr_case "cr4: DE, PSE, PGE, PCE", cr4, 0x198
    cr_case "cr4: bit 31", cr4, 0x80000000
    cr_case "cr4: bit 19", cr4, 0x00080000
    cr_case "cr4: bit 15", cr4, 0x00008000
    cr_case "cr4: PCIDE outside of long mode", cr4, 0x00020000
    cr_case "cr4 is 0 again", cr4, 0
    check "mov cr0 with the memory form of ModRM", db 0x0F, 0x20, 0x00
    case "wait with TS alone"
        mov ax, 8
        lmsw ax
        probe
        wait
    over
    case "wait with MP and TS"
        mov ax, 10
        lmsw ax
        probe
        wait
    over
    case "fninit with TS"
        mov ax, 8
        lmsw ax
        probe
        fninit
    over
    case "fninit with EM"
        mov ax, 4
        lmsw ax
        probe
        fninit
    over
    case "fxsave with TS"
        mov ax, 8
        lmsw ax
        probe
        fxsave [0x8000]
    over
    check "movaps without CR4.OSFXSR", movaps xmm0, xmm1

    ; ---- segments out of protected mode
    %macro unreal 1                             ; FS keeps the descriptor of selector %1
        cli
        lgdt [unreal_table]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp short %%there
%%there:
        mov bx, %1
        mov fs, bx
        and al, 0xFE
        mov cr0, eax
        xor bx, bx
        mov fs, bx
        xor eax, eax
    %endmacro
    case "4 GB stay behind FS"
        unreal 8
        probe
        mov eax, [fs:dword 0x10000 - 4]
        mov ax, [fs:dword 0xFFFF]
        mov al, [fs:dword 0x180000]
        xor eax, eax
    over
    case "a limit of 1000h stays behind FS: inside"
        unreal 16
        probe
        mov ax, [fs:0xFFF]
        xor eax, eax
    over
    case "a limit of 1000h stays behind FS: across"
        unreal 16
        probe
        mov ax, [fs:0x1000]
    over
    case "a limit of 1000h stays behind FS: beyond"
        unreal 16
        probe
        mov al, [fs:0x1001]
    over
    case "the base follows the selector"
        unreal 16
        mov byte [0x1234], 0x99
        mov bx, 0x123
        mov fs, bx
        probe
        mov al, [fs:4]
    over
    case "a read-only segment out of protected mode"
        unreal 24
        probe
        mov [fs:0x600], al
    over
    case "expand-down out of protected mode: below"
        unreal 32
        probe
        mov al, [fs:0xFFF]
    over
    case "expand-down out of protected mode: above"
        unreal 32
        probe
        mov al, [fs:0x1000]
        xor eax, eax
    over
    case "64 KB again"
        unreal 40
        probe
        mov al, [fs:dword 0x10000]
    over

    ; ---- transfers
    case "call and retf"
        probe
        call 0:.far
        jmp short .back
.far:
        mov bp, sp
        mov ax, [bp + 2]
        retf
.back:
    over
    case "call and retf of 32 bits"
        push word 0x1111
        push word 0x2222
        probe
        call dword 0:.far32
        jmp short .back32
.far32:
        mov bp, sp
        mov eax, [bp + 4]
        o32 retf 4
.back32:
    over
    case "retf n releases"
        push word 0x1111
        push cs
        push word .released
        probe
        retf 2
.released:
    over
    case "far jump to another segment"
        mov word [0x605], 0x0B0F                ; ud2
        probe
        jmp 0x60:5
    over
    case "far jump through memory"
        mov dword [0x600], 0x00600005
        mov word [0x605], 0x0B0F
        probe
        jmp far [0x600]
    over
    case "a far call pushes the old CS"
        mov word [0x605], 0x0B0F
        probe
        call 0x50:0x105
    over
    case "enter with 3 levels"
        mov bp, 0x7000
        mov word [0x6FFE], 0x1111
        mov word [0x6FFC], 0x2222
        probe
        enter 8, 3
        mov si, sp
        mov ax, [bp - 2]
        mov bx, [bp - 4]
        mov cx, [bp - 6]
        sub cx, bp
        sub si, bp
        sub bp, 0x7C00
    over
    case "push sp pushes what it was"
        probe
        push sp
        pop ax
        sub ax, sp
    over
    case "pop sp"
        push word 0x7000
        probe
        pop sp
    over
    case "pusha and popa"
        mov ax, 0x1111
        mov di, 0x7777
        probe
        pusha
        xor ax, ax
        xor di, di
        popa
    over
    case "a shift by 33 is a shift by 1"
        mov eax, 1
        mov cl, 33
        probe
        shl eax, cl
    over
    case "leave"
        mov word [0x6000], 0x1234
        mov bp, 0x6000
        probe
        leave
    over

    call finish

    align 4
unreal_table:
    dw unreal_end - unreal_table - 1
    dd unreal_table
    dw 0
    dq 0x00CF93000000FFFF                       ; 08: data, 4 GB
    dq 0x0000930000001000                       ; 10: data, limit 1000h
    dq 0x000091000000FFFF                       ; 18: data, read only
    dq 0x0000970000000FFF                       ; 20: data, expand-down, 16 bits, from 1000h on
    dq 0x000093000000FFFF                       ; 28: data, 64 KB
unreal_end:
image_end:
