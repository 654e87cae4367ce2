; Protected mode: task switches by JMP, CALL, IRET, interrupts and task gates, and faults in the middle of them.

%include "boot.inc"
%include "print.inc"
%include "case.inc"
%include "report.inc"
main:
    jmp enter_protected_mode
%include "prot32.inc"

prepare:
    ret

TASK        equ SCRATCH                         ; the other task's TSS; its descriptor is FREE
TASK_STACK  equ MONITOR_STACK - 0x3000
TASK_GATE   equ FREE + 8
OTHER       equ FREE + 16

; The other task: a TSS of 386 that begins at the label %$there
%macro task 0
    descriptor FREE, TASK, 0x67, 0x89, 0
    mov dword [GDT + TASK_GATE], FREE << 16
    mov dword [GDT + TASK_GATE + 4], 0xE500
    mov dword [TASK + 32], %$there
    mov dword [TASK + 36], 2
    mov dword [TASK + 56], TASK_STACK
    mov dword [TASK + 72], DATA0
    mov dword [TASK + 76], CODE0
    mov dword [TASK + 80], DATA0
    mov dword [TASK + 84], DATA0
    mov dword [TASK + 88], DATA0
    mov dword [TASK + 92], DATA0
    mov dword [C_SP], TASK_STACK
%endmacro

%macro task16 0                                 ; and of 286
    descriptor FREE, TASK, 0x2B, 0x81, 0
    mov eax, %$there
    mov [TASK + 14], ax
    mov word [TASK + 16], 2
    mov word [TASK + 26], TASK_STACK & 0xFFFF
    mov word [TASK + 34], DATA0
    mov word [TASK + 36], CODE0
    mov word [TASK + 38], OTHER
    mov word [TASK + 40], DATA0
    descriptor OTHER, TASK_STACK & 0xFFFF0000, 0xFFFF, 0x92, 0
    xor eax, eax
    mov dword [C_SP], TASK_STACK & 0xFFFF
%endmacro

; What is to be seen in the new task: flags, link, the saved EIP and flags, TS and TR
%macro arrived 0
%$there:
    pushfd
    pop eax
    mov ebx, [TASK]
    mov ecx, [TSS + 32]
    sub ecx, %$probe
    mov edx, [TSS + 36]
    mov esi, cr0
    and esi, 8
    str di
%endmacro

%macro end_task 0                               ; the busy bit of the other task, or of what is watched
    over_and
    movzx eax, byte [watched_after + 1]
    show "access", xax
    end_line
%endmacro

%macro switch_case 2+                           ; name, instruction that switches
    case %1
        task
        probe
        %2
        arrived
    end_task
    case %1, ": the old task"
        task
        mov dword [watched], GDT + TSS_SELECTOR + 4
        mov eax, 0x11111111
        mov ebx, 0x22222222
        mov edi, 0x77777777
        probe
        %2
%$there:
        mov eax, [TSS + 40]
        mov ebx, [TSS + 52]
        mov ecx, [TSS + 56]
        mov edx, [TSS + 72]
        mov esi, [TSS + 76]
        mov edi, [TSS + 80]
    end_task
%endmacro

main_cases:
    switch_case "jmp to a TSS", jmp FREE:0
    switch_case "call of a TSS", call FREE:0
    switch_case "jmp through a task gate", jmp TASK_GATE:0
    switch_case "call through a task gate", call TASK_GATE:0
    case "int through a task gate"
        task
        mov dword [IDT + 8 * 0x21], FREE << 16
        mov dword [IDT + 8 * 0x21 + 4], 0xE500
        probe
        int 0x21
        arrived
    end_task
    case "int at CPL 3 through a task gate"
        task
        mov dword [IDT + 8 * 0x21], FREE << 16
        mov dword [IDT + 8 * 0x21 + 4], 0xE500
        user
        mov dword [C_SP], TASK_STACK
        mov dword [C_BASELINE], base_segments
        probe
        int 0x21
        arrived
    end_task
    case "#UD through a task gate"
        task
        mov dword [IDT + 8 * 6], FREE << 16
        mov dword [IDT + 8 * 6 + 4], 0x8500
        probe
        ud1 eax, eax
