/* What the loader tells the kernel: a pointer to this is in RDI at the kernel's entry. All addresses are physical, and the
 * firmware's page tables, still in use, map each to itself. */
#ifndef BOOTINFO_H
#define BOOTINFO_H

#include <stdint.h>

#define BOOT_INFO_MAGIC 0x4F464E49544F4F42u             /* "BOOTINFO" in memory: was RDI really set? */

typedef enum { PIXELS_NONE, PIXELS_RGB, PIXELS_BGR } PixelOrder;

typedef struct {
    uint64_t base;                                      /* 0: there is none */
    uint64_t size;                                      /* bytes */
    uint32_t width, height;                             /* pixels of 4 bytes */
    uint32_t pixels_per_line;                           /* at least width */
    uint32_t order;                                     /* PixelOrder: which byte of the four comes first */
} FrameBuffer;

typedef struct {
    uint64_t    magic;
    uint64_t    memory_map;                             /* EFI_MEMORY_DESCRIPTORs, as they were when the firmware left */
    uint64_t    memory_map_size;                        /* bytes */
    uint64_t    descriptor_size;                        /* bytes from one to the next */
    uint64_t    rsdp;                                   /* ACPI's root, 0: none */
    uint64_t    kernel_start, kernel_end;               /* where the loader put the kernel */
    FrameBuffer screen;
} BootInfo;

#endif
