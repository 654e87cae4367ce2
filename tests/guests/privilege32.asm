; Protected mode: what may be executed at which level, I/O permission, interrupts from ring 3, one fault after another.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_protected_mode
%include "prot32.inc"

prepare:
    ret

main_cases:
    ; ---- privileged instructions, at CPL 3
    check3 "hlt at CPL 3", hlt
    check3 "clts at CPL 3", clts
    check3 "lmsw at CPL 3", lmsw ax
    check3 "mov cr0 at CPL 3", mov cr0, eax
    check3 "mov from cr0 at CPL 3", mov eax, cr0
    check3 "mov from cr3 at CPL 3", mov eax, cr3
    check3 "mov from cr1 at CPL 3", db 0x0F, 0x20, 0xC8
    check3 "mov dr7 at CPL 3", mov dr7, eax
    check3 "mov from dr0 at CPL 3", mov eax, dr0
    check3 "lgdt at CPL 3", lgdt [SCRATCH]
    check3 "lidt at CPL 3", lidt [SCRATCH]
    check3 "lldt at CPL 3", lldt ax
    check3 "ltr at CPL 3", ltr ax
    check3 "invlpg at CPL 3", invlpg [0]
    check3 "invd at CPL 3", invd
    check3 "wbinvd at CPL 3", wbinvd
    check3 "rdmsr at CPL 3", rdmsr
    check3 "wrmsr at CPL 3", wrmsr
    check3 "rdpmc at CPL 3", rdpmc
    check3 "sysexit at CPL 3", sysexit
    check3 "sysenter without a selector", sysenter
    check3 "swapgs", db 0x0F, 0x01, 0xF8
    check3 "smsw at CPL 3", smsw ax
    check3 "str at CPL 3", str ax
    check3 "sldt at CPL 3", sldt ax
    check3 "sgdt at CPL 3", sgdt [SCRATCH]
    check3 "sidt at CPL 3", sidt [SCRATCH]
    check3 "lar at CPL 3", lar eax, eax
    check3 "ud2 at CPL 3", ud2
    check3 "into at CPL 3 without overflow", into
    check3 "bound at CPL 3", bound eax, [SCRATCH]
    check3 "lock nop at CPL 3", db 0xF0, 0x90
    check3 "div by 0 at CPL 3", div eax
    case "rdtsc at CPL 3 with TSD"
        mov eax, 4
        mov cr4, eax
        user
        probe
        rdtsc
    over
    case "rdtsc at CPL 3 without TSD"
        user
        probe
        rdtsc
        xor eax, eax
        xor edx, edx
    over
    case "rdtsc at CPL 0 with TSD"
        mov eax, 4
        mov cr4, eax
        probe
        rdtsc
        xor eax, eax
        xor edx, edx
    over
    case "sgdt stores limit and base"
        probe
        sgdt [SCRATCH]
        mov ax, [SCRATCH]
        mov ebx, [SCRATCH + 2]
    over
    case "o16 sgdt stores all of the base"
        mov dword [SCRATCH + 2], -1
        probe
        o16 sgdt [SCRATCH]
        mov ebx, [SCRATCH + 2]
    over
    case "o16 lidt takes 24 bits of the base"
        mov word [SCRATCH], 0x7FF
        mov dword [SCRATCH + 2], 0xFF000000 + IDT
        probe
        o16 lidt [SCRATCH]
        sidt [SCRATCH + 8]
        mov ebx, [SCRATCH + 10]
    over

    ; ---- IOPL and IF
    %macro flag_case 3+                         ; name, flags at CPL 3, instruction
    case %1
        user %2
        probe
        %3
    over
    %endmacro
    %assign level 0
    %rep 4
    %assign flags level << 12 | 2
    %assign l level
    %defstr NUMBER l
    flag_case {"cli at CPL 3, IOPL ", NUMBER}, flags | 0x200, cli
    flag_case {"sti at CPL 3, IOPL ", NUMBER}, flags, sti
    case "popf of 3202h at CPL 3, IOPL ", NUMBER
        user flags
        push dword 0x3202
        probe
        popfd
    over
    case "popf of 0 at CPL 3, IOPL ", NUMBER
        user flags | 0x200
        push dword 2
        probe
        popfd
    over
    case "popf of all at CPL 3, IOPL ", NUMBER
        user flags
        push dword 0x3F7E02
        probe
        popfd
        nop
    over
    case "in at CPL 3, IOPL ", NUMBER
        user flags
        probe
        in al, 0x80
        xor eax, eax
    over
    flag_case {"out at CPL 3, IOPL ", NUMBER}, flags, out 0x80, al
    flag_case {"in from dx at CPL 3, IOPL ", NUMBER}, flags, in eax, dx
    flag_case {"insb at CPL 3, IOPL ", NUMBER}, flags, insb
    flag_case {"outsw at CPL 3, IOPL ", NUMBER}, flags, outsw
    %assign level level + 1
    %endrep
    case "popf of all at CPL 0"
        push dword 0x3F7E02
        probe
        popfd
    over
    case "popf of 16 bits at CPL 0 keeps the upper half"
        push dword 0x240002
        popfd
        push word 2
        probe
        popfw
    over

    ; ---- the I/O map
    %macro map_case 4+                          ; name, byte of the map, its value, instruction
    case %1
        mov byte [IO_MAP + %2], %3
        mov edx, 0x80
        user
        probe
        %4
        xor eax, eax
    over
    %endmacro
    map_case "map: allowed", 0x10, 0xFE, out dx, al
    map_case "map: one port up", 0x10, 0xFD, out dx, al
    map_case "map: a word wants two", 0x10, 0xFE, out dx, ax
    map_case "map: a word has two", 0x10, 0xFC, out dx, ax
    map_case "map: a double word has three", 0x10, 0xF8, out dx, eax
    map_case "map: a double word has four", 0x10, 0xF0, out dx, eax
    map_case "map: an immediate port", 0x10, 0xFE, out 0x80, al
    map_case "map: an immediate port that is not allowed", 0x10, 0xFE, out 0x81, al
    case "map: a word across two bytes of it"
        mov word [IO_MAP + 0x10], 0xFE7F
        mov edx, 0x87
        user
        probe
        out dx, ax
    over
    case "map: a word across two bytes, the second one refuses"
        mov word [IO_MAP + 0x10], 0xFF7F
        mov edx, 0x87
        user
        probe
        out dx, ax
    over
    %macro map_end_case 4                       ; name, limit of the TSS, base of the map, port
    case %1
        mov byte [IO_MAP + 0x10], 0
        mov byte [IO_MAP + 0x11], 0
        mov word [TSS + 102], %3
        mov word [GDT + TSS_SELECTOR], %2
        mov byte [GDT + TSS_SELECTOR + 5], 0x89
        mov ax, TSS_SELECTOR
        ltr ax
        mov edx, %4
        user
        probe
        out dx, al
        xor eax, eax
    over
    %endmacro
    map_end_case "map: two bytes inside the limit", 104 + 0x11, 104, 0x80
    map_end_case "map: one byte inside the limit", 104 + 0x10, 104, 0x80
    map_end_case "map: no byte inside the limit", 104 + 0x0F, 104, 0x80
    map_end_case "map: the base is the limit", 103, 103, 0
    map_end_case "map: the base is behind the limit", 103, 104, 0
    map_end_case "map: the base is FFFFh", 0x2068, 0xFFFF, 0x80
    map_end_case "map: a base of 0 shows the TSS itself", 0x2068, 0, 0
    case "map: a TSS of 286 has none"
        mov byte [IO_MAP + 0x10], 0
        mov byte [GDT + TSS_SELECTOR + 5], 0x81
        mov ax, TSS_SELECTOR
        ltr ax
        mov dword [TSS + 2], DATA0 << 16 | 0xF000
        mov edx, 0x80
        user
        probe
        out dx, al
    over

    ; ---- interrupts
    check3 "int 20h at CPL 3", int 0x20
    check3 "int3 at CPL 3", int3
    check3 "icebp at CPL 3", db 0xF1
    check3 "int 0 at CPL 3", int 0
    check3 "int 1 at CPL 3", int 1
    check3 "int 13 at CPL 3", int 13
    check3 "int 4Fh has an empty gate", int 0x4F
    check "int 20h at CPL 0", int 0x20
    check "int 0 at CPL 0", int 0
    check "int 4Fh at CPL 0 has an empty gate", int 0x4F
    check "int FFh is the last", int 0xFF
    case "into at CPL 3"
        user
        mov al, 0x7F
        inc al
        probe
        into
    over
    case "into at CPL 3 with a gate of DPL 0"
        mov byte [IDT + 8 * 4 + 5], 0x8E
        user
        mov al, 0x7F
        inc al
        probe
        into
    over
    case "int3 at CPL 3 with a gate of DPL 0"
        mov byte [IDT + 8 * 3 + 5], 0x8E
        user
        probe
        int3
    over
    case "int 21h not present"
        mov byte [IDT + 8 * 0x21 + 5], 0x6E
        user
        probe
        int 0x21
    over
    case "int 21h of DPL 0 and not present"
        mov byte [IDT + 8 * 0x21 + 5], 0x0E
        user
        probe
        int 0x21
    over
    case "int 21h behind the limit of the IDT"
        mov word [SCRATCH], 0x21 * 8 + 6
        mov dword [SCRATCH + 2], IDT
        lidt [SCRATCH]
        probe
        int 0x21
    over
    %macro idt_case 3                           ; name, selector, access byte of FREE
    case %1
        descriptor FREE, 0, 0xFFFFF, %3, 0xC
        mov word [IDT + 8 * 0x21 + 2], %2
        user
        probe
        int 0x21
    over
    %endmacro
    idt_case "gate to null", 0, 0x9A
    idt_case "gate behind the GDT", 0x100, 0x9A
    idt_case "gate to an LDT that is not there", 0x0C, 0x9A
    idt_case "gate to data", FREE, 0x92
    idt_case "gate to code not present", FREE, 0x1A
    idt_case "gate to execute-only code", FREE, 0x98
    idt_case "gate with RPL 3", FREE + 3, 0x9A
    idt_case "gate to conforming code of ring 0", FREE, 0x9E
    idt_case "gate to code of ring 3", FREE, 0xFA
    idt_case "gate to conforming code of ring 3", FREE, 0xFE
    case "gate to code of ring 3 from ring 0"
        descriptor FREE, 0, 0xFFFFF, 0xFA, 0xC
        mov word [IDT + 8 * 0x21 + 2], FREE
        probe
        int 0x21
    over
    %assign type 0
    %rep 16
    %if type != 5
    %assign t type
    %defstr NUMBER t
    case "a gate of type ", NUMBER
        mov byte [IDT + 8 * 0x21 + 5], 0xE0 | type
        mov dword [IDT + 8 * 0x21], (CODE0 << 16) + landed_low
        mov word [IDT + 8 * 0x21 + 6], 0
        push dword 0x3202
        popfd
        probe
        int 0x21
    over
    %endif
    %assign type type + 1
    %endrep
    jmp behind_landed
