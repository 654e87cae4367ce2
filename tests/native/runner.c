/* Runs short pieces of code on the processor underneath, each from a state that is given to the last bit.
 *
 * One signal a case. Every piece of code ends in an exception: a fault, or one of the INT3s that fill its page. The
 * kernel then calls on_signal with all registers in a frame; on_signal notes them, writes the state of the next case
 * into the same frame, and the return from the signal starts it.
 *
 *     runner FD      FD is the file that host.py made and describes; a byte on stdin: run the cases; a byte on stdout: done
 *
 * From then on nothing but read, write, exit and the return from a signal is allowed (seccomp), so code that runs wild can
 * hurt nobody.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>
#include <linux/seccomp.h>

enum { PAGE = 4096, CODE = 0x100000, DATA = 0x200000, LOCKED = 0x202000, CODE_BYTES = 64, CHUNK = 256,
       LEGACY = 416, HEADER = 512, UPPER = 576 };        /* in an XSAVE area: x87, MXCSR and XMM; XSTATE_BV; the rest of YMM */
static uint8_t *const FAR = (uint8_t *)0x123456789000;

enum { AC = 0x40000, NT = 0x4000, ID = 0x200000 };      /* of RFLAGS; the return from a signal leaves NT and ID alone */
enum { HUNG = 0xFF };                                   /* in place of a vector */

struct state {
    uint64_t gpr[16];                                   /* in encoding order */
    uint64_t rip, rflags, fs_base, gs_base;
    uint16_t cs, ss, ds, es, fs, gs, unused[2];
};

struct item {                                           /* one case, and what came of it */
    struct state before, after;
    uint32_t vector, error;
    uint64_t cr2;
    uint32_t code_length;
    uint32_t memory, memory_length;                     /* in the arena: (u64 address, u64 length, bytes padded to 8) */
    uint32_t first, end;                                /* the bytes that changed, in the three pages one after the other, */
    uint32_t changed;                                   /*     and where in the arena they are */
    uint32_t extended, extended_length;                 /* in the arena: an XSAVE area to load, and to store to; length 0: none */
    uint8_t code[CODE_BYTES];
};

struct control {
    uint32_t count, current;                            /* current: also for the one who finds this process dead */
    uint32_t cases, arena, arena_used, arena_size;      /* offsets in the file */
};

static uint8_t *file;
static struct control *control;
static uint8_t *code_alias;                             /* the code page, where it can be written */
static const uint8_t *pattern;                          /* what the data pages hold before each case: 3 writable, 1 not */
static greg_t home[NGREG];
static uint64_t home_fs, home_gs;
static volatile int running;
static uint32_t tick_case;

static const int NUMBER[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8, REG_R9,
                                REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };

static void leave(int status)
{
    for (;;)
        syscall(SYS_exit, status);
}

static uint8_t *data_page(int page)
{
    return page < 2 ? (uint8_t *)DATA + page * PAGE : FAR;
}

/* ---- one case ----------------------------------------------------------------------------------------------------- */

static uint16_t selector_ds(void) { uint16_t s; __asm__ volatile("mov %%ds, %0" : "=r"(s)); return s; }
static uint16_t selector_es(void) { uint16_t s; __asm__ volatile("mov %%es, %0" : "=r"(s)); return s; }
static uint16_t selector_fs(void) { uint16_t s; __asm__ volatile("mov %%fs, %0" : "=r"(s)); return s; }
static uint16_t selector_gs(void) { uint16_t s; __asm__ volatile("mov %%gs, %0" : "=r"(s)); return s; }
static uint64_t fs_base(void) { uint64_t b; __asm__ volatile("rdfsbase %0" : "=r"(b)); return b; }
static uint64_t gs_base(void) { uint64_t b; __asm__ volatile("rdgsbase %0" : "=r"(b)); return b; }

