/* What the C compiler says of the host, and the one register of it that guests share: MXCSR. */
#ifndef X86_HOST_H
#define X86_HOST_H

#if defined(__x86_64__)
#define X86_HOST_SSE 1                                  /* SSE2 at least: its arithmetic is the guest's, to the last bit */
static inline unsigned host_mxcsr(void) { unsigned value; __asm__ volatile("stmxcsr %0" : "=m"(value)); return value; }
static inline void set_host_mxcsr(unsigned value) { __asm__ volatile("ldmxcsr %0" :: "m"(value)); }
#else
#define X86_HOST_SSE 0
static inline unsigned host_mxcsr(void) { return 0x1F80; }
static inline void set_host_mxcsr(unsigned value) { (void)value; }
#endif

#endif