landed_low:                                     ; what the gate pushed, in registers
    mov eax, [esp]
    mov ebx, [esp + 4]
    mov ecx, [esp + 8]
    xor ax, ax
    ud2
behind_landed:
    case "an interrupt gate clears IF, TF and NT"
        interrupt_gate 0x21, CODE0, %$there
        push dword 0x7202
        popfd
        probe
        int 0x21
%$there:
        mov eax, [esp + 8]
    over
    case "a trap gate keeps IF"
        interrupt_gate 0x21, CODE0, %$there, 0x8F
        push dword 0x7202
        popfd
        probe
        int 0x21
%$there:
    over
    case "a handler behind the limit of its segment"
        descriptor FREE, 0, 0x100, 0x9A, 4
        mov word [IDT + 8 * 0x21 + 2], FREE
        probe
        int 0x21
    over

    ; ---- one fault after another
    %macro second_case 3+                       ; name, vector whose gate is not present, instruction
    case %1
        and byte [IDT + 8 * %2 + 5], 0x7F
        probe
        %3
    over
    %endmacro
    second_case "#DE, #NP: double", 0, div ecx
    second_case "#UD, #NP: one after the other", 6, ud1 eax, eax
    second_case "#GP, #NP: double", 13, mov ds, [GDT + 1]
    case "#NM, #NP: one after the other"
        and byte [IDT + 8 * 7 + 5], 0x7F
        mov eax, BASE_CR0 | 8
        mov cr0, eax
        probe
        fninit
    over
    second_case "#BP, #NP: one after the other", 3, int3
    second_case "#OF of int 4, #NP", 4, int 4
    second_case "#DB of icebp, #NP", 1, db 0xF1
    case "#UD at CPL 3, #NP"
        and byte [IDT + 8 * 6 + 5], 0x7F
        user
        probe
        ud1 eax, eax
    over
    case "#GP at CPL 3, #NP: double"
        and byte [IDT + 8 * 13 + 5], 0x7F
        user
        probe
        hlt
    over
    case "#UD with an IDT of 6 entries, #GP"
        mov byte [IDT + 8 * 6 + 2], 0
        mov byte [IDT + 8 * 6 + 3], 0
        probe
        ud1 eax, eax
    over
    case "#GP on the gate of #NP, double"
        and byte [IDT + 8 * 0x21 + 5], 0x7F
        mov word [IDT + 8 * 11 + 2], DATA0
        probe
        int 0x21
    over
    case "#TS when int wants the stack"
        mov word [TSS + 8], 0
        by_task_gate 10
        user
        probe
        int 0x20
    over
    case "#SS when int wants the stack"
        descriptor FREE, SCRATCH, 0xFFF, 0x92, 4
        mov word [TSS + 8], FREE
        mov dword [TSS + 4], 8
        by_task_gate 12
        user
        probe
        int 0x20
    over
    case "#UD, then #TS for the stack"
        mov word [TSS + 8], 0
        by_task_gate 10
        user
        probe
        ud1 eax, eax
    over
    case "#GP, then #TS for the stack: double"
        mov word [TSS + 8], 0
        user
        probe
        hlt
    over
    case "#SS on the stack of ring 0: double"
        descriptor FREE, SCRATCH, 0xFFF, 0x92, 4
        mov ax, FREE
        mov ss, ax
        mov esp, 4
        probe
        push dword [0]
        push eax
    over
    case "#UD with no stack: one after the other, then double"
        descriptor FREE, SCRATCH, 0xFFF, 0x92, 4
        mov ax, FREE
        mov ss, ax
        mov esp, 4
        probe
        ud1 eax, eax
    over

    ; ---- #AC
    %macro align_case 3+                        ; name, flags at CPL 3, instruction
    case %1
        mov eax, BASE_CR0 | 1 << 18
        mov cr0, eax
        user %2
        mov ebx, SCRATCH
        probe
        %3
    over
    %endmacro
    align_case "a word at an odd address", 0x40002, mov ax, [ebx + 1]
    align_case "a double word at 2", 0x40002, mov eax, [ebx + 2]
    align_case "a double word at 4", 0x40002, mov eax, [ebx + 4]
    align_case "a byte", 0x40002, mov al, [ebx + 1]
    align_case "a store at 1", 0x40002, mov [ebx + 1], ax
    align_case "without AC", 2, mov ax, [ebx + 1]
    align_case "cmpxchg8b at 4", 0x40002, cmpxchg8b [ebx + 4]
    case "lodsw at 1"
        mov eax, BASE_CR0 | 1 << 18
        mov cr0, eax
        user 0x40002
        mov esi, SCRATCH + 1
        probe
        lodsw
    over
    align_case "bound at 4", 0x40002, bound eax, [ebx + 4]
    align_case "a far pointer at 2", 0x40002, les eax, [ebx + 2]
    align_case "sgdt at 1", 0x40002, sgdt [ebx + 1]
    case "AC at CPL 0"
        mov eax, BASE_CR0 | 1 << 18
        mov cr0, eax
        push dword 0x40002
        popfd
        probe
        mov ax, [SCRATCH + 1]
    over
    case "#AC and a limit, #GP"
        descriptor FREE, SCRATCH, 0x100, 0xF2, 4
        mov eax, BASE_CR0 | 1 << 18
        mov cr0, eax
        user 0x40002
        mov ax, FREE + 3
        mov fs, ax
        probe
        mov eax, [fs:0xFF]
    over
    case "push with a stack at 2"
        mov eax, BASE_CR0 | 1 << 18
        mov cr0, eax
        user 0x40002
        mov esp, STACK3 - 2
        probe
        push eax
    over

    call finish
image_end:
