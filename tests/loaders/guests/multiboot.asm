; A kernel for every multiboot loader: it tells on COM1 what it was told, in hexadecimal, a line for each thing, and switches
; the machine off. With -DVERSION=1 or 2 it has that header; the other definitions add tags or flags to it:
;
;   FLAGS=n             multiboot 1: flags of the header       MODE='type, width, height, depth' behind them
;   FRAME='w, h, depth' multiboot 2: a frame buffer tag        RELOCATABLE='min, max, align, preference'
;
; Lines are "name bytes", as in memory; registers are four bytes. A tag's name is its type.

        bits 32
        global start
%ifndef FLAGS
%define FLAGS 3
%endif

        section .multiboot progbits alloc noexec nowrite align=8
%if VERSION == 1
        dd 0x1BADB002, FLAGS, -(0x1BADB002 + FLAGS)
        dd 0, 0, 0, 0, 0
%ifdef MODE
        dd MODE
%endif
%else
header:
        dd 0xE85250D6, 0, header_end - header, 0x100000000 - (0xE85250D6 + (header_end - header))
        dw 1, 0                         ; information request: command line, memory map, frame buffer
        dd 20, 1, 6, 8
        align 8
%ifdef FRAME
        dw 5, 0
        dd 20, FRAME
        align 8
%endif
%ifdef RELOCATABLE
        dw 10, 0
        dd 24, RELOCATABLE
%endif
        dw 6, 0                         ; modules on pages
        dd 8
        dw 0, 0
        dd 8
header_end:
%endif

; ---- code, wherever it is -------------------------------------------------------------------------------------------------

%define AT(label) [ebp + label - here]

        section .text
start:
        mov esp, 0x7000                 ; the one thing that is taken for granted: low memory below 7000h is free
        pushfd
        push eax
        push ebx
        call here
here:   pop ebp
        lea esi, AT(name_eax)
        lea edi, [esp + 4]
        mov ecx, 4
        call dump
        lea esi, AT(name_eflags)
        lea edi, [esp + 8]
        call dump
        mov eax, cr0
        lea esi, AT(name_cr0)
        call register
        lea esi, AT(name_here)
        mov eax, ebp
        call register
        mov ax, cs
        lea esi, AT(name_cs)
        call descriptor
        mov ax, ds
        lea esi, AT(name_ds)
        call descriptor
        mov ax, ss
        lea esi, AT(name_ss)
        call descriptor
        lea esi, AT(name_mode)
        mov edi, 0x449                  ; the BIOS's video mode
        mov ecx, 1
        call dump
        pop ebx
        pop eax
        cmp eax, 0x36D76289
        je version_2

; ---- multiboot 1 -----------------------------------------------------------------------------------------------------------

        lea esi, AT(name_info)
        mov edi, ebx
        mov ecx, 120
        call dump
        test byte [ebx], 4
        jz .modules
        lea esi, AT(name_cmdline)
        mov edi, [ebx + 16]
        call string
.modules:
        test byte [ebx], 8
        jz .sections
        mov edx, [ebx + 20]
        mov eax, [ebx + 24]
.module:
        lea esi, AT(name_module)
        mov edi, eax
        mov ecx, 16
        call dump
        lea esi, AT(name_string)
        mov edi, [eax + 8]
        call string
        lea esi, AT(name_start)
        mov edi, [eax]
        mov ecx, 8
        call dump
        add eax, 16
        dec edx
        jnz .module
.sections:
        test byte [ebx], 0x20
        jz .map
        mov ecx, [ebx + 28]
        mov edx, [ebx + 40]
        mov edi, [ebx + 36]
        call sections
.map:
        lea esi, AT(name_map)
        mov edi, [ebx + 48]
        mov ecx, [ebx + 44]
        call dump
        lea esi, AT(name_loader)
        mov edi, [ebx + 64]
        call string
        jmp off

