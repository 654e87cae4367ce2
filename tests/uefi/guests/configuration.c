/* 4.6: the configuration tables, as a kernel reads them: ACPI's from the RSDP on, SMBIOS's structures, memory attributes. */
#include "guest.h"
#include "protocols.h"

static UINT8 Map[64 * 1024] __attribute__((aligned(16)));
static UINTN MapSize, Step;

static UINT64 type_of(UINT64 address)
{
    for (UINT8 *at = Map; at < Map + MapSize; at += Step) {
        EFI_MEMORY_DESCRIPTOR *each = (VOID *)at;
        if (each->PhysicalStart <= address && address < each->PhysicalStart + each->NumberOfPages * EFI_PAGE_SIZE)
            return each->Type;
    }
    return 0xFFFFFFFF;
}

/* Kept by a kernel, or at least until it has read the tables. */
static int is_safe(UINT64 address)
{
    UINT64 type = type_of(address);
    return type == EfiACPIReclaimMemory || type == EfiACPIMemoryNVS || type == EfiRuntimeServicesData || type == EfiReservedMemoryType;
}

static VOID *table(EFI_GUID guid)
{
    for (UINTN i = 0; i < ST->NumberOfTableEntries; i++)
        if (equal(&ST->ConfigurationTable[i].VendorGuid, &guid, sizeof guid))
            return ST->ConfigurationTable[i].VendorTable;
    return NULL;
}

static int sums_to_zero(const UINT8 *bytes, UINTN count)
{
    UINT8 sum = 0;
    while (count--)
        sum += *bytes++;
    return sum == 0;
}

static UINT32 u32(const VOID *at) { UINT32 value; memcpy(&value, at, 4); return value; }
static UINT64 u64(const VOID *at) { UINT64 value; memcpy(&value, at, 8); return value; }
static UINT16 u16(const VOID *at) { UINT16 value; memcpy(&value, at, 2); return value; }

static const UINT8 *find(const UINT8 *xsdt, const char *signature)
{
    for (UINT32 at = 36; at + 8 <= u32(xsdt + 4); at += 8)
        if (equal((VOID *)u64(xsdt + at), signature, 4))
            return (VOID *)u64(xsdt + at);
    return NULL;
}

static void acpi(void)
{
    const UINT8 *rsdp = table((EFI_GUID)EFI_ACPI_20_TABLE_GUID), *old = table((EFI_GUID)ACPI_TABLE_GUID);
    about("ACPI");
    check("RSDP of 2.0, signature and both checksums", rsdp && equal(rsdp, "RSD PTR ", 8) && sums_to_zero(rsdp, 20) &&
          sums_to_zero(rsdp, u32(rsdp + 20)));
    tell("RSDP, revision", "%u", (UINT64)rsdp[15]);
    check("RSDP of 1.0, signature and checksum", old && equal(old, "RSD PTR ", 8) && sums_to_zero(old, 20));
    check("RSDP is in memory that is kept", is_safe((UINTN)rsdp));
    const UINT8 *xsdt = (VOID *)u64(rsdp + 24), *rsdt = (VOID *)(UINTN)u32(old + 16);
    check("XSDT, signature and checksum", equal(xsdt, "XSDT", 4) && sums_to_zero(xsdt, u32(xsdt + 4)));
    check("RSDT, signature and checksum", equal(rsdt, "RSDT", 4) && sums_to_zero(rsdt, u32(rsdt + 4)));
    int sums = 1, safe = is_safe((UINTN)xsdt);
    for (UINT32 at = 36; at + 8 <= u32(xsdt + 4); at += 8) {
        const UINT8 *each = (VOID *)u64(xsdt + at);
        sums &= sums_to_zero(each, u32(each + 4));
        safe &= is_safe((UINTN)each);
    }
    check("all tables have right checksums", sums);
    check("all tables are in memory that is kept", safe);
    const UINT8 *fadt = find(xsdt, "FACP"), *madt = find(xsdt, "APIC");
    check("FADT", fadt != NULL);
    const UINT8 *dsdt = (VOID *)(u32(fadt + 4) >= 148 && u64(fadt + 140) ? u64(fadt + 140) : u32(fadt + 40)),
                *facs = (VOID *)(UINTN)u32(fadt + 36);
    check("DSDT, signature and checksum", equal(dsdt, "DSDT", 4) && sums_to_zero(dsdt, u32(dsdt + 4)));
    check("FACS, signature, at a multiple of 64", equal(facs, "FACS", 4) && (UINTN)facs % 64 == 0);
    check("FACS is kept for ever", type_of((UINTN)facs) == EfiACPIMemoryNVS || type_of((UINTN)facs) == EfiReservedMemoryType);
    UINT32 first, second;
    __asm__ volatile("inl %%dx, %0" : "=a"(first) : "d"((UINT16)u32(fadt + 76)));
    NEED(BS->Stall(1000));
    __asm__ volatile("inl %%dx, %0" : "=a"(second) : "d"((UINT16)u32(fadt + 76)));
    UINT32 ticks = (second - first) & 0xFFFFFF;         /* of 3.58 MHz */
    check("power management timer, a thousand microseconds are 3580 ticks at least", ticks >= 3570 && ticks < 3580000);
    tell("SCI", "interrupt %u", (UINT64)u16(fadt + 46));
    check("MADT", madt != NULL);
}

