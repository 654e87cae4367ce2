/* The firmware's memory map. */
#include "loader.h"

static const char *const TYPES[EfiMaxMemoryType] = {
    "EfiReservedMemoryType", "EfiLoaderCode", "EfiLoaderData", "EfiBootServicesCode", "EfiBootServicesData",
    "EfiRuntimeServicesCode", "EfiRuntimeServicesData", "EfiConventionalMemory", "EfiUnusableMemory",
    "EfiACPIReclaimMemory", "EfiACPIMemoryNVS", "EfiMemoryMappedIO", "EfiMemoryMappedIOPortSpace", "EfiPalCode",
    "EfiPersistentMemory", "EfiUnacceptedMemoryType",
};

/* Asks how long the map is, allocates that and more, and takes it. More, because allocating splits a descriptor in two, and
 * so the map that was asked about is not the map that there is. */
EFI_STATUS memory_map_allocate(MemoryMap *map)
{
    UINT32 version;
    *map = (MemoryMap){0};
    EFI_STATUS status = BS->GetMemoryMap(&map->size, NULL, &map->key, &map->descriptor_size, &version);
    if (status != EFI_BUFFER_TOO_SMALL)
        return failed(status, "With no buffer at all it should have been BUFFER_TOO_SMALL.", "ask for the memory map's size");
    map->room = map->size + 8 * map->descriptor_size;
    status = BS->AllocatePool(EfiLoaderData, map->room, (VOID **)&map->descriptors);
    if (EFI_ERROR(status))
        return failed(status, "", "allocate %lu bytes for the memory map", map->room);
    status = memory_map_take(map);
    if (EFI_ERROR(status))
        return failed(status, "", "get the memory map");
    return EFI_SUCCESS;
}

/* The map as it is now, into the memory that is there: allocates nothing, prints nothing. */
EFI_STATUS memory_map_take(MemoryMap *map)
{
    UINT32 version;
    map->size = map->room;                              /* in: bytes there are, out: bytes used */
    return BS->GetMemoryMap(&map->size, (EFI_MEMORY_DESCRIPTOR *)map->descriptors, &map->key, &map->descriptor_size,
                            &version);
}

void memory_map_print(const MemoryMap *map)
{
    UINTN pages[EfiMaxMemoryType] = {0}, descriptors[EfiMaxMemoryType] = {0};
    for (UINTN i = 0; i < memory_descriptors(map); i++) {
        const EFI_MEMORY_DESCRIPTOR *descriptor = memory_descriptor(map, i);
        if (descriptor->Type >= EfiMaxMemoryType)       /* the vendor's own types: 70000000h and up */
            continue;
        pages[descriptor->Type] += descriptor->NumberOfPages;
        descriptors[descriptor->Type]++;
    }
    print("  The memory map: %lu descriptors, %lu bytes apart (sizeof says %lu).\n", memory_descriptors(map),
          map->descriptor_size, sizeof(EFI_MEMORY_DESCRIPTOR));
    for (UINTN type = 0; type < EfiMaxMemoryType; type++)
        if (descriptors[type])
            print("  %-28s %3lu %9lu KB\n", TYPES[type], descriptors[type], pages[type] * (EFI_PAGE_SIZE / 1024));
}

static const EFI_MEMORY_DESCRIPTOR *descriptor_of(const MemoryMap *map, EFI_PHYSICAL_ADDRESS address)
{
    for (UINTN i = 0; i < memory_descriptors(map); i++) {
        const EFI_MEMORY_DESCRIPTOR *descriptor = memory_descriptor(map, i);
        if (address - descriptor->PhysicalStart < descriptor->NumberOfPages * EFI_PAGE_SIZE)
            return descriptor;
    }
    return NULL;
}

/* Says who has the first page between `start` and `end` that is not free. */
void memory_print_owner(const MemoryMap *map, EFI_PHYSICAL_ADDRESS start, EFI_PHYSICAL_ADDRESS end)
{
    while (start < end) {
        const EFI_MEMORY_DESCRIPTOR *descriptor = descriptor_of(map, start);
        if (!descriptor) {
            print("  There is no memory at %016lx.\n", start);
            return;
        }
        if (descriptor->Type != EfiConventionalMemory) {
            const char *type = descriptor->Type < EfiMaxMemoryType ? TYPES[descriptor->Type] : "of a type of its own";
            print("  The memory at %016lx is %s.\n", start, type);
            return;
        }
        start = descriptor->PhysicalStart + descriptor->NumberOfPages * EFI_PAGE_SIZE;
    }
}