; ---- multiboot 2 -----------------------------------------------------------------------------------------------------------

version_2:
        lea esi, AT(name_info)
        mov edi, ebx
        mov ecx, 8
        call dump
        add ebx, 8
.tag:
        mov al, [ebx]                   ; the type, as two digits, is the line's name
        call digits
        lea esi, AT(name_none)
        mov edi, ebx
        mov ecx, [ebx + 4]
        call dump
        cmp dword [ebx], 3
        jne .no_module
        lea esi, AT(name_start)
        mov edi, [ebx + 8]
        mov ecx, 8
        call dump
.no_module:
        cmp dword [ebx], 9
        jne .no_sections
        cmp dword [ebx + 8], 0
        je .no_sections
        mov ecx, [ebx + 8]
        mov edx, [ebx + 16]
        lea edi, [ebx + 20]
        call sections
.no_sections:
        cmp dword [ebx], 0
        je off
        mov eax, [ebx + 4]
        lea ebx, [ebx + eax + 7]
        and ebx, -8
        jmp .tag

off:
        mov dx, 0x3FD                   ; the last byte has to be out
        in al, dx
        test al, 0x40
        jz off
        mov dx, 0x604
        mov ax, 0x2000
        out dx, ax
        cli
        hlt

; ---- printing ----------------------------------------------------------------------------------------------------------------

; ECX section headers of 40 bytes at EDI, EDX the one whose section has their names: the headers, then that section.
sections:
        lea esi, AT(name_sections)
        imul ecx, 40
        call dump
        imul edx, 40
        add edi, edx
        mov ecx, [edi + 20]
        mov edi, [edi + 12]
        lea esi, AT(name_names)
        jmp dump

; AX a selector: its access rights and its limit.
descriptor:
        push eax
        lar ecx, eax
        shr ecx, 8
        and ecx, 0xF0FF
        lsl eax, eax
        xchg eax, ecx
        call register
        mov eax, ecx
        lea esi, AT(name_limit)
        call register
        pop eax
        ret

register:
        push edi
        push ecx
        push eax
        mov edi, esp
        mov ecx, 4
        call dump
        pop eax
        pop ecx
        pop edi
        ret

; The text at EDI.
string:
        xor ecx, ecx
.length:
        cmp byte [edi + ecx], 0
        je dump
        inc ecx
        jmp .length

; The name at ESI, ECX bytes from EDI in hexadecimal, a new line.
dump:
        pushad
.name:
        lodsb
        test al, al
        jz .bytes
        call put
        jmp .name
.bytes:
        mov al, ' '
        call put
        jecxz .end
.byte:
        mov al, [edi]
        call digits
        inc edi
        loop .byte
.end:
        mov al, 10
        call put
        popad
        ret

digits:
        push eax
        shr al, 4
        call digit
        pop eax
        push eax
        and al, 15
        call digit
        pop eax
        ret

digit:
        cmp al, 10
        sbb al, 0x69
        das
put:
        push edx
        push eax
        mov dx, 0x3FD
.wait:
        in al, dx
        test al, 0x20
        jz .wait
        pop eax
        mov dx, 0x3F8
        out dx, al
        pop edx
        ret

        section .rodata
name_eax:       db "eax", 0
name_eflags:    db "eflags", 0
name_cr0:       db "cr0", 0
name_here:      db "here", 0
name_cs:        db "cs", 0
name_ds:        db "ds", 0
name_ss:        db "ss", 0
name_limit:     db "limit", 0
name_mode:      db "mode", 0
name_info:      db "info", 0
name_cmdline:   db "cmdline", 0
name_module:    db "module", 0
name_string:    db "string", 0
name_start:     db "start", 0
name_map:       db "map", 0
name_loader:    db "loader", 0
name_sections:  db "sections", 0
name_names:     db "names", 0
name_none:      db 0

        section .data
        db "a section with data"
        section .bss
        resb 5000