%$there:
        mov dword [IDT + 8 * 6], (CODE0 << 16) + stubs + 6 * 16
        mov dword [IDT + 8 * 6 + 4], 0x8E00
        pushfd
        pop eax
        mov ecx, [TSS + 32]
        sub ecx, %$probe
        mov edx, [TSS + 36]
    end_task
    case "#GP through a task gate pushes the error code"
        task
        mov dword [IDT + 8 * 13], FREE << 16
        mov dword [IDT + 8 * 13 + 4], 0x8500
        mov ax, 0x104
        probe
        mov ds, ax
%$there:
        mov eax, [esp]
        mov ecx, [TSS + 32]
        sub ecx, %$probe
    end_task
    case "call, and back with iret"
        task
        mov eax, 0x1234
        mov dword [C_SP], MONITOR_STACK
        probe
        call FREE:0
        mov ecx, [TASK + 32]
        sub ecx, %$probe
        mov edx, [TASK + 36]
        mov ebx, [TASK]
        pushfd
        pop esi
        str di
        jmp %$done
%$there:
        iretd
        nop
%$done:
        mov esp, [C_STACK]
    end_task
    case "iret without a link"
        push dword 0x4002
        popfd
        probe
        iretd
    over
    case "iret to a task that is not busy"
        task
        mov word [TSS], FREE
        push dword 0x4002
        popfd
        mov dword [C_SP], MONITOR_STACK
        probe
        iretd
%$there:
        mov esp, [C_STACK]
    over
    case "iret to a busy task"
        task
        mov byte [GDT + FREE + 5], 0x8B
        mov word [TSS], FREE
        mov dword [TASK + 36], 0x4002
        push dword 0x4002
        popfd
        probe
        iretd
        arrived
    end_task
    case "iret to a link in the LDT"
        mov word [TSS], FREE + 4
        push dword 0x4002
        popfd
        probe
        iretd
    over
    case "iret to a task not present"
        task
        mov byte [GDT + FREE + 5], 0x0B
        mov word [TSS], FREE
        push dword 0x4002
        popfd
        mov dword [C_SP], MONITOR_STACK
        probe
        iretd
%$there:
    over
    case "iret at CPL 3 with NT"
        task
        mov byte [GDT + FREE + 5], 0x8B
        mov word [TSS], FREE
        user 0x4002
        mov dword [C_SP], TASK_STACK
        mov dword [C_BASELINE], base_segments
        probe
        iretd
        arrived
    end_task

    ; ---- refused before the switch
    %macro refused_case 3+                      ; name, what is wrong, instruction
    case %1
        task
        mov dword [C_SP], esp
        %2
        probe
        %3
