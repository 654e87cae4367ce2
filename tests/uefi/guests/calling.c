/* 2.3.4: the state in which code runs, registers that a service keeps, and what interrupts must not disturb. */
#include "guest.h"
#include "protocols.h"

/* ---- the state at entry ------------------------------------------------------------------------------------------ */

static UINT64 read_cr(int number)
{
    UINT64 value;
    switch (number) {
    case 0: __asm__ volatile("mov %%cr0, %0" : "=r"(value)); break;
    case 3: __asm__ volatile("mov %%cr3, %0" : "=r"(value)); break;
    default: __asm__ volatile("mov %%cr4, %0" : "=r"(value)); break;
    }
    return value;
}

static UINT64 read_msr(UINT32 number)
{
    UINT32 low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (UINT64)high << 32 | low;
}

static void entry(void)
{
    UINT16 cs, ds, es, ss, word;
    UINT32 mxcsr;
    __asm__ volatile("mov %%cs, %0; mov %%ds, %1; mov %%es, %2; mov %%ss, %3" : "=r"(cs), "=r"(ds), "=r"(es), "=r"(ss));
    __asm__ volatile("fnstcw %0; stmxcsr %1" : "=m"(word), "=m"(mxcsr));
    about("at entry");
    tell("RSP modulo 16", "%u", EntryStack % 16);
    tell("DF, IF, TF, AC, NT, IOPL", "%u %u %u %u %u %u", EntryFlags >> 10 & 1, EntryFlags >> 9 & 1, EntryFlags >> 8 & 1,
         EntryFlags >> 18 & 1, EntryFlags >> 14 & 1, EntryFlags >> 12 & 3);
    tell("privilege level", "%u", (UINT64)(cs & 3));
    check("CS, DS, ES and SS are no null selectors", cs > 3 && ds > 3 && es > 3 && ss > 3);
    tell("x87 control word", "%x", (UINT64)word);
    tell("MXCSR", "%x", (UINT64)(mxcsr & ~0x3Fu));
    tell("CR0 PE, EM, TS, NE, WP, PG", "%u %u %u %u %u %u", read_cr(0) & 1, read_cr(0) >> 2 & 1, read_cr(0) >> 3 & 1,
         read_cr(0) >> 5 & 1, read_cr(0) >> 16 & 1, read_cr(0) >> 31 & 1);
    tell("CR4 PAE, OSFXSR, OSXMMEXCPT, LA57", "%u %u %u %u", read_cr(4) >> 5 & 1, read_cr(4) >> 9 & 1, read_cr(4) >> 10 & 1,
         read_cr(4) >> 12 & 1);
    tell("EFER LME, LMA, NXE", "%u %u %u", read_msr(0xC0000080) >> 8 & 1, read_msr(0xC0000080) >> 10 & 1,
         read_msr(0xC0000080) >> 11 & 1);

    volatile UINT8 *below = (UINT8 *)EntryStack - 120 * 1024;
    *below = 0x5A;
    check("there are 120 KB of stack", *below == 0x5A);

    static UINT8 map[32768] __attribute__((aligned(16)));
    UINTN size = sizeof map, key, step;
    UINT32 version;
    NEED(BS->GetMemoryMap(&size, (VOID *)map, &key, &step, &version));
    UINT64 sum = 0, pages = 0;
    for (UINT8 *at = map; at < map + size; at += step) {
        EFI_MEMORY_DESCRIPTOR *each = (VOID *)at;
        if (each->Type == EfiMemoryMappedIO || each->Type == EfiMemoryMappedIOPortSpace || each->Type == EfiReservedMemoryType)
            continue;
        for (UINT64 page = 0; page < each->NumberOfPages; page++, pages++)
            sum += *(volatile UINT8 *)(each->PhysicalStart + page * EFI_PAGE_SIZE);
    }
    check("all memory of the map can be read where it is", pages > 0x8000 && sum != 1);
    EFI_PHYSICAL_ADDRESS page;
    static const UINT8 CODE[] = {0xB8, 42, 0, 0, 0, 0xC3};      /* mov eax, 42; ret */
    NEED(BS->AllocatePages(AllocateAnyPages, EfiLoaderCode, 1, &page));
    memcpy((VOID *)page, CODE, sizeof CODE);
    tell("code in EfiLoaderCode", "returns %u", (UINT64)((UINT32 (EFIAPI *)(void))page)());
    NEED(BS->FreePages(page, 1));
}

