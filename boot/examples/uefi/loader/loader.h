/* The loader's parts. Each returns EFI_SUCCESS, or the status of what went wrong after it has said so on the console. */
#ifndef LOADER_H
#define LOADER_H

#include "../common/bootinfo.h"
#include "../common/format.h"
#include "../protocols.h"

extern EFI_HANDLE Image;                                /* main.c: this loader, */
extern EFI_SYSTEM_TABLE *ST;                            /* what the firmware gave it, */
extern EFI_BOOT_SERVICES *BS;                           /* and the part that is used all the time */

/* ---- console.c */
void console_open(void);
void colour(UINTN attribute);
void print(const char *text, ...) __attribute__((format(printf, 1, 2)));
EFI_STATUS failed(EFI_STATUS status, const char *hint, const char *what, ...) __attribute__((format(printf, 3, 4)));

/* ---- memory_map.c */
typedef struct {
    UINT8 *descriptors;
    UINTN  room;                                        /* bytes allocated */
    UINTN  size;                                        /* bytes used */
    UINTN  descriptor_size;
    UINTN  key;
} MemoryMap;

EFI_STATUS memory_map_allocate(MemoryMap *map);
EFI_STATUS memory_map_take(MemoryMap *map);
void memory_map_print(const MemoryMap *map);
void memory_print_owner(const MemoryMap *map, EFI_PHYSICAL_ADDRESS start, EFI_PHYSICAL_ADDRESS end);

/* The descriptors lie descriptor_size apart. Counting with `&table[i]`, so by sizeof, works for the first one only. */
static inline const EFI_MEMORY_DESCRIPTOR *memory_descriptor(const MemoryMap *map, UINTN index)
{
    return (const EFI_MEMORY_DESCRIPTOR *)(map->descriptors + index * map->descriptor_size);
}

static inline UINTN memory_descriptors(const MemoryMap *map)
{
    return map->size / map->descriptor_size;
}

/* ---- file.c */
EFI_STATUS file_read(const CHAR16 *path, const char *name, VOID **data, UINTN *size);

/* ---- kernel.c */
typedef struct {
    EFI_PHYSICAL_ADDRESS start, end, entry;
} Kernel;

EFI_STATUS kernel_load(const VOID *file, UINTN size, Kernel *kernel);

/* ---- graphics.c */
void graphics_open(FrameBuffer *screen);

#endif