%$there:
    over
    %endmacro
    refused_case "jmp to a busy TSS", {mov byte [GDT + FREE + 5], 0x8B}, jmp FREE:0
    refused_case "call of a busy TSS", {mov byte [GDT + FREE + 5], 0x8B}, call FREE:0
    refused_case "jmp to a TSS not present", {mov byte [GDT + FREE + 5], 0x09}, jmp FREE:0
    refused_case "jmp to a TSS that is too short", {mov byte [GDT + FREE], 0x66}, jmp FREE:0
    refused_case "call of a TSS that is too short", {mov byte [GDT + FREE], 0x66}, call FREE:0
    refused_case "jmp to a TSS of 286 that is too short", {mov dword [GDT + FREE], ((TASK & 0xFFFF) << 16) + 0x2A}, jmp FREE:0
    refused_case "jmp with RPL 3", nop, jmp FREE + 3:0
    refused_case "a task gate with RPL 3", nop, call TASK_GATE + 3:0
    refused_case "a task gate of DPL 0", {mov byte [GDT + TASK_GATE + 5], 0x85}, call TASK_GATE + 3:0
    refused_case "a task gate not present", {mov byte [GDT + TASK_GATE + 5], 0x65}, call TASK_GATE:0
    refused_case "a task gate to null", {mov word [GDT + TASK_GATE + 2], 0}, call TASK_GATE:0
    refused_case "a task gate to the LDT", {mov word [GDT + TASK_GATE + 2], FREE + 4}, call TASK_GATE:0
    refused_case "a task gate behind the GDT", {mov word [GDT + TASK_GATE + 2], 0x100}, call TASK_GATE:0
    refused_case "a task gate to data", {mov word [GDT + TASK_GATE + 2], DATA0}, call TASK_GATE:0
    refused_case "a task gate to a busy TSS", {mov byte [GDT + FREE + 5], 0x8B}, call TASK_GATE:0
    refused_case "a task gate to a TSS not present", {mov byte [GDT + FREE + 5], 0x09}, call TASK_GATE:0
    refused_case "a task gate to the present task", {mov word [GDT + TASK_GATE + 2], TSS_SELECTOR}, call TASK_GATE:0
    refused_case "jmp to the present task", nop, jmp TSS_SELECTOR:0
    %macro interrupt_refused 2+
    case %1
        task
        mov dword [C_SP], esp
        mov dword [IDT + 8 * 0x21], FREE << 16
        mov dword [IDT + 8 * 0x21 + 4], 0xE500
        mov dword [IDT + 8 * 6], FREE << 16
        mov dword [IDT + 8 * 6 + 4], 0x8500
        %2
        probe
        int 0x21
%$there:
    over
    case %1, ", for #UD"
        task
        mov dword [C_SP], esp
        mov dword [IDT + 8 * 6], FREE << 16
        mov dword [IDT + 8 * 6 + 4], 0x8500
        %2
        probe
        ud1 eax, eax
%$there:
    over
    %endmacro
    interrupt_refused "int to a busy task", mov byte [GDT + FREE + 5], 0x8B
    interrupt_refused "int to a task not present", mov byte [GDT + FREE + 5], 0x09
    interrupt_refused "int to a task that is too short", mov byte [GDT + FREE], 0x66
    interrupt_refused "int to data as a task", mov byte [GDT + FREE + 5], 0x92
    case "jmp to a TSS at CPL 3, DPL 0"
        task
        user
        probe
        jmp FREE:0
