/* 7.4.6, 8.4: boot services end, and runtime services go on, at other addresses in the end. */
#include "guest.h"
#include "protocols.h"

static UINT8 Map[64 * 1024] __attribute__((aligned(16)));
static UINTN MapSize, MapKey, DescriptorSize;
static UINT32 DescriptorVersion;

/* What was notified, a letter each. After ExitBootServices only the guest's own code may run, so it is told later. */
static char Told[64];
static UINTN Count;
static VOID EFIAPI note(EFI_EVENT event, VOID *context)
{
    if (Count < sizeof Told - 1)
        Told[Count++] = *(char *)context;
}

static void told(const char *name)
{
    Told[Count] = 0;
    tell(name, "\"%s\"", Told);
    Count = 0;
}

static UINTN Before;
static VOID EFIAPI before_exit(EFI_EVENT event, VOID *context) { Before++; }

static VOID EFIAPI at_exit(EFI_EVENT event, VOID *context)
{
    EFI_TPL before = BS->RaiseTPL(TPL_HIGH_LEVEL);
    note(event, context);
    if (before == TPL_NOTIFY)
        note(event, "n");
    BS->RestoreTPL(before);
}

static VOID *Converted[3];
static EFI_STATUS Ended[6];
static VOID EFIAPI at_change(EFI_EVENT event, VOID *context)
{
    note(event, context);
    Converted[0] = RT->GetTime, Converted[1] = NULL, Converted[2] = (VOID *)0x123456789000;
    Ended[0] = RT->ConvertPointer(0, &Converted[0]);
    Ended[1] = RT->ConvertPointer(0, &Converted[1]);
    Ended[2] = RT->ConvertPointer(1, &Converted[1]);
    Ended[3] = RT->ConvertPointer(0, &Converted[2]);
    Ended[4] = RT->ConvertPointer(0, NULL);
}

static EFI_STATUS get_map(void)
{
    MapSize = sizeof Map;
    return BS->GetMemoryMap(&MapSize, (VOID *)Map, &MapKey, &DescriptorSize, &DescriptorVersion);
}

#define EACH(descriptor) (EFI_MEMORY_DESCRIPTOR *descriptor = (void *)Map; (UINT8 *)descriptor < Map + MapSize; \
                          descriptor = (void *)((UINT8 *)descriptor + DescriptorSize))

/* The runtime half of the map, moved to the upper half of the addresses: OFFSET from where it is. */
#define OFFSET 0xFFFF800000000000u
static UINTN virtual(void)
{
    UINTN size = 0;
    for EACH(each)
        if (each->Attribute & EFI_MEMORY_RUNTIME) {
            each->VirtualStart = each->PhysicalStart + OFFSET;
            memcpy(Map + size, each, DescriptorSize);
            size += DescriptorSize;
        }
    return size;
}

/* Page tables of the guest's own: those of the firmware, and the first 512 GB once more at OFFSET. */
static void map_at_offset(void)
{
    static UINT64 top[512] __attribute__((aligned(4096)));
    UINT64 cr3;
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    memcpy(top, (VOID *)(cr3 & 0xFFFFFFFFFF000), sizeof top);
    top[256] = top[0];
    __asm__ volatile("mov %0, %%cr3" :: "r"(top) : "memory");
}

/* Boot services' CalculateCrc32 is no more. */
static int crc_is_right(EFI_TABLE_HEADER *table)
{
    UINT32 crc = table->CRC32, sum = 0xFFFFFFFF;
    table->CRC32 = 0;
    for (UINTN i = 0; i < table->HeaderSize; i++) {
        sum ^= ((UINT8 *)table)[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320 : 0);
    }
    table->CRC32 = crc;
    return crc == ~sum;
}

static void runtime(const char *subject)
{
    static const EFI_GUID MINE = {0x11111111, 1, 1, {1, 1, 1, 1, 1, 1, 1, 1}};
    EFI_TIME time;
    UINT32 attributes, high;
    UINTN size = 64;
    UINT8 data[64];
    UINT64 most, left, largest;
    static CHAR16 name[256];
    EFI_GUID vendor;
    about(subject);
    status("GetTime", RT->GetTime(&time, NULL));
    status("GetVariable, RUNTIME", RT->GetVariable(u"Lasting", &MINE, &attributes, &size, data));
    size = 64;
    status("GetVariable, BOOTSERVICE_ACCESS only", RT->GetVariable(u"Passing", &MINE, &attributes, &size, data));
    status("SetVariable, NV and RUNTIME", RT->SetVariable(u"Lasting", &MINE, 7, 4, "more"));
    status("SetVariable, not NV", RT->SetVariable(u"Fleeting", &MINE, 6, 4, "more"));
    status("SetVariable, of BOOTSERVICE_ACCESS", RT->SetVariable(u"Passing", &MINE, 3, 4, "more"));
    status("SetVariable, a new one of BOOTSERVICE_ACCESS", RT->SetVariable(u"New", &MINE, 3, 4, "more"));
    status("SetVariable, deletes what is not NV", RT->SetVariable(u"Fleeting", &MINE, 6, 0, NULL));
    UINTN ours = 0, hidden = 0;
    name[0] = 0;
    for (size = sizeof name; !EFI_ERROR(RT->GetNextVariableName(&size, name, &vendor)); size = sizeof name)
        if (equal(&vendor, &MINE, sizeof vendor))
            ours++, hidden += equal_text(name, u"Passing");
    tell("GetNextVariableName, ours", "%u, of them BOOTSERVICE_ACCESS only %u", ours, hidden);
    status("QueryVariableInfo, NV, BOOT and RUNTIME", RT->QueryVariableInfo(7, &most, &left, &largest));
    status("QueryVariableInfo, BOOT", RT->QueryVariableInfo(3, &most, &left, &largest));
    status("GetNextHighMonotonicCount", RT->GetNextHighMonotonicCount(&high));
}

void guest(void)
{
    static const EFI_GUID MINE = {0x11111111, 1, 1, {1, 1, 1, 1, 1, 1, 1, 1}};
    EFI_EVENT event, timer;
    VOID *pointer = NULL;
    about("before");
    pointer = RT->GetTime;
    status("ConvertPointer", RT->ConvertPointer(0, &pointer));
    NEED(get_map());
    status("SetVirtualAddressMap", RT->SetVirtualAddressMap(virtual(), DescriptorSize, DescriptorVersion, (VOID *)Map));
    NEED(RT->SetVariable(u"Lasting", &MINE, 7, 4, "some"));
    NEED(RT->SetVariable(u"Passing", &MINE, 3, 4, "some"));
    NEED(RT->SetVariable(u"Fleeting", &MINE, 6, 4, "some"));

    NEED(BS->CreateEvent(EVT_SIGNAL_EXIT_BOOT_SERVICES, TPL_CALLBACK, note, "c", &event));
    NEED(BS->CreateEvent(EVT_SIGNAL_EXIT_BOOT_SERVICES, TPL_NOTIFY, at_exit, "N", &event));
    NEED(BS->CreateEventEx(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, note, "g", &EFI_EVENT_GROUP_EXIT_BOOT_SERVICES, &event));
    NEED(BS->CreateEventEx(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, before_exit, NULL, &EFI_EVENT_GROUP_BEFORE_EXIT_BOOT_SERVICES,
                           &event));
    NEED(BS->CreateEvent(EVT_SIGNAL_VIRTUAL_ADDRESS_CHANGE, TPL_NOTIFY, at_change, "v", &event));
    NEED(BS->CreateEvent(EVT_TIMER | EVT_NOTIFY_SIGNAL, TPL_CALLBACK, note, "t", &timer));

    about("ExitBootServices");
    NEED(get_map());
    status("another key", BS->ExitBootServices(Image, MapKey + 12345));
    told("another key, told");
    tell("BEFORE_EXIT_BOOT_SERVICES is told, with another key", "%u times", Before);
    EFI_PHYSICAL_ADDRESS page;
    NEED(get_map());
    NEED(BS->AllocatePages(AllocateAnyPages, EfiLoaderData, 1, &page));
    status("a key from before an allocation", BS->ExitBootServices(Image, MapKey));
    told("a key from before, told");
    status("AllocatePages goes on", BS->AllocatePages(AllocateAnyPages, EfiLoaderData, 1, &page));
    status("SetTimer goes on", BS->SetTimer(timer, TimerPeriodic, 100000));     /* it must not fire once it is over */
    status("GetMemoryMap between the two", get_map());
    Count = Before = 0;
    EFI_STATUS ended = BS->ExitBootServices(Image, MapKey);
    UINT64 flags;
    __asm__ volatile("pushfq; pop %0" : "=r"(flags));
    status("the right key", ended);
    for (volatile UINTN i = 0; i < 20000000; i++)
        ;
    UINTN all = Count;
    Told[Count > 2 ? 2 : Count] = 0;
    tell("the right key, told", "%u, first \"%s\"", all, Told);
    tell("BEFORE_EXIT_BOOT_SERVICES is told, with the right key", "%u times", Before);
    Count = 0;
    about("afterwards");
    check("interrupts are on", flags >> 9 & 1);
    check("BootServices is NULL", ST->BootServices == NULL);
    check("ConIn, ConOut and StdErr are NULL", !ST->ConIn && !ST->ConOut && !ST->StdErr);
    check("their handles are NULL", !ST->ConsoleInHandle && !ST->ConsoleOutHandle && !ST->StandardErrorHandle);
    check("RuntimeServices is there", ST->RuntimeServices == RT);
    check("the configuration tables are there", ST->NumberOfTableEntries && ST->ConfigurationTable);
    check("the system table's CRC32 is right", crc_is_right(&ST->Hdr));
    runtime("afterwards");

    about("SetVirtualAddressMap");
    map_at_offset();
    UINTN size = virtual();
    VOID *service = RT->GetTime, *vendor = ST->FirmwareVendor, *tables = ST->ConfigurationTable;
    status("a descriptor size of 39", RT->SetVirtualAddressMap(size, 39, DescriptorVersion, (VOID *)Map));
    status("version 2", RT->SetVirtualAddressMap(size, DescriptorSize, 2, (VOID *)Map));
    told("told so far");
    status("all of the runtime memory", RT->SetVirtualAddressMap(size, DescriptorSize, DescriptorVersion, (VOID *)Map));
    told("told");
    status("ConvertPointer then, of a service", Ended[0]);
    check("it is where the map has it", Converted[0] == (UINT8 *)service + OFFSET);
    status("ConvertPointer then, of NULL", Ended[1]);
    status("ConvertPointer then, of NULL that is optional", Ended[2]);
    status("ConvertPointer then, of memory that is not in the map", Ended[3]);
    status("ConvertPointer then, of nothing", Ended[4]);
    check("GetTime has moved", RT->GetTime == (VOID *)((UINT8 *)service + OFFSET));
    check("RuntimeServices has moved", ST->RuntimeServices == (VOID *)((UINT8 *)RT + OFFSET));
    check("FirmwareVendor has moved", ST->FirmwareVendor == (VOID *)((UINT8 *)vendor + OFFSET));
    check("ConfigurationTable has moved", ST->ConfigurationTable == (VOID *)((UINT8 *)tables + OFFSET));
    check("the system table's CRC32 is right", crc_is_right(&ST->Hdr));
    check("the runtime services table's CRC32 is right", crc_is_right(&RT->Hdr));
    RT = ST->RuntimeServices;
    status("once more", RT->SetVirtualAddressMap(size, DescriptorSize, DescriptorVersion, (VOID *)Map));
    pointer = service;
    status("ConvertPointer, when it is over", RT->ConvertPointer(0, &pointer));
    runtime("at virtual addresses");
}
