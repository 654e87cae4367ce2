; The protected-mode interface of the VESA BIOS extension: what INT 10h AX=4F0Ah points to. Programs copy it to wherever
; they like, so every address in it is relative. It is called near, with a right to the ports and with flat segments.
;
; Source: VESA BIOS Extension Core Functions Standard 3.0, "Function 0Ah - Return VBE Protected Mode Interface".

bits 32

DISPLAY         equ 1CEh                ; the Bochs display interface: index here, data in the next word
DEPTH           equ 3
BANK            equ 5
VIRTUAL_WIDTH   equ 6
START_X         equ 8
START_Y         equ 9

table:  dw      set_window - table
        dw      set_start - table
        dw      set_palette - table
        dw      0                       ; no memory and ports but those that everybody may use

set_window:                             ; DX = bank
        push    edx
        push    edx
        mov     ax, BANK
        mov     dx, DISPLAY
        out     dx, ax
        inc     edx
        pop     eax
        out     dx, ax
        pop     edx
        mov     ax, 4Fh
        ret

set_start:                              ; DX:CX = where the picture starts, in units of four bytes; one with planes
        push    ebx
        push    ecx
        push    edx
        shl     edx, 16
        mov     dx, cx
        mov     ecx, edx
        mov     ax, VIRTUAL_WIDTH
        call    read
        movzx   ebx, ax
        mov     ax, DEPTH
        call    read
        movzx   eax, ax
        cmp     al, 4
        je      .planes
        add     eax, 7
        shr     eax, 3                  ; bytes a dot
        shl     ecx, 2
        imul    ebx, eax                ; bytes a line
        push    eax
        jmp     .lines
.planes:
        shr     ebx, 3
        push    byte 0
.lines: test    ebx, ebx
        jz      .never                  ; nobody ever switched the frame buffer on
        mov     eax, ecx
        xor     edx, edx
        div     ebx
        pop     ebx
        push    eax                     ; the line
        mov     eax, edx
        xor     edx, edx
        test    ebx, ebx
        jz      .eight
        div     ebx
        jmp     .set
.eight: shl     eax, 3                  ; eight dots a byte
.set:   mov     ecx, eax
        mov     ax, START_X
        call    write
        pop     ecx
        mov     ax, START_Y
        call    write
        push    eax
.never: pop     eax
        pop     edx
        pop     ecx
        pop     ebx
        mov     ax, 4Fh
        ret

read:                                   ; register AX of the display interface to AX
        mov     dx, DISPLAY
        out     dx, ax
        inc     edx
        in      ax, dx
        ret

write:                                  ; CX to register AX
        mov     dx, DISPLAY
        out     dx, ax
        inc     edx
        mov     eax, ecx
        out     dx, ax
        ret

set_palette:                            ; CX entries from DX on, at ES:EDI: blue, green, red, nothing
        push    ecx
        push    edx
        push    edi
        movzx   ecx, cx
        mov     al, dl
        mov     dx, 3C8h
        out     dx, al
        inc     edx
        jecxz   .done
.entry: mov     al, [es:edi+2]
        out     dx, al
        mov     al, [es:edi+1]
        out     dx, al
        mov     al, [es:edi]
        out     dx, al
        add     edi, 4
        loop    .entry
.done:  pop     edi
        pop     edx
        pop     ecx
        mov     ax, 4Fh
        ret