%$there:
    over
    case "jmp to a TSS at CPL 3, DPL 3"
        task
        mov byte [GDT + FREE + 5], 0xE9
        user
        mov dword [C_SP], TASK_STACK
        mov dword [C_BASELINE], base_segments
        probe
        jmp FREE + 3:0
        arrived
    end_task

    ; ---- faults of the new task
    %macro fault_case 3                         ; name, offset in the TSS, value
    case %1
        task
        mov dword [TASK + %2], %3
        descriptor OTHER, 0, 0xFFFFF, 0x12, 0xC
        descriptor OTHER + 8, 0, 0xFFFFF, 0x1A, 0xC
        probe
        call FREE:0
        arrived
    end_task
    %endmacro
    fault_case "new DS null", 84, 0
    fault_case "new DS behind the GDT", 84, 0x100
    fault_case "new DS is a TSS", 84, TSS_SELECTOR
    fault_case "new DS not present", 84, OTHER
    fault_case "new ES with RPL 3", 72, DATA0 + 3
    fault_case "new FS from an LDT that is not there", 88, 0x0C
    fault_case "new GS behind the GDT", 92, 0x100
    fault_case "new LDT", 96, LDT_SELECTOR
    fault_case "new LDT is data", 96, DATA0
    fault_case "new LDT behind the GDT", 96, 0x100
    fault_case "new LDT from the LDT", 96, 4
    fault_case "new EFLAGS", 36, 0x3202
    fault_case "new T bit", 100, 1
    %macro task_fault_case 4                    ; the same with a vector that a task takes
    case %1
        by_task_gate %4
        task
        mov dword [TASK + %2], %3
        descriptor OTHER, 0, 0xFFFFF, 0x12, 0xC
        descriptor OTHER + 8, 0, 0xFFFFF, 0x1A, 0xC
        descriptor OTHER + 16, 0, 0x100, 0x9A, 4
        probe
        jmp FREE:0
        arrived
    end_task
    %endmacro
    task_fault_case "new SS null", 80, 0, 10
    task_fault_case "new SS read-only", 80, CODE0, 10
    task_fault_case "new SS of ring 3", 80, DATA3, 10
    task_fault_case "new SS with RPL 3", 80, DATA0 + 3, 10
    task_fault_case "new SS not present", 80, OTHER, 12
    task_fault_case "new SS behind the GDT", 80, 0x100, 10
    task_fault_case "new CS null", 76, 0, 10
    task_fault_case "new CS is data", 76, DATA0, 10
    task_fault_case "new CS with RPL 3", 76, CODE0 + 3, 10
    task_fault_case "new CS not present", 76, OTHER + 8, 11
    task_fault_case "new CS behind the GDT", 76, 0x100, 10
    task_fault_case "new EIP behind the limit", 76, OTHER + 16, 13
    task_fault_case "new ESP", 56, TASK_STACK - 0x100, 10
    case "a new task at CPL 3"
        task
        mov dword [TASK + 76], CODE3
        mov dword [TASK + 80], DATA3
        mov dword [TASK + 56], STACK3
        mov dword [TASK + 4], TASK_STACK
        mov dword [TASK + 8], DATA0
        mov dword [C_SP], STACK3
        probe
        call FREE:0
%$there:
        mov eax, 0x1234
    end_task
    case "a new task in V86 mode"
        task
        mov dword [TASK + 36], 0x20002
        mov dword [TASK + 72], 0x1111
        mov dword [TASK + 76], 0
        mov dword [TASK + 80], 0x2222
        mov dword [TASK + 84], 0x3333
        mov dword [TASK + 88], 0x4444
        mov dword [TASK + 92], 0x5555
        mov dword [TASK + 4], TASK_STACK
        mov dword [TASK + 8], DATA0
        mov dword [C_BASELINE], v86_segments
        probe
        call FREE:0
%$there:
    end_task

    ; ---- the 286's
    case "jmp to a TSS of 286"
        task16
        mov ecx, 0x11112222
        probe
        jmp FREE:0
%$there:
        movzx esp, sp
        pushfd
        pop eax
        mov ebx, [TASK]
    end_task
    case "call of a TSS of 286, and back"
        task16
        mov dword [C_SP], MONITOR_STACK
        mov eax, 0x12345678
        probe
        call FREE:0
        pushfd
        pop ecx
        movzx edx, word [TASK + 16]
        mov ebx, [TASK]
        jmp %$done
%$there:
        iretd
        nop
%$done:
        mov esp, [C_STACK]
    end_task
    case "out of a TSS of 286"
        task
        mov byte [GDT + TSS_SELECTOR + 5], 0x81
        mov ax, TSS_SELECTOR
        ltr ax
        mov eax, 0x11112222
        mov ebp, 0x33334444
        probe
        call FREE:0
%$there:
        mov eax, [TSS + 14]
        sub ax, %$probe
        mov ebx, [TSS + 18]
        mov ecx, [TSS + 26]
        mov edx, [TSS + 34]
        mov esi, [TSS + 38]
        mov edi, [TASK]
    end_task
    case "the upper halves in a TSS of 286"
        task16
        mov word [TASK + 18], 0x8888
        mov eax, 0x12345678
        probe
        jmp FREE:0
%$there:
        movzx esp, sp
        mov cx, fs
        mov dx, gs
    end_task

    call finish
image_end:
