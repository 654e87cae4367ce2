; Protected mode: far jumps, calls and returns by type, DPL, RPL and CPL; call gates, with their stacks.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_protected_mode
%include "prot32.inc"
%include "combine.inc"

prepare:
    ret

STACK0      equ MONITOR_STACK - 0x1000                ; of the TSS

; Where gates lead: what is on the stack, in registers; C_SP is that of the stack
%macro landing 1
    mov dword [ss:C_SP], %1
    mov eax, [esp]
    mov ebx, [esp + 4]
    mov ecx, [esp + 8]
    mov edx, [esp + 12]
    mov esi, [esp + 16]
    mov edi, [esp + 20]
    sub eax, %$probe
%endmacro

main_cases:
    ; ---- far jumps, calls and returns to code and data segments
    %macro transfer_cases 2+
    each_combination 0x10, 0x1F
        say %1
        call put_combination
        case ""
            call make_descriptor
            mov eax, [v_selector]
            mov [v_pointer + 4], ax
            mov dword [v_pointer], %$there
            xor eax, eax
            at_level
            push dword DATA3                    ; for returns to an outer level
            push dword STACK3
            push dword [v_selector]
            push dword %$there
            probe
            %2
%$there:
            mov eax, esp
        over
    next_combination
    %endmacro
    transfer_cases "jmp", jmp far [v_pointer]
    transfer_cases "call", call far [v_pointer]
    transfer_cases "retf", retf

    %macro absent_transfer 2+
    case %1, " to code that is not present"
        descriptor FREE, 0, 0xFFFFF, 0x1A, 0xC
        mov dword [v_pointer], %$there
        mov dword [v_pointer + 4], FREE
        push dword FREE
        push dword %$there
        probe
        %2
%$there:
    over
    case %1, " to null"
        mov dword [v_pointer], %$there
        mov dword [v_pointer + 4], 0
        push dword 0
        push dword %$there
        probe
        %2
%$there:
    over
    case %1, " behind the GDT"
        mov dword [v_pointer], %$there
        mov dword [v_pointer + 4], 0x100
        push dword 0x100
        push dword %$there
        probe
        %2
%$there:
    over
    case %1, " behind the limit"
        descriptor FREE, 0, 0x100, 0x9A, 4
        mov dword [v_pointer], %$there
        mov dword [v_pointer + 4], FREE
        push dword FREE
        push dword %$there
        probe
        %2
%$there:
    over
    %endmacro
    absent_transfer "jmp", jmp far [v_pointer]
    absent_transfer "call", call far [v_pointer]
    absent_transfer "retf", retf

    ; ---- jumps and calls to system descriptors: gates with a null target, TSSs without room
    %macro system_transfer 2+
    each_combination 0, 15
        say %1
        call put_combination
        case ""
            call make_descriptor
            mov dword [GDT + FREE], 0           ; limit 0, or target 0
            mov word [GDT + FREE + 6], 0
            mov eax, [v_selector]
            mov [v_pointer + 4], ax
            xor eax, eax
            at_level
            probe
            %2
        over
    next_combination
    %endmacro
    system_transfer "jmp", jmp far [v_pointer]
    system_transfer "call", call far [v_pointer]

    ; ---- call gates
    %macro gate_case 4-5 0xEC                   ; name, level, jmp or call, access byte of the target, of the gate
    case %1
        descriptor FREE, 0, 0xFFFFF, %4, 0xC
        call_gate FREE + 8, FREE, %$there, %5
        %if %2 = 3
        user
        %endif
        probe
        %3 FREE + 8 + %2:0
        nop
%$there:
        landing STACK0
    over
    %endmacro
    gate_case "call gate, 0 to 0", 0, call, 0x9A
    gate_case "jmp gate, 0 to 0", 0, jmp, 0x9A
    gate_case "call gate, 3 to 0", 3, call, 0x9A
    gate_case "jmp gate, 3 to 0", 3, jmp, 0x9A
    gate_case "call gate, 3 to conforming 0", 3, call, 0x9E
    gate_case "jmp gate, 3 to conforming 0", 3, jmp, 0x9E
    gate_case "call gate, 3 to 3", 3, call, 0xFA
    gate_case "call gate, 0 to 3", 0, call, 0xFA
    gate_case "call gate, target not present", 3, call, 0x1A
    gate_case "call gate, target is data", 3, call, 0x92
    gate_case "call gate, target is execute-only", 3, call, 0x98
    gate_case "call gate not present", 3, call, 0x9A, 0x6C
    gate_case "call gate of DPL 0 from 3", 3, call, 0x9A, 0x8C
    gate_case "call gate of DPL 2 from 0", 0, call, 0x9A, 0xCC
    gate_case "call gate of DPL 0 not present from 3", 3, call, 0x9A, 0x0C
    %macro ring_case 2                          ; to rings 1 and 2
    case "call gate, 3 to ", %1
        descriptor FREE, 0, 0xFFFFF, 0x9A | %2 << 5, 0xC
        descriptor FREE + 16, 0, 0xFFFFF, 0x92 | %2 << 5, 0xC
        call_gate FREE + 8, FREE, %$there, 0xEC
        mov dword [TSS + 4 + 8 * %2], STACK0
        mov dword [TSS + 8 + 8 * %2], FREE + 16 + %2
        user
        probe
        call FREE + 8:0
