/* A kernel that says what it was given, draws a picture and switches the machine off. */
#include "kernel.h"

static void put_both(char character)
{
    serial_put(character);
    screen_put(character);
}

void say(const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    format(put_both, text, arguments);
    va_end(arguments);
}

void tell(const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    format(serial_put, text, arguments);
    va_end(arguments);
}

/* Zero at start: the loader has to clear what the file does not have. In 16 KB, garbage is hardly all zero. */
static uint8_t bss[16384];

static int bss_is_zero(void)
{
    for (unsigned i = 0; i < sizeof bss; i++)
        if (((volatile uint8_t *)bss)[i])
            return 0;
    return 1;
}

static void screen_report(const FrameBuffer *screen)
{
    if (!screen->base) {
        say("There is no frame buffer.\n");
        return;
    }
    say("Frame buffer: %u x %u, %s\n", screen->width, screen->height,
        screen->order == PIXELS_BGR ? "blue first" : "red first");
    say("  at %016lx, %u pixels a line\n", screen->base, screen->pixels_per_line);
}

static uint64_t read_cr0(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static uint64_t read_cr3(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

void kernel_main(const BootInfo *info)
{
    serial_open();
    if (!info || info->magic != BOOT_INFO_MAGIC) {
        tell("RDI does not point to a BootInfo. Was the kernel called with the System V convention?\n");
        return;
    }
    screen_open(&info->screen);
    picture_draw();

    screen_text_scale(2);
    say("Hello from a kernel\n");
    screen_text_scale(1);
    say("in 64-bit mode at %016lx, started by UEFI.\n\n", info->kernel_start);
    memory_map_report(info);
    screen_report(&info->screen);
    acpi_report(info->rsdp);
    say("CR0=%016lx CR3=%016lx\n", read_cr0(), read_cr3());
    say(bss_is_zero() ? "BSS is zero.\n" : "BSS IS NOT ZERO.\n");
    say("Switching off.\n");
    acpi_power_off(info->rsdp);
    say("The machine did not switch off.\n");
}