static void smbios(void)
{
    const UINT8 *anchor = table((EFI_GUID)SMBIOS_TABLE_GUID);
    static const UINT8 WANTED[] = {0, 1, 3, 4, 16, 17, 19, 32, 127};
    static char name[] = "structures of type 000";
    UINTN found[256] = {0};
    about("SMBIOS");
    check("_SM_, and both checksums", anchor && equal(anchor, "_SM_", 4) && sums_to_zero(anchor, anchor[5]) &&
          equal(anchor + 16, "_DMI_", 5) && sums_to_zero(anchor + 16, 15));
    const UINT8 *at = (VOID *)(UINTN)u32(anchor + 24), *end = at + u16(anchor + 22);
    UINT64 count = 0;
    check("the structures are in memory that is kept", is_safe((UINTN)at));
    while (at + 4 <= end) {
        found[*at]++, count++;
        int last = *at == 127;
        for (at += at[1]; at + 1 < end && (at[0] || at[1]); at++)
            ;
        at += 2;
        if (last)
            break;
    }
    check("they end where the anchor says", at == end);
    check("there are as many as it says", count == u16(anchor + 28));
    for (UINTN i = 0; i < COUNT(WANTED); i++) {
        name[19] = (char)('0' + WANTED[i] / 100), name[20] = (char)('0' + WANTED[i] / 10 % 10), name[21] = (char)('0' + WANTED[i] % 10);
        check(name, found[WANTED[i]] > 0);
    }
}

/* Version 1 or 2: 0 Version (4)   4 NumberOfEntries (4)   8 DescriptorSize (4)   12 Flags (4)   16 descriptors */
static void memory_attributes(void)
{
    const UINT8 *attributes = table((EFI_GUID)EFI_MEMORY_ATTRIBUTES_TABLE_GUID);
    about("memory attributes");
    check("the table is there", attributes != NULL);
    UINT32 entries = u32(attributes + 4), size = u32(attributes + 8);
    tell("size of a descriptor", "%u", (UINT64)size);
    UINT64 pages = 0, behind = 0, code_writable = 0, data_executable = 0;
    int sorted = 1, runtime = 1, types = 1, inside = 1;
    for (UINT32 i = 0; i < entries; i++) {
        EFI_MEMORY_DESCRIPTOR each;
        memcpy(&each, attributes + 16 + i * size, sizeof each);
        sorted &= each.PhysicalStart >= behind;
        behind = each.PhysicalStart + each.NumberOfPages * EFI_PAGE_SIZE;
        pages += each.NumberOfPages;
        runtime &= (each.Attribute & EFI_MEMORY_RUNTIME) != 0;
        types &= each.Type == EfiRuntimeServicesCode || each.Type == EfiRuntimeServicesData;
        inside &= type_of(each.PhysicalStart) == each.Type && type_of(behind - 1) == each.Type;
        code_writable += each.Type == EfiRuntimeServicesCode && !(each.Attribute & (EFI_MEMORY_RO | EFI_MEMORY_XP));
        data_executable += each.Type == EfiRuntimeServicesData && !(each.Attribute & EFI_MEMORY_XP);
    }
    UINT64 in_map = 0;
    for (UINT8 *at = Map; at < Map + MapSize; at += Step) {
        EFI_MEMORY_DESCRIPTOR *each = (VOID *)at;
        if (each->Type == EfiRuntimeServicesCode || each->Type == EfiRuntimeServicesData)
            in_map += each->NumberOfPages;
    }
    check("sorted, without overlaps", sorted);
    check("types are those of runtime services", types);
    check("all have RUNTIME", runtime);
    check("the memory map has them with their types", inside);
    check("all pages of runtime services are described", pages == in_map);
    tell("descriptors of code that is both writable and executable", "%u", code_writable);
    tell("descriptors of data that is executable", "%u", data_executable);
}

void guest(void)
{
    UINTN key;
    UINT32 version;
    MapSize = sizeof Map;
    NEED(BS->GetMemoryMap(&MapSize, (VOID *)Map, &key, &Step, &version));
    acpi();
    smbios();
    memory_attributes();
}