/* ---- registers that belong to the caller ------------------------------------------------------------------------- */

struct registers { UINT64 general[7], xmm[16][2], flags; };     /* RBX RSI RDI R12 R13 R14 R15; XMM6 to XMM15 count */

/* Calls a service with up to five arguments; before it all registers get patterns, behind it they are stored.
   RBP is the frame's. */
UINT64 probe(VOID *service, const UINT64 *arguments, const struct registers *before, struct registers *after);
__asm__(
    "probe: push %rbp; mov %rsp, %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15; push %rcx\n"
    "       mov %rdi, %rax; mov %rsi, %r10; mov %rdx, %r11\n"
    "       sub $64, %rsp\n"                                    /* aligned: 7 pushes, the return address, 64 */
    "       mov 32(%r10), %r8; mov %r8, 32(%rsp)\n"
    "       mov (%r10), %rcx; mov 8(%r10), %rdx; mov 16(%r10), %r8; mov 24(%r10), %r9\n"
    "       mov (%r11), %rbx; mov 8(%r11), %rsi; mov 16(%r11), %rdi; mov 24(%r11), %r12; mov 32(%r11), %r13\n"
    "       mov 40(%r11), %r14; mov 48(%r11), %r15\n"
    "       movups 152(%r11), %xmm6; movups 168(%r11), %xmm7; movups 184(%r11), %xmm8; movups 200(%r11), %xmm9\n"
    "       movups 216(%r11), %xmm10; movups 232(%r11), %xmm11; movups 248(%r11), %xmm12; movups 264(%r11), %xmm13\n"
    "       movups 280(%r11), %xmm14; movups 296(%r11), %xmm15\n"
    "       call *%rax\n"
    "       mov -48(%rbp), %r11\n"                              /* `after`, pushed last */
    "       mov %rbx, (%r11); mov %rsi, 8(%r11); mov %rdi, 16(%r11); mov %r12, 24(%r11); mov %r13, 32(%r11)\n"
    "       mov %r14, 40(%r11); mov %r15, 48(%r11)\n"
    "       movups %xmm6, 152(%r11); movups %xmm7, 168(%r11); movups %xmm8, 184(%r11); movups %xmm9, 200(%r11)\n"
    "       movups %xmm10, 216(%r11); movups %xmm11, 232(%r11); movups %xmm12, 248(%r11); movups %xmm13, 264(%r11)\n"
    "       movups %xmm14, 280(%r11); movups %xmm15, 296(%r11)\n"
    "       pushfq; pop 312(%r11)\n"
    "       add $64, %rsp; pop %rcx; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp; ret\n");

static void kept(const char *name, VOID *service, UINT64 a, UINT64 b, UINT64 c, UINT64 d, UINT64 e)
{
    static struct registers before, after;
    UINT64 arguments[5] = {a, b, c, d, e};
    for (UINTN i = 0; i < sizeof before / 8; i++)
        ((UINT64 *)&before)[i] = 0x1122334455667788 * (i + 1), ((UINT64 *)&after)[i] = 0;
    EFI_STATUS ended = probe(service, arguments, &before, &after);
    tell(name, "%r, general registers %b, XMM6 to XMM15 %b, DF %u, IF %u", ended,
         equal(before.general, after.general, sizeof before.general),
         equal(before.xmm[6], after.xmm[6], 160), after.flags >> 10 & 1, after.flags >> 9 & 1);
}

UINTN Notified;                                         /* not static: the assembly below has them */
int Aligned = 1, Forward = 1;

