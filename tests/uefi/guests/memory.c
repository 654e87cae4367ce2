/* 7.2: pages, pool, and the map of both. */
#include "guest.h"

#define BOGUS 0x123456789000u                           /* no memory is there */

static UINT8 Map[64 * 1024] __attribute__((aligned(16)));
static UINTN MapSize, MapKey, DescriptorSize;
static UINT32 DescriptorVersion;

#define EACH(descriptor) (EFI_MEMORY_DESCRIPTOR *descriptor = (void *)Map; (UINT8 *)descriptor < Map + MapSize; \
                          descriptor = (void *)((UINT8 *)descriptor + DescriptorSize))

static void get_map(void)
{
    MapSize = sizeof Map;
    NEED(BS->GetMemoryMap(&MapSize, (void *)Map, &MapKey, &DescriptorSize, &DescriptorVersion));
}

static EFI_MEMORY_DESCRIPTOR *descriptor_of(EFI_PHYSICAL_ADDRESS address)
{
    get_map();
    for EACH(each)
        if (each->PhysicalStart <= address && address < each->PhysicalStart + each->NumberOfPages * EFI_PAGE_SIZE)
            return each;
    return NULL;
}

static UINT64 type_of(EFI_PHYSICAL_ADDRESS address)
{
    EFI_MEMORY_DESCRIPTOR *found = descriptor_of(address);
    return found ? found->Type : 0xFFFFFFFF;
}

static void probes(void)
{
    UINTN size = 0, key = 0, descriptor = 0;
    UINT32 version = 0;
    about("GetMemoryMap");
    status("size 0, no buffer", BS->GetMemoryMap(&size, NULL, &key, &descriptor, &version));
    check("size asked for holds whole descriptors", size && size % descriptor == 0);
    tell("descriptor size", "%u", descriptor);
    tell("descriptor version", "%u", (UINT64)version);
    check("descriptor size is more than the structure's", descriptor > sizeof(EFI_MEMORY_DESCRIPTOR));

    UINTN first = size, one = descriptor;
    status("one descriptor's room", BS->GetMemoryMap(&one, (void *)Map, &key, &descriptor, &version));
    check("size is that of the first probe", one == first);
    one = first - 1;
    status("a byte too little", BS->GetMemoryMap(&one, (void *)Map, &key, &descriptor, &version));
    one = first;
    status("just enough", BS->GetMemoryMap(&one, (void *)Map, &key, &descriptor, &version));
    check("size is what was written", one <= first && one % descriptor == 0);

    status("no size", BS->GetMemoryMap(NULL, (void *)Map, &key, &descriptor, &version));
    size = sizeof Map;
    status("no buffer, with a size", BS->GetMemoryMap(&size, NULL, &key, &descriptor, &version));
    size = sizeof Map;
    status("no key", BS->GetMemoryMap(&size, (void *)Map, NULL, &descriptor, &version));
    size = sizeof Map;
    status("no descriptor size", BS->GetMemoryMap(&size, (void *)Map, &key, NULL, &version));
    size = sizeof Map;
    status("no version", BS->GetMemoryMap(&size, (void *)Map, &key, &descriptor, NULL));
    size = 0;
    status("size 0, nothing else", BS->GetMemoryMap(&size, NULL, NULL, NULL, NULL));

    UINTN again = 0, again_key = 0;
    get_map();
    again = sizeof Map;
    NEED(BS->GetMemoryMap(&again, (void *)Map, &again_key, &descriptor, &version));
    check("a second call gives the same key", again_key == MapKey);
    check("and the same size", again == MapSize);
    memset(Map, 0xA5, sizeof Map);
    get_map();
    int clean = 1;
    for (UINTN i = MapSize; i < sizeof Map; i++)
        clean &= Map[i] == 0xA5;
    check("the buffer behind the map is as it was", clean);
}