%$there:
        landing STACK0
    over
    %endmacro
    ring_case "1", 1
    ring_case "2", 2
    %macro parameter_case 4                     ; name, access byte of the gate, parameters, flags of the target
    case %1
        descriptor FREE, 0, 0xFFFFF, 0x9A, %4
        call_gate FREE + 8, FREE, %$there, %2, %3
        user
        push dword 0x11112222
        push dword 0x33334444
        push dword 0x55556666
        push dword 0x77778888
        probe
        call FREE + 8:0
%$there:
        landing STACK0
    over
    %endmacro
    parameter_case "call gate with 1 parameter", 0xEC, 1, 0xC
    parameter_case "call gate with 3 parameters", 0xEC, 3, 0xC
    parameter_case "call gate of 16 bits", 0xE4, 0, 0xC
    parameter_case "call gate of 16 bits with 2 parameters", 0xE4, 2, 0xC
    case "31 parameters, and back with retf n"
        descriptor FREE, 0, 0xFFFFF, 0x9A, 0xC
        call_gate FREE + 8, FREE, .parameters, 0xEC, 31
        user
        sub esp, 31 * 4
        mov dword [esp], 0x1234
        mov dword [esp + 30 * 4], 0x5678
        probe
        call FREE + 8:0
        nop
        jmp .returned
.parameters:
        mov eax, [esp + 8]
        mov ebx, [esp + 8 + 30 * 4]
        mov ecx, [esp + 8 + 31 * 4]
        retf 31 * 4
.returned:
    over

    ; ---- the inner stack
    %macro stack_case 3                         ; name, SS0, its access byte
    case %1
        descriptor FREE + 16, 0, 0xFFFFF, %3, 0xC
        call_gate FREE + 8, CODE0, %$there, 0xEC
        by_task_gate 10
        mov word [TSS + 8], %2
        user
        probe
        call FREE + 8:0
%$there:
    over
    %endmacro
    stack_case "inner stack: null", 0, 0x92
    stack_case "inner stack: RPL 3", FREE + 16 + 3, 0x92
    stack_case "inner stack: DPL 3", FREE + 16, 0xF2
    stack_case "inner stack: DPL 3 and RPL 3", FREE + 16 + 3, 0xF2
    stack_case "inner stack: read-only", FREE + 16, 0x90
    stack_case "inner stack: code", FREE + 16, 0x9A
    stack_case "inner stack: a system segment", FREE + 16, 0x82
    stack_case "inner stack: behind the GDT", 0x100, 0x92
    stack_case "inner stack: from the LDT that is not there", 0x0C, 0x92
    %macro short_stack 4                        ; name, limit, flags, ESP0
    case %1
        descriptor FREE + 16, SCRATCH, %2, 0x92, %3
        call_gate FREE + 8, CODE0, %$there, 0xEC
        by_task_gate 12
        mov word [TSS + 8], FREE + 16
        mov dword [TSS + 4], %4
        user
        probe
        call FREE + 8:0
%$there:
        landing %4
    over
    %endmacro
    short_stack "inner stack: no room", 0xFFF, 4, 8
    short_stack "inner stack: room for nothing", 0xFFF, 4, 0
    short_stack "inner stack: above the limit", 0xFF, 4, 0x800
    case "inner stack: not present"
        descriptor FREE + 16, 0, 0xFFFFF, 0x12, 0xC
        call_gate FREE + 8, CODE0, %$there, 0xEC
        by_task_gate 12
        mov word [TSS + 8], FREE + 16
        user
        probe
        call FREE + 8:0
%$there:
    over
    case "inner stack: of 16 bits"
        descriptor FREE + 16, SCRATCH, 0xFFF, 0x92, 0
        call_gate FREE + 8, CODE0, %$there, 0xEC
        mov word [TSS + 8], FREE + 16
        mov dword [TSS + 4], 0x12340800
        user
        probe
        call FREE + 8:0