static void load_segments(const struct state *state)
{
    if (state->ds != selector_ds())
        __asm__ volatile("mov %0, %%ds" :: "r"(state->ds));
    if (state->es != selector_es())
        __asm__ volatile("mov %0, %%es" :: "r"(state->es));
    if (state->fs != selector_fs())
        __asm__ volatile("mov %0, %%fs" :: "r"(state->fs));
    if (state->gs != selector_gs())
        __asm__ volatile("mov %0, %%gs" :: "r"(state->gs));
    if (!state->fs && state->fs_base != fs_base())
        __asm__ volatile("wrfsbase %0" :: "r"(state->fs_base));
    if (!state->gs && state->gs_base != gs_base())
        __asm__ volatile("wrgsbase %0" :: "r"(state->gs_base));
}

/* The bytes that differ from the pattern go into the arena; then the pattern is restored. */
static void note_memory(struct item *item)
{
    uint32_t first = ~0u, end = 0;
    for (uint32_t at = 0; at < 3 * PAGE; at += CHUNK) {
        const uint8_t *now = data_page(at / PAGE) + at % PAGE;
        if (memcmp(now, pattern + at, CHUNK) == 0)
            continue;
        for (uint32_t i = 0; i < CHUNK; i++)
            if (now[i] != pattern[at + i]) {
                if (first == ~0u)
                    first = at + i;
                end = at + i + 1;
            }
    }
    item->first = item->end = 0;
    if (!end || control->arena_used + (end - first) > control->arena_size)
        end = first = 0;
    item->first = first;
    item->end = end;
    item->changed = control->arena_used;
    uint8_t *to = file + control->arena + control->arena_used;
    control->arena_used += end - first;
    while (first < end) {
        uint32_t count = PAGE - first % PAGE;
        if (count > end - first)
            count = end - first;
        uint8_t *now = data_page(first / PAGE) + first % PAGE;
        memcpy(to, now, count);
        memcpy(now, pattern + first, count);
        to += count;
        first += count;
    }
}

static void note(struct item *item, const ucontext_t *context)
{
    const greg_t *registers = context->uc_mcontext.gregs;
    struct state *after = &item->after;
    for (int i = 0; i < 16; i++)
        after->gpr[i] = registers[NUMBER[i]];
    after->rip = registers[REG_RIP];
    after->rflags = registers[REG_EFL];
    after->cs = (uint16_t)registers[REG_CSGSFS];
    after->ss = (uint16_t)(registers[REG_CSGSFS] >> 48);
    after->ds = selector_ds();
    after->es = selector_es();
    after->fs = selector_fs();
    after->gs = selector_gs();
    after->fs_base = fs_base();
    after->gs_base = gs_base();
    item->error = (uint32_t)registers[REG_ERR];
    item->cr2 = registers[REG_CR2];
    if (item->extended_length)
        memcpy(file + control->arena + item->extended, context->uc_mcontext.fpregs, item->extended_length);
    note_memory(item);
}

/* Bytes 416 to 511 of an FXSAVE area are the kernel's in a signal frame: they tell what else the frame has. Of XSTATE_BV the
 * bits of x87, SSE and AVX are the case's: where one is 0, that component begins in its initial state. */
static void load_extended(uint8_t *to, const uint8_t *from, uint32_t length)
{
    memcpy(to, from, LEGACY);
    if (length > UPPER) {
        to[HEADER] = (to[HEADER] & ~7) | (from[HEADER] & 7);
        memcpy(to + UPPER, from + UPPER, length - UPPER);
    } else
        to[HEADER] |= 3;
}

/* Returns the flags that the return from the signal would not set. */
static uint64_t prepare(const struct item *item, ucontext_t *context)
{
    greg_t *registers = context->uc_mcontext.gregs;
    const struct state *before = &item->before;
    uint32_t room = PAGE - before->rip % PAGE, length = item->code_length < room ? item->code_length : room;
    memset(code_alias, 0xCC, PAGE);
    memcpy(code_alias + before->rip % PAGE, item->code, length);
    const uint8_t *memory = file + control->arena + item->memory, *last = memory + item->memory_length;
    while (memory < last) {
        uint64_t header[2];
        memcpy(header, memory, sizeof header);
        memcpy((void *)header[0], memory + sizeof header, header[1]);
        memory += sizeof header + ((header[1] + 7) & ~7ull);
    }
    for (int i = 0; i < 16; i++)
        registers[NUMBER[i]] = before->gpr[i];
    registers[REG_RIP] = before->rip;
    registers[REG_EFL] = before->rflags;
    registers[REG_CSGSFS] = before->cs | (uint64_t)before->ss << 48;
    context->uc_flags |= 6;                             /* take SS as it is in the frame */
    if (item->extended_length)
        load_extended((uint8_t *)context->uc_mcontext.fpregs, file + control->arena + item->extended, item->extended_length);
    load_segments(before);
    return before->rflags & (NT | ID);
}