static void shape(void)
{
    EFI_PHYSICAL_ADDRESS before = 0;
    int sorted = 1, aligned = 1, apart = 1, empty = 0, known = 1, cacheable = 1, runtime = 1, virtual = 0, merged = 1;
    UINT64 usable = 0;
    EFI_MEMORY_DESCRIPTOR *last = NULL;
    about("the map");
    get_map();
    for EACH(each) {
        EFI_PHYSICAL_ADDRESS end = each->PhysicalStart + each->NumberOfPages * EFI_PAGE_SIZE;
        sorted &= each->PhysicalStart >= before;
        before = each->PhysicalStart;
        aligned &= each->PhysicalStart % EFI_PAGE_SIZE == 0;
        empty |= each->NumberOfPages == 0;
        known &= each->Type < EfiMaxMemoryType;
        virtual |= each->VirtualStart != 0;
        for EACH(other)
            apart &= other == each || other->PhysicalStart >= end ||
                     other->PhysicalStart + other->NumberOfPages * EFI_PAGE_SIZE <= each->PhysicalStart;
        if (each->Type == EfiConventionalMemory || each->Type == EfiLoaderCode || each->Type == EfiLoaderData ||
            each->Type == EfiBootServicesCode || each->Type == EfiBootServicesData)
            cacheable &= (each->Attribute & EFI_MEMORY_WB) != 0, usable += each->NumberOfPages;
        int is_runtime = each->Type == EfiRuntimeServicesCode || each->Type == EfiRuntimeServicesData;
        if (is_runtime)
            runtime &= (each->Attribute & EFI_MEMORY_RUNTIME) != 0;
        else if (each->Type < EfiMemoryMappedIO && each->Type != EfiReservedMemoryType)
            runtime &= (each->Attribute & EFI_MEMORY_RUNTIME) == 0;
        if (last && last->Type == each->Type && last->Attribute == each->Attribute &&
            last->PhysicalStart + last->NumberOfPages * EFI_PAGE_SIZE == each->PhysicalStart)
            merged = 0;
        last = each;
    }
    check("pages start at pages", aligned);
    check("descriptors do not overlap", apart);
    check("empty descriptors", empty);
    check("types are the specification's", known);
    check("VirtualStart is set", virtual);
    check("memory can be cached", cacheable);
    check("RUNTIME is on runtime services' memory, and on no other memory", runtime);
    check("neighbours that are alike are one descriptor", merged);
    check("sorted", sorted);
    check("at least half of 256 MB is free once boot services are gone", usable > 32768);
    tell("type of the guest's code", "%u", type_of((UINTN)shape));
    tell("type of the guest's data", "%u", type_of((UINTN)Map));
    EFI_PHYSICAL_ADDRESS stack = (UINTN)&before;
    tell("type of the stack", "%u", type_of(stack));
    tell("type of the system table", "%u", type_of((UINTN)ST));
    tell("type of the runtime services table", "%u", type_of((UINTN)RT));
    UINT64 type = type_of((UINTN)BS);
    check("the boot services table goes with them", type == EfiBootServicesCode || type == EfiBootServicesData);
    tell("type of GetVariable's code", "%u", type_of((UINTN)RT->GetVariable));
    tell("type of AllocatePages' code", "%u", type_of((UINTN)BS->AllocatePages));
    tell("type of the configuration tables' array", "%u", type_of((UINTN)ST->ConfigurationTable));
    check("the video memory at A0000h is free to use", type_of(0xA0000) == EfiConventionalMemory);
    check("the ROM at F0000h is free to use", type_of(0xF0000) == EfiConventionalMemory);
    check("there is no memory at the end of the address space", type_of(0xFFFFFFFFF000) == 0xFFFFFFFF);
}

