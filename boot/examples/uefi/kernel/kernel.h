/* The kernel's parts. */
#ifndef KERNEL_H
#define KERNEL_H

#include "../common/bootinfo.h"
#include "../common/format.h"

/* ---- ports */
static inline void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline void out16(uint16_t port, uint16_t value) { __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
static inline uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint16_t in16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* ---- serial.c */
void serial_open(void);
void serial_put(char character);

/* ---- screen.c: colours are 0xRRGGBB, whatever the order in memory */
void screen_open(const FrameBuffer *screen);
uint32_t screen_width(void);                            /* 0: no screen */
uint32_t screen_height(void);
uint32_t *screen_line(uint32_t y);
uint32_t screen_colour(uint32_t rgb);                   /* as it is in memory */
void screen_fill(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t rgb);
void screen_dim(uint32_t x, uint32_t y, uint32_t width, uint32_t height);
void screen_text_area(uint32_t x, uint32_t y, uint32_t width, uint32_t height);
void screen_text_colour(uint32_t rgb);
void screen_text_scale(uint32_t scale);
void screen_put(char character);
void screen_bar(uint32_t from, uint32_t to, uint32_t rgb);   /* of the line of text: 0 its left end, 1024 its right end */

/* ---- picture.c */
void picture_draw(void);

/* ---- memory_map.c */
void memory_map_report(const BootInfo *info);

/* ---- acpi.c */
void acpi_report(uint64_t rsdp);
void acpi_power_off(uint64_t rsdp);

/* ---- main.c */
void say(const char *text, ...) __attribute__((format(printf, 1, 2)));      /* on COM1 and on the screen */
void tell(const char *text, ...) __attribute__((format(printf, 1, 2)));     /* on COM1 only */

#endif