static struct item *item_of(uint32_t number)
{
    return (struct item *)(file + control->cases) + number;
}

static void set_flags(uint64_t clear, uint64_t set)
{
    uint64_t flags;
    __asm__ volatile("pushfq\n\tpop %0" : "=r"(flags));
    flags = (flags & ~clear) | set;
    __asm__ volatile("push %0\n\tpopfq" :: "r"(flags) : "cc");
}

static void on_signal(int number, siginfo_t *info, void *frame)
{
    ucontext_t *context = frame;
    __asm__ volatile("pushfq\n\tandl $0xFFFBFFFF, (%%rsp)\n\tpopfq" ::: "cc", "memory");   /* AC: this code may misalign */
    if (number == SIGPROF) {
        if (!running || tick_case != control->current) {
            tick_case = control->current;
            return;
        }
    } else if (!running)
        leave(3);                                       /* a mistake of this program's */
    if (control->current == ~0u) {                      /* the INT3 of run_all */
        memcpy(home, context->uc_mcontext.gregs, sizeof home);
        home_fs = fs_base();
        home_gs = gs_base();
    } else {
        struct item *item = item_of(control->current);
        item->vector = number == SIGPROF ? HUNG : (uint32_t)context->uc_mcontext.gregs[REG_TRAPNO];
        note(item, context);
    }
    if (++control->current < control->count) {
        uint64_t kept = prepare(item_of(control->current), context);
        set_flags(NT | ID, kept);
        return;
    }
    memcpy(context->uc_mcontext.gregs, home, sizeof home);
    context->uc_flags |= 6;
    struct state state = { .fs_base = home_fs, .gs_base = home_gs };
    load_segments(&state);
    running = 0;
    set_flags(NT | ID, 0);
    (void)info;
}

static void run_all(void)
{
    control->current = ~0u;
    running = 1;
    __asm__ volatile("int3" ::: "memory");
}

/* ---- getting ready -------------------------------------------------------------------------------------------------- */

static void *map(void *at, size_t length, int rights, int flags, int fd, off_t offset)
{
    void *result = mmap(at, length, rights, flags | (at ? MAP_FIXED_NOREPLACE : 0), fd, offset);
    if (result == MAP_FAILED || (at && result != at))
        leave(4);
    return result;
}

int main(int count, char **arguments)
{
    static uint8_t stack[1 << 16] __attribute__((aligned(64)));
    static const int SIGNALS[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGPROF };
    if (count != 2 || !(getauxval(AT_HWCAP2) & 2))      /* HWCAP2_FSGSBASE */
        leave(5);
    int fd = atoi(arguments[1]);
    struct stat about;
    if (fstat(fd, &about) != 0)
        leave(4);
    file = map(NULL, about.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    control = (struct control *)file;
    code_alias = file + PAGE;
    pattern = file + 2 * PAGE;
    map((void *)CODE, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, PAGE);
    map((void *)DATA, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    map(FAR, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int page = 0; page < 3; page++)
        memcpy(data_page(page), pattern + page * PAGE, PAGE);
    memcpy((void *)LOCKED, pattern + 3 * PAGE, PAGE);
    mprotect((void *)LOCKED, PAGE, PROT_READ);
    stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
    sigaltstack(&alternate, NULL);
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++)
        sigaction(SIGNALS[i], &action, NULL);
    struct itimerval often = { { 0, 100000 }, { 0, 100000 } };
    setitimer(ITIMER_PROF, &often, NULL);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        leave(4);
    char byte = 0;
    if (write(1, &byte, 1) != 1)
        leave(0);
    while (read(0, &byte, 1) == 1) {
        run_all();
        if (write(1, &byte, 1) != 1)
            leave(0);
    }
    leave(0);
}