/* A notification that does to registers and to its own 32 bytes above the return address what a compiler may. */
VOID EFIAPI trample(EFI_EVENT event, VOID *context);
__asm__(
    "trample: movq $-1, 8(%rsp); movq $-1, 16(%rsp); movq $-1, 24(%rsp); movq $-1, 32(%rsp)\n"
    "         mov %rsp, %rax; and $15, %eax; cmp $8, %eax; je 1f; movl $0, Aligned(%rip)\n"
    "1:       pushfq; pop %rax; test $0x400, %eax; je 1f; movl $0, Forward(%rip)\n"
    "1:       incq Notified(%rip)\n"
    "         mov $-1, %rax; mov %rax, %rcx; mov %rax, %rdx; mov %rax, %r8; mov %rax, %r9; mov %rax, %r10; mov %rax, %r11\n"
    "         pcmpeqd %xmm0, %xmm0; pcmpeqd %xmm1, %xmm1; pcmpeqd %xmm2, %xmm2; pcmpeqd %xmm3, %xmm3; pcmpeqd %xmm4, %xmm4\n"
    "         pcmpeqd %xmm5, %xmm5\n"
    "         ret\n");

static void services(void)
{
    static UINT8 map[32768];
    static EFI_TIME time;
    static const EFI_GUID GUID = {0x11111111, 1, 1, {1}};
    UINT64 address = 0, size = sizeof map, key = 0, step = 0;
    UINT32 crc;
    EFI_EVENT event;
    EFI_GUID graphics = EFI_LOADED_IMAGE_PROTOCOL_GUID, nobody = GUID;
    about("what a service keeps");
    kept("GetMemoryMap", BS->GetMemoryMap, (UINTN)&size, (UINTN)map, (UINTN)&key, (UINTN)&step, (UINTN)&crc);
    kept("AllocatePages", BS->AllocatePages, AllocateAnyPages, EfiLoaderData, 1, (UINTN)&address, 0);
    kept("FreePages", BS->FreePages, address, 1, 0, 0, 0);
    kept("AllocatePool", BS->AllocatePool, EfiLoaderData, 100, (UINTN)&address, 0, 0);
    kept("FreePool", BS->FreePool, address, 0, 0, 0, 0);
    kept("HandleProtocol", BS->HandleProtocol, (UINTN)Image, (UINTN)&graphics, (UINTN)&address, 0, 0);
    kept("LocateProtocol", BS->LocateProtocol, (UINTN)&nobody, 0, (UINTN)&address, 0, 0);
    kept("CalculateCrc32", BS->CalculateCrc32, (UINTN)map, 1000, (UINTN)&crc, 0, 0);
    kept("OutputString", ST->ConOut->OutputString, (UINTN)ST->ConOut, (UINTN)u"text\r\n", 0, 0, 0);
    kept("Stall", BS->Stall, 1000, 0, 0, 0, 0);
    kept("GetTime", RT->GetTime, (UINTN)&time, 0, 0, 0, 0);
    size = 0;
    kept("GetVariable", RT->GetVariable, (UINTN)u"None", (UINTN)&nobody, 0, (UINTN)&size, 0);
    NEED(BS->CreateEvent(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, trample, NULL, &event));
    kept("SignalEvent, with a function", BS->SignalEvent, (UINTN)event, 0, 0, 0, 0);
    tell("the function ran", "%u times", Notified);
    EFI_TPL before = BS->RaiseTPL(TPL_NOTIFY);
    BS->SignalEvent(event);
    static struct registers filled, after;
    UINT64 arguments[5] = {before};
    for (UINTN i = 0; i < sizeof filled / 8; i++)
        ((UINT64 *)&filled)[i] = 0x1122334455667788 * (i + 1);
    probe(BS->RestoreTPL, arguments, &filled, &after);
    check("RestoreTPL, with a function, general registers", equal(filled.general, after.general, sizeof filled.general));
    check("RestoreTPL, with a function, XMM6 to XMM15", equal(filled.xmm[6], after.xmm[6], 160));
    tell("the function ran then", "%u times", Notified);
    check("the stack of the function is aligned", Aligned);
    check("DF in the function is clear", Forward);
    NEED(BS->CloseEvent(event));
}

/* ---- interrupts -------------------------------------------------------------------------------------------------- */

