; The firmware's own code in memory: how a service of the tables reaches Python, how Python calls functions of the guest,
; and what interrupts and exceptions do. It is copied to wherever the firmware has room, so nothing in it is absolute.
;
; A service's stub (written by stubs.py, one a service) is
;       mov     eax, number
;       out     0B6h, al            ; the service runs in Python; RAX is its result, or
;       jc      call_out            ; CF = 1: functions of the guest are to be called first
;       ret
;
; nasm -f bin stubs.asm -o stubs.bin        (python -m boot.uefi.build)
bits 64
org 0

SERVICE         equ     0B6h
NEXT            equ     0B7h
EXCEPTION       equ     0B8h
PIC_COMMAND     equ     20h
END_OF_INTERRUPT equ    20h

; Where things are: stubs.py reads these.
        dd      call_out, call_out.next, idle, nothing, timer, spurious, exceptions, start, tick, manage

; Callee-saved registers belong to the caller of the service; they are kept here, so that Exit() may cut through whatever
; the guest's function did. The stack, from rsp up: 16 arguments (the first four are room for the called), xmm6 to xmm15.
align 16
call_out:
        push    rbp
        mov     rbp, rsp
        push    rbx
        push    rsi
        push    rdi
        push    r12
        push    r13
        push    r14
        push    r15
        sub     rsp, 128 + 160
        and     rsp, -16
%assign n 6
%rep 10
        movaps  [rsp + 128 + (n - 6) * 16], xmm %+ n
%assign n n + 1
%endrep
.next:  out     NEXT, al                ; CF = 1: RAX is the next function, its arguments are in place
        jnc     .done                   ; CF = 0: RAX is the service's result
        call    rax
        jmp     .next
.done:
%assign n 6
%rep 10
        movaps  xmm %+ n, [rsp + 128 + (n - 6) * 16]
%assign n n + 1
%endrep
        lea     rsp, [rbp - 7 * 8]
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rdi
        pop     rsi
        pop     rbx
        pop     rbp
        ret

; What a service calls to wait: until the next interrupt, which is the timer's at the latest.
align 16
idle:   sti
        hlt
nothing:
        ret                             ; and what it calls to let interrupts in, without waiting for one

; IRQ 0. Whatever was running, its volatile registers stay what they are; notifications run from `tick`.
align 16
timer:  push    rbp
        mov     rbp, rsp
        push    rax
        push    rcx
        push    rdx
        push    r8
        push    r9
        push    r10
        push    r11
        cld
        mov     al, END_OF_INTERRUPT
        out     PIC_COMMAND, al
        sub     rsp, 512 + 32
        and     rsp, -16
        fxsave64 [rsp + 32]
        call    tick
        fxrstor64 [rsp + 32]
        lea     rsp, [rbp - 7 * 8]
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rdx
        pop     rcx
        pop     rax
        pop     rbp
        iretq

; Every other interrupt. Nobody enabled it, so the controller is only told that it was seen.
align 16
spurious:
        push    rax
        mov     al, END_OF_INTERRUPT
        out     0A0h, al
        out     PIC_COMMAND, al
        pop     rax
        iretq

; Exceptions 0 to 31, 16 bytes each: Python knows the vector by the address, and the machine does not go on.
align 16
exceptions:
%rep 32
        out     EXCEPTION, al
        cli
        hlt
        jmp     $ - 2
        align   16
%endrep

; Where reset.asm goes on, with the processor as the specification wants it and the tables in place.
align 16
start:  sub     rsp, 32
        sti
        call    manage
        cli
        hlt
        jmp     $ - 2

; The services that only this code calls; their numbers are filled in when it is copied.
align 16
tick:   mov     eax, 0
        out     SERVICE, al
        jc      call_out
        ret
align 16
manage: mov     eax, 0
        out     SERVICE, al
        jc      call_out
        ret