static void page_types(void)
{
    static const struct { UINT32 type; const char *name; } TYPES[] = {
        {EfiReservedMemoryType, "EfiReservedMemoryType"}, {EfiLoaderCode, "EfiLoaderCode"},
        {EfiLoaderData, "EfiLoaderData"}, {EfiBootServicesCode, "EfiBootServicesCode"},
        {EfiBootServicesData, "EfiBootServicesData"}, {EfiRuntimeServicesCode, "EfiRuntimeServicesCode"},
        {EfiRuntimeServicesData, "EfiRuntimeServicesData"}, {EfiConventionalMemory, "EfiConventionalMemory"},
        {EfiUnusableMemory, "EfiUnusableMemory"}, {EfiACPIReclaimMemory, "EfiACPIReclaimMemory"},
        {EfiACPIMemoryNVS, "EfiACPIMemoryNVS"}, {EfiMemoryMappedIO, "EfiMemoryMappedIO"},
        {EfiMemoryMappedIOPortSpace, "EfiMemoryMappedIOPortSpace"}, {EfiPalCode, "EfiPalCode"},
        {EfiPersistentMemory, "EfiPersistentMemory"}, {EfiUnacceptedMemoryType, "EfiUnacceptedMemoryType"},
        {EfiMaxMemoryType, "EfiMaxMemoryType"}, {0x6FFFFFFF, "6FFFFFFF"}, {0x70000000, "70000000"},
        {0x7FFFFFFF, "7FFFFFFF"}, {0x80000000, "80000000"}, {0x80000001, "80000001"}, {0xFFFFFFFF, "FFFFFFFF"},
    };
    for (UINTN i = 0; i < COUNT(TYPES); i++) {
        EFI_PHYSICAL_ADDRESS address = BOGUS;
        VOID *buffer = NULL;
        about(TYPES[i].name);
        EFI_STATUS ended = BS->AllocatePages(AllocateAnyPages, TYPES[i].type, 1, &address);
        if (EFI_ERROR(ended))
            status("AllocatePages", ended);
        else {
            EFI_MEMORY_DESCRIPTOR *found = descriptor_of(address);
            tell("AllocatePages", "%r, has its type in the map %b, RUNTIME %b, WB %b", ended,
                 found && found->Type == TYPES[i].type,
                 found && found->Attribute & EFI_MEMORY_RUNTIME, found && found->Attribute & EFI_MEMORY_WB);
            ended = BS->FreePages(address, 1);          /* firmware may keep them for a type that hibernation needs there */
            UINT64 type = type_of(address);
            tell("FreePages", "%r, free or kept for its type %b", ended,
                 type == EfiConventionalMemory || type == TYPES[i].type);
        }
        ended = BS->AllocatePool(TYPES[i].type, 100, &buffer);
        if (EFI_ERROR(ended))
            status("AllocatePool", ended);
        else {
            int in_map = type_of((UINTN)buffer) == TYPES[i].type, aligned = (UINTN)buffer % 8 == 0;
            tell("AllocatePool", "%r, has its type in the map %b, a multiple of 8 %b, FreePool %r", ended, in_map, aligned,
                 BS->FreePool(buffer));
        }
    }
    about("");
}

static void pages(void)
{
    EFI_PHYSICAL_ADDRESS address = BOGUS, other;
    about("AllocatePages");
    status("0 pages", BS->AllocatePages(AllocateAnyPages, EfiLoaderData, 0, &address));
    status("no address", BS->AllocatePages(AllocateAnyPages, EfiLoaderData, 1, NULL));
    status("allocate type 3", BS->AllocatePages(MaxAllocateType, EfiLoaderData, 1, &address));
    status("allocate type FFFFFFFF", BS->AllocatePages(0xFFFFFFFF, EfiLoaderData, 1, &address));
    status("2^40 pages", BS->AllocatePages(AllocateAnyPages, EfiLoaderData, (UINTN)1 << 40, &address));
    status("2^52 pages", BS->AllocatePages(AllocateAnyPages, EfiLoaderData, (UINTN)1 << 52, &address));
    status("2^64-1 pages", BS->AllocatePages(AllocateAnyPages, EfiLoaderData, -1, &address));
    check("address is as it was", address == BOGUS);

    NEED(BS->AllocatePages(AllocateAnyPages, EfiLoaderData, 16, &address));
    check("at a page", address % EFI_PAGE_SIZE == 0);
    check("below 4 GB", address + 16 * EFI_PAGE_SIZE <= 0x100000000);
    check("not at 0", address != 0);
    UINTN key;
    get_map();
    key = MapKey;
    NEED(BS->AllocatePages(AllocateAnyPages, EfiLoaderData, 1, &other));
    get_map();
    check("the key is another", key != MapKey);
    key = MapKey;
    NEED(BS->FreePages(other, 1));
    get_map();
    check("and yet another when it is freed", key != MapKey);

    about("FreePages");                                 /* 16 pages at `address` */
    status("in the middle", BS->FreePages(address + 4 * EFI_PAGE_SIZE, 4));
    tell("in the middle, the type is then", "%u", type_of(address + 5 * EFI_PAGE_SIZE));
    tell("in the middle, the type before it", "%u", type_of(address + 3 * EFI_PAGE_SIZE));
    tell("in the middle, the type behind it", "%u", type_of(address + 8 * EFI_PAGE_SIZE));
    status("a second time", BS->FreePages(address + 4 * EFI_PAGE_SIZE, 4));
    status("across the hole", BS->FreePages(address, 16));
    tell("across the hole, the type of the first page is then", "%u", type_of(address));
    tell("across the hole, the type of the last page is then", "%u", type_of(address + 15 * EFI_PAGE_SIZE));
    status("not at a page", BS->FreePages(address + 8 * EFI_PAGE_SIZE + 1, 1));
    status("0 pages", BS->FreePages(address + 8 * EFI_PAGE_SIZE, 0));
    status("2^52 pages", BS->FreePages(address + 8 * EFI_PAGE_SIZE, (UINTN)1 << 52));
    status("2^64-1 pages", BS->FreePages(address + 8 * EFI_PAGE_SIZE, -1));
    status("where no memory is", BS->FreePages(BOGUS, 1));
    status("where no memory is, and not at a page", BS->FreePages(BOGUS + 1, 1));
    status("the rest", BS->FreePages(address + 8 * EFI_PAGE_SIZE, 8));
    status("the rest a second time", BS->FreePages(address + 8 * EFI_PAGE_SIZE, 8));
}