/* All registers hold patterns while timers fire; whoever finds one changed counts. Runs until `Notified` has come so far. */
UINT64 hold(UINT64 until, UINT64 *mxcsr);
__asm__(
    "hold:  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rsi\n"
    "       xor %eax, %eax\n"
    "       push $0x1F80 | 0x6000; ldmxcsr (%rsp); pop %r8\n"                        /* round to zero */
    "       fninit; fldpi; fldl2e\n"
    "       mov $1, %ebx; mov $2, %ecx; mov $3, %edx; mov $4, %ebp; mov $5, %esi; mov $8, %r8d; mov $9, %r9d\n"
    "       mov $10, %r10d; mov $11, %r11d; mov $12, %r12d; mov $13, %r13d; mov $14, %r14d; mov $15, %r15d\n"
    "       movq %rbx, %xmm0; movq %rcx, %xmm1; movq %rdx, %xmm2; movq %rbp, %xmm3; movq %rsi, %xmm4; movq %r8, %xmm5\n"
    "       movq %r9, %xmm6; movq %r15, %xmm15\n"
    "1:     stc; pause; jnc 9f\n"
    "       cmp $1, %rbx; jne 9f; cmp $2, %rcx; jne 9f; cmp $3, %rdx; jne 9f; cmp $4, %rbp; jne 9f; cmp $5, %rsi; jne 9f\n"
    "       cmp $8, %r8; jne 9f; cmp $9, %r9; jne 9f; cmp $10, %r10; jne 9f; cmp $11, %r11; jne 9f; cmp $12, %r12; jne 9f\n"
    "       cmp $13, %r13; jne 9f; cmp $14, %r14; jne 9f; cmp $15, %r15; jne 9f\n"
    "       movq %xmm0, %r10; cmp $1, %r10; jne 9f; movq %xmm1, %r10; cmp $2, %r10; jne 9f\n"
    "       movq %xmm2, %r10; cmp $3, %r10; jne 9f; movq %xmm3, %r10; cmp $4, %r10; jne 9f\n"
    "       movq %xmm4, %r10; cmp $5, %r10; jne 9f; movq %xmm5, %r10; cmp $8, %r10; jne 9f\n"
    "       movq %xmm6, %r10; cmp $9, %r10; jne 9f; movq %xmm15, %r10; cmp $15, %r10; jne 9f; mov $10, %r10d\n"
    "       cmp %rdi, Notified(%rip); jb 1b\n"
    "       jmp 8f\n"
    "9:     inc %eax\n"
    "8:     pop %rsi; stmxcsr (%rsi); fnstsw 4(%rsi)\n"
    "       push $0x1F80; ldmxcsr (%rsp); pop %rsi; fninit\n"
    "       pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

static void interrupts(void)
{
    EFI_EVENT event;
    UINT64 state = 0;
    about("while timers fire");
    NEED(BS->CreateEvent(EVT_TIMER | EVT_NOTIFY_SIGNAL, TPL_CALLBACK, trample, NULL, &event));
    Notified = 0;
    NEED(BS->SetTimer(event, TimerPeriodic, 100000));
    tell("registers that changed in 20 of them", "%u", hold(20, &state));
    tell("MXCSR", "%x", state & 0xFFC0);
    tell("top of the x87's stack", "%u", state >> 43 & 7);
    check("the stack of the function is aligned", Aligned);
    check("DF in the function is clear", Forward);
    NEED(BS->CloseEvent(event));

    NEED(BS->CreateEvent(EVT_TIMER | EVT_NOTIFY_SIGNAL, TPL_CALLBACK, trample, NULL, &event));
    __asm__ volatile("cli");
    Notified = 0;
    NEED(BS->SetTimer(event, TimerRelative, 0));
    UINT64 flags;
    __asm__ volatile("pushfq; pop %0; sti" : "=r"(flags));
    tell("IF behind a service that was called with CLI", "%u", flags >> 9 & 1);
    for (volatile UINTN i = 0; i < 100000000 && !Notified; i++)
        ;
    check("the timer fires once interrupts are on", Notified == 1);
    NEED(BS->CloseEvent(event));
}

void guest(void)
{
    entry();
    services();
    interrupts();
}
