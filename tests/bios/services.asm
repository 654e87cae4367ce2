; Calls BIOS services one after the other and prints, on COM1, what each of them left in the registers.
;
; A case is a row of the table that tests/bios/seabios.py writes behind this program:
;
;     db  interrupt, 0                        0FFh ends the table
;     dw  DS, ES, FLAGS
;     dd  EAX, EBX, ECX, EDX, ESI, EDI, EBP
;
; A line is: the seven registers, DS, ES, SP's difference, FLAGS, and the first 32 bytes of the buffer at 5000h, into which
; each case gets 64 bytes of EEh, or the 64 bytes that stand behind the row if its second byte is 1.

        bits 16
        org 7C00h

BUFFER  equ 5000h

        jmp 0:start
start:  xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7C00h
        sti
        cld
        mov bp, sectors                 ; how many sectors follow the boot sector
        mov si, 1
        mov bx, 7E00h / 16
.read:  mov es, bx
        mov ax, si                      ; LBA -> CHS of a 1.44 MB diskette
        mov cl, 18
        div cl
        mov cl, ah
        inc cl
        mov dh, al
        and dh, 1
        shr al, 1
        mov ch, al
        mov dl, 0
        mov ax, 0201h
        push bx
        xor bx, bx
        int 13h
        pop bx
        jc  .failed
        add bx, 32
        inc si
        dec bp
        jnz .read
        jmp main
.failed:
        mov al, '!'
        call put
        jmp done

put:    push dx
        push ax
        mov dx, 3FDh
.busy:  in al, dx
        test al, 20h
        jz .busy
        pop ax
        mov dx, 3F8h
        out dx, al
        pop dx
        ret

done:   mov al, 10
        call put
        mov dx, 3FDh
.busy:  in al, dx
        test al, 40h
        jz .busy
        mov dx, 0F4h
        mov al, 0
        out dx, al
        cli
        hlt

        times 510-($-$$) db 0
        dw 0AA55h

main:   mov word [row], table
next:   xor ax, ax
        mov ds, ax
        mov es, ax
        cld
        mov di, BUFFER
        mov cx, 32
        mov ax, 0EEEEh
        rep stosw
        mov si, [row]
        mov al, [si]
        cmp al, 0FFh
        je done
        mov [number], al
        cmp byte [si+1], 0
        je .plain
        push si
        add si, 36
        mov di, BUFFER
        mov cx, 32
        rep movsw
        pop si
        add word [row], 64
.plain: add word [row], 36
        mov eax, [si+8]
        mov [regs], eax
        mov ebx, [si+12]
        mov ecx, [si+16]
        mov edx, [si+20]
        mov edi, [si+28]
        mov ebp, [si+32]
        push word [si+6]
        push word [si+4]
        push word [si+2]
        mov esi, [si+24]
        pop ds
        pop es
        mov eax, [cs:regs]
        popf
        mov [cs:stack], sp
        db 0CDh
number: db 0
        pushf
        cli
        mov [cs:regs], eax
        pop ax
        mov [cs:flags], ax
        mov ax, sp
        mov [cs:after], ax
        mov sp, [cs:stack]
        mov ax, ds
        push ax
        xor ax, ax
        mov ds, ax
        pop word [dsreg]
        mov [esreg], es
        mov [regs+4], ebx
        mov [regs+8], ecx
        mov [regs+12], edx
        mov [regs+16], esi
        mov [regs+20], edi
        mov [regs+24], ebp
        sti
        cld
        xor ax, ax
        mov es, ax
        mov si, regs
        mov cx, 7
.long:  mov eax, [si]
        add si, 4
        mov dl, 8
        call hex
        loop .long
        mov cx, 5
        mov ax, [after]
        sub ax, [stack]
        mov [after], ax
        mov ax, [flags]
        and ax, 0641h                   ; DF, IF, ZF, CF
        mov [flags], ax
        mov word [stack], 0
        mov cx, 4
        mov si, dsreg
.short: mov ax, [si]
        add si, 2
        shl eax, 16
        mov dl, 4
        call hex
        loop .short
        mov si, BUFFER
        mov cx, 32
.byte:  mov al, [si]
        inc si
        shl eax, 24
        mov dl, 2
        call digits
        loop .byte
        mov al, 10
        call put
        jmp next

; A space behind DL digits from the top of EAX.
hex:    call digits
        push ax
        mov al, ' '
        call put
        pop ax
        ret
digits: rol eax, 4
        push ax
        and al, 0Fh
        add al, '0'
        cmp al, '9'
        jbe .put
        add al, 'A' - '9' - 1
.put:   call put
        pop ax
        dec dl
        jnz digits
        ret

row:    dw 0
regs:   times 7 dd 0
stack:  dw 0
dsreg:  dw 0
esreg:  dw 0
after:  dw 0
flags:  dw 0

        align 16, db 0
table:
%include "table.inc"
        db 0FFh
        times 512-(($-$$) % 512) db 0
sectors equ ($-$$) / 512 - 1