%$there:
        mov eax, esp
        movzx esp, sp
        mov ebx, [esp]
        sub ebx, %$probe
        mov ecx, [esp + 12]
    over

    ; ---- returns to an outer level
    %macro return_case 5-6 0                    ; name, CS, ESP, SS, access byte of FREE; bytes to release
    case %1
        descriptor FREE, 0, 0xFFFFF, %5, 0xC
        mov dword [C_SP], STACK3
        push dword %4
        push dword %3
        %if %6
        sub esp, %6
        %endif
        push dword %2
        push dword %$there
        probe
        retf %6
%$there:
    over
    %endmacro
    return_case "retf to ring 3", CODE3, STACK3, DATA3, 0
    return_case "retf to ring 3 releases on both stacks", CODE3, STACK3, DATA3, 0, 8
    return_case "retf to ring 3 with a null stack", CODE3, STACK3, 3, 0
    return_case "retf to ring 3 with the stack of ring 0", CODE3, STACK3, DATA0, 0
    return_case "retf to ring 3 with RPL 0 of the stack", CODE3, STACK3, DATA3 & ~3, 0
    return_case "retf to ring 3 with a read-only stack", CODE3, STACK3, FREE + 3, 0xF0
    return_case "retf to ring 3 with a stack that is not present", CODE3, STACK3, FREE + 3, 0x72
    return_case "retf to ring 3 with a stack behind the GDT", CODE3, STACK3, 0x103, 0
    return_case "retf to code of ring 3 with RPL 0", CODE3 & ~3, STACK3, DATA3, 0
    return_case "retf to conforming code of ring 0 with RPL 3", FREE + 3, STACK3, DATA3, 0x9E
    return_case "retf to conforming code of ring 3 with RPL 0", FREE, STACK3, DATA3, 0xFE
    case "retf drops data segments of ring 0"
        descriptor FREE, 0, 0xFFFFF, 0x9E, 0xC
        mov ax, FREE
        mov gs, ax
        mov ax, DATA3
        mov fs, ax
        push dword DATA3
        push dword STACK3
        push dword CODE3
        push dword %$there
        probe
        retf
%$there:
    over
    case "retf to a stack of 16 bits"
        descriptor FREE, 0, 0xFFFFF, 0xF2, 0
        mov esp, 0x00065678
        push dword FREE + 3
        push dword 0x12349ABC
        push dword CODE3
        push dword %$there
        probe
        retf
%$there:
    over

    ; ---- IRET
    %macro iret_case 4-5 DATA3                  ; name, CS, flags, SS's descriptor, SS
    case %1
        descriptor FREE, 0, 0xFFFFF, %4, 0xC
        mov dword [C_SP], STACK3
        push dword %5
        push dword STACK3
        push dword %3
        push dword %2
        push dword %$there
        probe
        iretd
%$there:
    over
    %endmacro
    iret_case "iret to ring 3", CODE3, 0x2, 0
    iret_case "iret to ring 3 with all flags", CODE3, 0x247ED7 & ~0x4100, 0
    iret_case "iret to ring 3 with VIF and VIP", CODE3, 0x180002, 0
    iret_case "iret to ring 0", CODE0, 0x3202, 0
    iret_case "iret to null", 0, 2, 0
    iret_case "iret to data", DATA0, 2, 0
    iret_case "iret to ring 3 with a null stack", CODE3, 2, 0, 0
    iret_case "iret to ring 3 with a stack not present", CODE3, 2, 0x72, FREE + 3
    iret_case "iret to ring 3 with a stack of ring 0", CODE3, 2, 0x92, FREE
    iret_case "iret to code not present", FREE, 2, 0x1A
    case "iret of 16 bits keeps the upper half of the flags"
        push dword 0x240002
        popfd
        push word 2
        push word CODE0
        mov eax, %$there
        push ax
        mov word [SCRATCH], 0
        probe
        o16 iret
%$there:
    over
    case "iret at CPL 3 to ring 0"
        user
        push dword 2
        push dword CODE0
        push dword %$there
        probe
        iretd
%$there:
    over
    case "iret at CPL 3 changes neither IOPL nor IF"
        user
        push dword 0x3202
        push dword CODE3
        push dword %$there
        probe
        iretd
%$there:
    over
    case "iret at CPL 3 with IOPL 3 changes IF"
        user 0x3002
        push dword 0x0202
        push dword CODE3
        push dword %$there
        probe
        iretd
%$there:
    over
    case "iret at CPL 3 does not enter V86 mode"
        user
        push dword 0x20002
        push dword CODE3
        push dword %$there
        probe
        iretd
%$there:
    over

    call finish
image_end:
