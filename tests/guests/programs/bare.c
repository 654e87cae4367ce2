/* A program on a machine of its own: COM1, exceptions, and what the compiler calls. */
#include "guest.h"

extern u8 bss[], bss_end[];
void exception(unsigned vector, u64 *rip, struct fxsave *state);

/* for start.asm */
__attribute__((section(".head"), used)) static const struct {
    void (*program)(void);
    exception_handler *exception;
    void *bss, *bss_end;
} head = {program, exception, bss, bss_end};

static inline u8 in(u16 port)
{
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void out(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

void put_char(char character)
{
    while (!(in(0x3FD) & 0x20))                                 /* transmitter holding register empty */
        ;
    out(0x3F8, character);
}

void exception(unsigned vector, u64 *rip, struct fxsave *state)
{
    if (on_exception && (vector == MF || vector == XM)) {
        on_exception(vector, rip, state);
        return;
    }
    put("exception ");
    put_decimal(vector);
    put(" at ");
    put_hex(*rip, 8);
    put(": ");
    put_bytes((void *)*rip, 16);
    put("\n");
    for (;;) {
        while (!(in(0x3FD) & 0x40))
            ;
        out(0xF4, 1);
        for (const char *at = "Shutdown"; *at; at++)
            out(0x8900, *at);
        __asm__ volatile("cli; hlt");
    }
}

void *memcpy(void *restrict target, const void *restrict source, size_t bytes)
{
    void *at = target;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(source), "+c"(bytes) : : "memory");
    return target;
}

void *memset(void *target, int value, size_t bytes)
{
    void *at = target;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(value) : "memory");
    return target;
}
