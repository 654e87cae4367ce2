/* FXSAVE64, XSAVE64, XSAVEOPT64 and XSAVEC64: what they store, and what XRSTOR64 brings back of it.
   Compiled for general registers only: all others have what this puts there. */
#include "guest.h"

enum { X87 = 1, SSE = 2, AVX = 4, ALL = 7 };

struct area {
    struct fxsave legacy;
    u64 xstate_bv, xcomp_bv, zero[6];
    u8 ymm_high[16][16];
} __attribute__((aligned(64)));

static struct area area, before, after;
static u8 registers[16][32];
static u16 control = 0x37F;
static u32 mxcsr = 0x1F80;

/* All registers from random bits; as many on the x87 stack as `depth` */
static OUT_OF_LINE void fill(int depth, u16 new_control, u32 new_mxcsr)
{
    for (size_t i = 0; i < sizeof registers; i += 8)
        *(u64 *)(registers[0] + i) = random_bits();
#define LOAD(n) __asm__ volatile("vmovdqu %0, %%ymm" #n : : "m"(registers[n]));
    LOAD(0) LOAD(1) LOAD(2) LOAD(3) LOAD(4) LOAD(5) LOAD(6) LOAD(7)
    LOAD(8) LOAD(9) LOAD(10) LOAD(11) LOAD(12) LOAD(13) LOAD(14) LOAD(15)
    __asm__ volatile("fninit\n\tfldcw %0\n\tldmxcsr %1" : : "m"(new_control), "m"(new_mxcsr));
    for (int i = 0; i < depth; i++)
        __asm__ volatile("fildll %0" : : "m"(registers[i]) : "memory");
}

#define SAVE(name) \
    static OUT_OF_LINE void name(struct area *to, u32 which) \
    { \
        __asm__ volatile(#name "64 %0" : "+m"(*to) : "a"(which), "d"(0)); \
    }
SAVE(xsave)
SAVE(xsaveopt)
SAVE(xsavec)
SAVE(xrstor)

static OUT_OF_LINE void fxsave(struct area *to) { __asm__ volatile("fxsave64 %0" : "+m"(*to)); }
static OUT_OF_LINE void fxrstor(const struct area *from) { __asm__ volatile("fxrstor64 %0" : : "m"(*from)); }

static void quiet(void)                                         /* as the program's own code wants it */
{
    __asm__ volatile("vzeroall\n\tfninit\n\tldmxcsr %1" : : "m"(control), "m"(mxcsr));
}

static void fill_area(struct area *area, u8 byte)
{
    for (size_t i = 0; i < sizeof *area; i++)
        ((u8 *)area)[i] = byte;
}

/* Without what a processor may leave as it was: last instruction and operand, MXCSR_MASK, and the reserved bytes */
static void show(const char *name, struct area *from)
{
    u64 sum = 0;
    from->legacy.fip = from->legacy.fdp = from->legacy.fop = 0;
    put(name);
    put_char(' ');
    put_hex(from->xstate_bv, 16);
    put_char(' ');
    put_hex(from->xcomp_bv, 16);
    put_char(' ');
    put_hex(from->legacy.fcw, 4);
    put_char(' ');
    put_hex(from->legacy.fsw, 4);
    put_char(' ');
    put_hex(from->legacy.ftw & 0xFF, 2);
    put_char(' ');
    put_hex(from->legacy.mxcsr, 4);
    for (int i = 0; i < 8; i++)
        sum = sum * 31 + checksum(from->legacy.st[i], 10);
    line(" stack", sum);
    line_sum("xmm", from->legacy.xmm, sizeof from->legacy.xmm);
    line_sum("ymm", from->ymm_high, sizeof from->ymm_high);
}

static void restored(const char *name, u32 which)               /* onto other contents, then all is saved again */
{
    quiet();
    fill(3, 0x27F, 0x3F80);
    xrstor(&area, which);
    fill_area(&after, 0);
    xsave(&after, ALL);
    quiet();
    after.xstate_bv = 0;                                        /* a processor may call a component initial or not */
    show(name, &after);
}

void program(void)
{
    for (int depth = 0; depth <= 8; depth += 2) {
        line("depth", depth);
        fill_area(&area, 0xCC);
        fill(depth, 0xB7F, 0x5FBF);
        fxsave(&area);
        quiet();
        show("fxsave", &area);
        area.legacy.mxcsr &= 0xFFFF;
        fxrstor(&area);
        fill_area(&after, 0);
        xsave(&after, ALL);
        quiet();
        after.xstate_bv &= X87 | SSE;
        show("fxrstor", &after);

        for (u32 which = 1; which <= ALL; which++) {
            line("components", which);
            fill_area(&area, 0);
            fill(depth, 0x77F, 0x9F81);
            xsave(&area, which);
            quiet();
            area.xstate_bv &= which;
            show("xsave", &area);
            restored("xrstor of the same", which);
            restored("xrstor of all", ALL);
            before = area;
            area.xstate_bv = 0;
            restored("initial", which);
            area = before;

            fill_area(&area, 0);
            fill(depth, 0x77F, 0x1F81);
            xsaveopt(&area, which);
            quiet();
            show("xsaveopt", &area);

            fill_area(&area, 0);
            fill(depth, 0x67F, 0x7F82);
            xsavec(&area, which);
            quiet();
            show("xsavec", &area);
            restored("xrstor of compact", which);
        }
    }
}