static void places(void)
{
    EFI_PHYSICAL_ADDRESS hole, address;
    NEED(BS->AllocatePages(AllocateAnyPages, EfiLoaderData, 8, &hole));
    about("AllocateAddress");
    address = hole;
    status("where pages are in use", BS->AllocatePages(AllocateAddress, EfiLoaderData, 1, &address));
    NEED(BS->FreePages(hole, 8));
    address = hole + 2 * EFI_PAGE_SIZE;
    status("in free memory", BS->AllocatePages(AllocateAddress, EfiLoaderCode, 2, &address));
    check("the address is that asked for", address == hole + 2 * EFI_PAGE_SIZE);
    tell("the type is then", "%u", type_of(address));
    address = hole;
    status("the same pages and more", BS->AllocatePages(AllocateAddress, EfiLoaderData, 4, &address));
    tell("nothing of it was taken", "%u", type_of(hole));
    address = hole + 1;
    status("not at a page", BS->AllocatePages(AllocateAddress, EfiLoaderData, 1, &address));
    tell("not at a page, the address is then plus", "%u", address - hole);
    if (address == hole + 1 && type_of(hole) != EfiConventionalMemory)
        status("what was not at a page is freed", BS->FreePages(hole, 1));
    address = BOGUS;
    status("where no memory is", BS->AllocatePages(AllocateAddress, EfiLoaderData, 1, &address));
    address = 0xFFFFFFFFFFFFF000;
    status("the last page of all", BS->AllocatePages(AllocateAddress, EfiLoaderData, 1, &address));
    address = 0xFFFFFFFFFFFFF000;
    status("beyond the end of addresses", BS->AllocatePages(AllocateAddress, EfiLoaderData, 2, &address));
    address = (UINTN)ST & -(UINTN)EFI_PAGE_SIZE;
    status("the firmware's own", BS->AllocatePages(AllocateAddress, EfiLoaderData, 1, &address));
    address = 0xFEE00000;
    status("the local APIC", BS->AllocatePages(AllocateAddress, EfiLoaderData, 1, &address));
    status("what was there is freed", BS->FreePages(hole + 2 * EFI_PAGE_SIZE, 2));

    about("AllocateMaxAddress");
    address = 0x1000000 - 1;
    status("below 16 MB", BS->AllocatePages(AllocateMaxAddress, EfiLoaderData, 4, &address));
    check("the last byte is below 16 MB", address + 4 * EFI_PAGE_SIZE <= 0x1000000);
    NEED(BS->FreePages(address, 4));
    address = -1;
    status("anywhere", BS->AllocatePages(AllocateMaxAddress, EfiLoaderData, 4, &address));
    NEED(BS->FreePages(address, 4));
    address = 0;
    status("nowhere", BS->AllocatePages(AllocateMaxAddress, EfiLoaderData, 1, &address));
    address = 0xFFE;
    status("a byte less than a page", BS->AllocatePages(AllocateMaxAddress, EfiLoaderData, 1, &address));
    address = 0x3FFF;
    status("more pages than there are below", BS->AllocatePages(AllocateMaxAddress, EfiLoaderData, 16, &address));
    check("the address is as it was", address == 0x3FFF);
    address = 0x2000800;
    status("an odd maximum", BS->AllocatePages(AllocateMaxAddress, EfiLoaderData, 1, &address));
    check("an odd maximum, at a page below", address % EFI_PAGE_SIZE == 0 && address + EFI_PAGE_SIZE <= 0x2000800);
    NEED(BS->FreePages(address, 1));
    address = hole + 8 * EFI_PAGE_SIZE - 1;
    status("memory that is free at the very maximum",
           BS->AllocatePages(AllocateMaxAddress, EfiLoaderData, 8, &address));
    check("is taken from its end", address == hole);
    NEED(BS->FreePages(address, 8));
}

