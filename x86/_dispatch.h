/* How a handler hands over to the next operation, and how it gives up.
 *
 * Threaded code: the hand-over is a call in tail position, which gcc and clang at -O2 compile to a jump.
 * X86_PLAIN_LOOP turns the same source into a loop that calls one handler after the other: for -O0, for
 * sanitizers, for compilers without sibling calls. Either way NULL means: leave, the run loop decides.
 */
#ifndef X86_DISPATCH_H
#define X86_DISPATCH_H

#define likely_(x) __builtin_expect(!!(x), 1)
#define unlikely_(x) __builtin_expect(!!(x), 0)

#ifdef X86_PLAIN_LOOP
#define X86_GO(cpu, op) (op)
#define X86_THREADED 0
#else
#define X86_GO(cpu, op) ((op)->run((cpu), (op)))
#define X86_THREADED 1
#endif

/* A flat operand that the TLB does not hold: return from the handler by a tail call to the miss routine, which fills
 * the entry and runs the handler again, or runs the segmented instantiation, whose misses are ordinary calls. So a
 * handler for flat memory is a leaf: it saves no registers. `kind`, `size` and `access` are constants; one compare
 * folds page, permission and page crossing.
 */
#define X86_REACH(cpu, op, linear, kind, size, access)                                                              \
    ({                                                                                                              \
        if ((kind) & 5) {                               /* DST_M | SRC_M */                                         \
            __typeof__((cpu)->tlb) entry_ = &(cpu)->tlb[((linear) >> 12) & 1023];                                   \
            if (unlikely_(((access) ? entry_->write_page : entry_->read_page)                                       \
                          != (((linear) + (size) / 8 - 1) & ~0xFFFULL)))                                            \
                return (cpu)->miss((cpu), (op), (linear), (size), (access));                                        \
        }                                                                                                           \
        0;                                                                                                          \
    })

/* Statements of the same kind for the x87 and vector units: a unit that is barred, or an x87 exception that waits, ends the
 * handler by a tail call. `unit` is one of X87, MMX, SSE, VEX; VEX outside 64-bit code needs protected mode.
 */
#define X86_REQUIRE(cpu, op, kind, unit)                                                                            \
    ({                                                                                                              \
        if (unlikely_((cpu)->barred & (unit)))                                                                      \
            return (cpu)->refuse((cpu), (op), (unit));                                                              \
        if (((unit) & 3) && unlikely_((cpu)->fpu.fsw & 0x80) && !(cpu)->ignore_error)          /* FSW.ES, IGNNE# */ \
            return (cpu)->refuse((cpu), (op), 16);                                                                  \
        if ((unit) == 8 && !((kind) & 5) && unlikely_(!((cpu)->paging.cr0 & 1) || ((cpu)->rflags >> 17 & 1)))       \
            return (cpu)->refuse((cpu), (op), (unit));                                                              \
        0;                                                                                                          \
    })

/* ... and an operand that is not aligned to its size, where it must be. Then X86_REACH may follow. */
#define X86_ALIGNED(cpu, op, linear, kind, bits, aligned)                                                           \
    ({                                                                                                              \
        if ((aligned) && ((kind) & 15) && unlikely_((linear) & ((bits) / 8 - 1)))                                   \
            return (cpu)->misaligned((cpu), (op), (linear));                                                        \
        0;                                                                                                          \
    })

#endif
