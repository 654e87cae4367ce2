/* What of the memory is free, now that the firmware is gone: by kind on the screen, and where it is on COM1. */
#include "../uefi.h"
#include "kernel.h"

typedef enum { FREE, OURS, RUNTIME, ACPI, DEVICES, RESERVED, KINDS } Kind;

static const struct {
    const char *name;
    uint32_t colour;
} KIND[KINDS] = {
    [FREE] = {"free", 0x60C860},
    [OURS] = {"loader and kernel", 0xF0D040},
    [RUNTIME] = {"runtime services", 0xE07030},
    [ACPI] = {"ACPI", 0x9070E0},
    [DEVICES] = {"devices", 0x4090E0},
    [RESERVED] = {"reserved", 0x808080},
};

static Kind kind_of(uint32_t type)
{
    switch (type) {
    case EfiConventionalMemory:
    case EfiBootServicesCode:
    case EfiBootServicesData:                           /* after the page tables in it have been replaced */
        return FREE;
    case EfiLoaderCode:
    case EfiLoaderData:                                 /* this kernel, the map that is being read, BootInfo */
        return OURS;
    case EfiRuntimeServicesCode:
    case EfiRuntimeServicesData:
        return RUNTIME;
    case EfiACPIReclaimMemory:
    case EfiACPIMemoryNVS:
        return ACPI;
    case EfiMemoryMappedIO:
    case EfiMemoryMappedIOPortSpace:
        return DEVICES;
    default:
        return RESERVED;
    }
}

typedef struct {
    uint64_t start, end;
    Kind kind;
} Range;

/* The range that begins at descriptor `*index` and goes on as long as the next one is adjacent and of the same kind. The
 * map need not be sorted, though most firmware sorts it. Advances `*index`; 0 at the map's end. */
static int next_range(const BootInfo *info, uint64_t *index, Range *range)
{
    uint64_t count = info->memory_map_size / info->descriptor_size;
    for (range->end = 0; *index < count; ++*index) {
        const EFI_MEMORY_DESCRIPTOR *descriptor = (void *)(info->memory_map + *index * info->descriptor_size);
        Kind kind = kind_of(descriptor->Type);
        uint64_t end = descriptor->PhysicalStart + descriptor->NumberOfPages * EFI_PAGE_SIZE;
        if (!range->end)
            *range = (Range){descriptor->PhysicalStart, end, kind};
        else if (kind == range->kind && descriptor->PhysicalStart == range->end)
            range->end = end;
        else
            break;
    }
    return range->end != 0;
}

/* The memory as a coloured bar, from 0 to `top`: what is free, and over it what is not, which may be a small part of a dot. */
static void draw_bar(const BootInfo *info, uint64_t top)
{
    Range range;
    screen_bar(0, 1024, 0x202020);
    for (int others = 0; others < 2; others++)
        for (uint64_t index = 0; next_range(info, &index, &range);)
            if (range.end <= top && (range.kind != FREE) == others)
                screen_bar((uint32_t)(range.start * 1024 / top), (uint32_t)(range.end * 1024 / top),
                           KIND[range.kind].colour);
}

void memory_map_report(const BootInfo *info)
{
    uint64_t bytes[KINDS] = {0}, top = 0;
    Range range;
    tell("The memory map, %lu descriptors:\n", info->memory_map_size / info->descriptor_size);
    for (uint64_t index = 0; next_range(info, &index, &range);) {
        tell("  %016lx - %016lx  %s\n", range.start, range.end - 1, KIND[range.kind].name);
        bytes[range.kind] += range.end - range.start;
        if (range.kind != DEVICES && range.kind != RESERVED && range.end > top)
            top = range.end;
    }
    for (Kind kind = FREE; kind < DEVICES; kind++) {    /* the rest may be address space, not memory */
        screen_text_colour(KIND[kind].colour);
        say("%10lu KB  %s\n", bytes[kind] / 1024, KIND[kind].name);
    }
    screen_text_colour(0xFFFFFF);
    say("\n");
    if (top)
        draw_bar(info, top);
    screen_put('\n');
    screen_put('\n');
}
