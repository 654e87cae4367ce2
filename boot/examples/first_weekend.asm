; The first weekend: 512 bytes that the BIOS loads to 7C00h. They write BOOT into the screen's memory and stop.
;
;   nasm -f bin first_weekend.asm -o first_weekend.img
;   x86 run first_weekend.img --until BOOT

        bits    16
        org     7C00h

start:
        xor     ax, ax
        mov     ds, ax                  ; who knows what the BIOS left in it
        mov     ax, 0B800h
        mov     es, ax                  ; text memory: a character, its colour, the next character ...
        xor     di, di                  ; ... from the top left corner on
        mov     si, text
        mov     ah, 0Fh                 ; bright white on black
        cld
next:
        lodsb
        test    al, al
        jz      done
        stosw
        jmp     next
done:
        cli                             ; nothing may wake it
        hlt
        jmp     done

text:   db      "BOOT", 0

        times   510 - ($ - $$) db 0
        dw      0AA55h                  ; without it the BIOS does not start the sector