static void pool(void)
{
    VOID *buffer = (VOID *)BOGUS, *many[64];
    about("AllocatePool");
    status("no buffer", BS->AllocatePool(EfiLoaderData, 8, NULL));
    status("0 bytes", BS->AllocatePool(EfiLoaderData, 0, &buffer));
    check("0 bytes, a pointer", buffer != NULL && buffer != (VOID *)BOGUS);
    status("0 bytes, FreePool", BS->FreePool(buffer));
    buffer = (VOID *)BOGUS;
    status("2^40 bytes", BS->AllocatePool(EfiLoaderData, (UINTN)1 << 40, &buffer));
    tell("2^40 bytes, the buffer is then", "%s", buffer == NULL ? "NULL" : buffer == (VOID *)BOGUS ? "as it was" : "?");
    status("2^64-1 bytes", BS->AllocatePool(EfiLoaderData, -1, &buffer));
    int aligned = 1, apart = 1, kept = 1;
    for (UINTN i = 0; i < COUNT(many); i++) {
        NEED(BS->AllocatePool(EfiLoaderData, i * 37 + 1, &many[i]));
        memset(many[i], (int)i, i * 37 + 1);
        aligned &= (UINTN)many[i] % 8 == 0;
        for (UINTN j = 0; j < i; j++)
            apart &= (UINT8 *)many[j] + j * 37 + 1 <= (UINT8 *)many[i] || (UINT8 *)many[i] + i * 37 + 1 <= (UINT8 *)many[j];
    }
    for (UINTN i = 0; i < COUNT(many); i++)
        for (UINTN j = 0; j < i * 37 + 1; j++)
            kept &= ((UINT8 *)many[i])[j] == i;
    check("64 buffers at multiples of 8", aligned);
    check("64 buffers, none in another", apart);
    check("64 buffers keep what is written", kept);
    EFI_STATUS freed = EFI_SUCCESS;
    for (UINTN i = 0; i < COUNT(many); i++)
        freed |= BS->FreePool(many[i * 29 % COUNT(many)]);
    status("64 buffers, FreePool in another order", freed);
    NEED(BS->AllocatePool(EfiLoaderData, 100000, &buffer));
    check("100000 bytes, a multiple of 8", (UINTN)buffer % 8 == 0);
    tell("100000 bytes, the type of the last", "%u", type_of((UINTN)buffer + 99999));
    status("100000 bytes, FreePool", BS->FreePool(buffer));

    about("FreePool");
    status("NULL", BS->FreePool(NULL));
    NEED(BS->AllocatePool(EfiLoaderData, 64, &buffer));
    status("the middle of a buffer", BS->FreePool((UINT8 *)buffer + 8));
    status("the buffer", BS->FreePool(buffer));
    status("the guest's own data", BS->FreePool(Map + 64));
    EFI_PHYSICAL_ADDRESS address;
    NEED(BS->AllocatePages(AllocateAnyPages, EfiLoaderData, 2, &address));
    memset((VOID *)address, 0, 2 * EFI_PAGE_SIZE);
    status("of AllocatePages", BS->FreePool((VOID *)address));
    status("of AllocatePages, in its middle", BS->FreePool((VOID *)(address + EFI_PAGE_SIZE)));
    status("of AllocatePages, FreePages", BS->FreePages(address, 2));
}

/* The map grows between the probe and the call, when the buffer for it splits a descriptor. */
static void growth(void)
{
    UINTN probed = 0, size, key, descriptor;
    UINT32 version;
    VOID *buffer;
    EFI_PHYSICAL_ADDRESS scattered[32];
    about("the map grows");
    BS->GetMemoryMap(&probed, NULL, &key, &descriptor, &version);
    for (UINTN i = 0; i < COUNT(scattered); i++)
        NEED(BS->AllocatePages(AllocateAnyPages, i % 2 ? EfiLoaderData : EfiLoaderCode, 1, &scattered[i]));
    NEED(BS->AllocatePool(EfiLoaderData, probed, &buffer));
    size = probed;
    status("with 32 allocations of two types since the probe", BS->GetMemoryMap(&size, buffer, &key, &descriptor, &version));
    NEED(BS->FreePool(buffer));
    for (UINTN i = 0; i < COUNT(scattered); i++)
        NEED(BS->FreePages(scattered[i], 1));
    probed = 0;
    BS->GetMemoryMap(&probed, NULL, &key, &descriptor, &version);
    size = probed + 8 * descriptor;
    NEED(BS->AllocatePool(EfiLoaderData, size, &buffer));
    status("with room for 8 descriptors more", BS->GetMemoryMap(&size, buffer, &key, &descriptor, &version));
    check("the size is then what the map needs", size % descriptor == 0 && size < probed + 8 * descriptor);
    status("FreePool", BS->FreePool(buffer));
}

void guest(void)
{
    probes();
    shape();
    page_types();
    pages();
    places();
    pool();
    growth();
}
