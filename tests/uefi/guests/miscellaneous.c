/* 7.5, 8.3, 8.5: time, memory, checksums, counters, the watchdog, the tables' headers. */
#include "guest.h"
#include "protocols.h"

static UINT8 Buffer[4096 + 64], Copy[4096 + 64];

static void header(const char *line, const EFI_TABLE_HEADER *table, UINT64 signature)
{
    UINT32 crc;
    about(line);
    check("signature", table->Signature == signature);
    check("revision is at least 2.31", table->Revision >= (2 << 16 | 31) && table->Revision >> 16 == 2);
    tell("size", "%u", (UINT64)table->HeaderSize);
    tell("reserved", "%u", (UINT64)table->Reserved);
    memcpy(Copy, table, table->HeaderSize);
    ((EFI_TABLE_HEADER *)Copy)->CRC32 = 0;
    NEED(BS->CalculateCrc32(Copy, table->HeaderSize, &crc));
    check("CRC32", crc == table->CRC32);
}

static void tables(void)
{
    header("the system table", &ST->Hdr, EFI_SYSTEM_TABLE_SIGNATURE);
    header("boot services", &BS->Hdr, EFI_BOOT_SERVICES_SIGNATURE);
    header("runtime services", &RT->Hdr, EFI_RUNTIME_SERVICES_SIGNATURE);
    about("the system table");
    check("it has a vendor", ST->FirmwareVendor && *ST->FirmwareVendor);
    check("the consoles are there", ST->ConIn && ST->ConOut && ST->StdErr);
    check("their handles are there", ST->ConsoleInHandle && ST->ConsoleOutHandle && ST->StandardErrorHandle);
    VOID *interface;
    status("ConsoleInHandle has SIMPLE_TEXT_INPUT",
           BS->HandleProtocol(ST->ConsoleInHandle, &EFI_SIMPLE_TEXT_INPUT_PROTOCOL_GUID, &interface));
    check("it is ConIn", interface == ST->ConIn);
    status("ConsoleInHandle has SIMPLE_TEXT_INPUT_EX",
           BS->HandleProtocol(ST->ConsoleInHandle, &EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL_GUID, &interface));
    status("ConsoleOutHandle has SIMPLE_TEXT_OUTPUT",
           BS->HandleProtocol(ST->ConsoleOutHandle, &EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL_GUID, &interface));
    check("it is ConOut", interface == ST->ConOut);
    status("StandardErrorHandle has SIMPLE_TEXT_OUTPUT",
           BS->HandleProtocol(ST->StandardErrorHandle, &EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL_GUID, &interface));
    check("it is StdErr", interface == ST->StdErr);
    static const struct { const char *name; EFI_GUID guid; } TABLES[] = {
        {"ACPI 2.0", EFI_ACPI_20_TABLE_GUID}, {"ACPI 1.0", ACPI_TABLE_GUID}, {"SMBIOS", SMBIOS_TABLE_GUID},
        {"SMBIOS 3", SMBIOS3_TABLE_GUID}, {"MPS", MPS_TABLE_GUID}, {"devicetree", EFI_DTB_TABLE_GUID},
        {"memory attributes", EFI_MEMORY_ATTRIBUTES_TABLE_GUID}, {"system resources", EFI_SYSTEM_RESOURCE_TABLE_GUID},
    };
    about("configuration tables");
    for (UINTN i = 0; i < COUNT(TABLES); i++) {
        UINTN found = 0;
        for (UINTN j = 0; j < ST->NumberOfTableEntries; j++)
            found += equal(&ST->ConfigurationTable[j].VendorGuid, &TABLES[i].guid, sizeof(EFI_GUID));
        tell(TABLES[i].name, "%u", found);
    }
    int rsdp = 0, anchor = 0;
    for (UINTN i = 0; i < ST->NumberOfTableEntries; i++) {
        const EFI_GUID *guid = &ST->ConfigurationTable[i].VendorGuid;
        const UINT8 *table = ST->ConfigurationTable[i].VendorTable;
        if (equal(guid, &EFI_ACPI_20_TABLE_GUID, sizeof *guid)) {
            UINT8 sum = 0;
            for (int j = 0; j < 36; j++)
                sum += table[j];
            rsdp = equal(table, "RSD PTR ", 8) && sum == 0;
        }
        anchor |= equal(guid, &SMBIOS_TABLE_GUID, sizeof *guid) && equal(table, "_SM_", 4);
        anchor |= equal(guid, &SMBIOS3_TABLE_GUID, sizeof *guid) && equal(table, "_SM3_", 5);
    }
    check("ACPI 2.0, signature and checksum", rsdp);
    check("SMBIOS of either kind, anchor", anchor);
}

static void memory(void)
{
    UINT32 crc = 0x12345678;
    about("CalculateCrc32");
    status("\"123456789\"", BS->CalculateCrc32("123456789", 9, &crc));
    tell("of \"123456789\"", "%x", (UINT64)crc);
    status("one zero", BS->CalculateCrc32("", 1, &crc));
    tell("of one zero", "%x", (UINT64)crc);
    crc = 0x12345678;
    status("0 bytes", BS->CalculateCrc32("", 0, &crc));
    tell("of 0 bytes", "%x", (UINT64)crc);
    status("no data", BS->CalculateCrc32(NULL, 9, &crc));
    status("nowhere to put it", BS->CalculateCrc32("", 1, NULL));
    for (UINTN i = 0; i < sizeof Buffer; i++)
        Buffer[i] = (UINT8)(i * 7);
    NEED(BS->CalculateCrc32(Buffer, sizeof Buffer, &crc));
    tell("of 4160 bytes", "%x", (UINT64)crc);

    about("CopyMem");
    for (UINTN way = 0; way < 3; way++) {
        static const char *const NAMES[] = {"up, overlapping", "down, overlapping", "to itself"};
        UINTN from = way == 1 ? 13 : 0, to = way == 0 ? 13 : 0;
        int right = 1;
        for (UINTN i = 0; i < sizeof Buffer; i++)
            Buffer[i] = (UINT8)(i * 7 + i / 256);
        BS->CopyMem(Buffer + to, Buffer + from, 4096);
        for (UINTN i = 0; i < 4096; i++)
            right &= Buffer[to + i] == (UINT8)((from + i) * 7 + (from + i) / 256);
        check(NAMES[way], right);
    }
    UINT8 four[4] = {1, 2, 3, 4};
    BS->CopyMem(four + 1, four, 0);
    check("0 bytes", four[1] == 2);
    about("SetMem");
    memset(Buffer, 0, sizeof Buffer);
    BS->SetMem(Buffer + 3, 4001, 0xA5);
    check("4001 bytes at an odd address", Buffer[2] == 0 && Buffer[3] == 0xA5 && Buffer[4003] == 0xA5 && Buffer[4004] == 0);
    BS->SetMem(Buffer, 0, 0x11);
    check("0 bytes", Buffer[0] == 0);
}

static void counters(void)
{
    UINT64 one = 0, two = 0;
    UINT32 high = 0, higher = 0;
    about("GetNextMonotonicCount");
    status("a first", BS->GetNextMonotonicCount(&one));
    status("a second", BS->GetNextMonotonicCount(&two));
    tell("the difference", "%u", two - one);
    status("nowhere to put it", BS->GetNextMonotonicCount(NULL));
    about("GetNextHighMonotonicCount");
    status("a first", RT->GetNextHighMonotonicCount(&high));
    status("a second", RT->GetNextHighMonotonicCount(&higher));
    tell("the difference", "%u", (UINT64)(higher - high));
    check("the first is one more than the upper half of the count", high == (one >> 32) + 1);
    NEED(BS->GetNextMonotonicCount(&two));
    check("the upper half of the count is that", two >> 32 == higher);
    status("nowhere to put it", RT->GetNextHighMonotonicCount(NULL));

    about("SetWatchdogTimer");
    status("5 minutes", BS->SetWatchdogTimer(300, 0x10000, 0, NULL));
    status("5 minutes, with data", BS->SetWatchdogTimer(300, 0x10000, 10, u"dogs"));
    status("code 0", BS->SetWatchdogTimer(300, 0, 0, NULL));
    status("code FFFF", BS->SetWatchdogTimer(300, 0xFFFF, 0, NULL));
    status("off", BS->SetWatchdogTimer(0, 0x10000, 0, NULL));
    status("off, again", BS->SetWatchdogTimer(0, 0, 0, NULL));
    about("Stall");
    status("0", BS->Stall(0));
    status("1", BS->Stall(1));
    status("10000", BS->Stall(10000));
}

static UINT64 seconds(const EFI_TIME *time)
{
    return ((time->Day * 24u + time->Hour) * 60u + time->Minute) * 60u + time->Second;
}

static void set_time(const char *line, UINT16 year, UINT8 month, UINT8 day, UINT8 hour, UINT8 minute, UINT8 second,
                     UINT32 nanosecond, INT16 zone, UINT8 daylight)
{
    EFI_TIME time = {year, month, day, hour, minute, second, 0, nanosecond, zone, daylight, 0}, now = {0};
    EFI_STATUS ended = RT->SetTime(&time);
    if (EFI_ERROR(ended)) {
        status(line, ended);
        return;
    }
    NEED(RT->GetTime(&now, NULL));
    UINT64 passed = seconds(&now) - seconds(&time);
    tell(line, "%r, %u-%u-%u, at most a second later %b, zone %d, daylight %u", ended, (UINT64)now.Year,
         (UINT64)now.Month, (UINT64)now.Day,
         passed <= 1, (INT64)now.TimeZone, (UINT64)now.Daylight);
}

static void time(void)
{
    EFI_TIME now, then;
    EFI_TIME_CAPABILITIES can = {0};
    about("GetTime");
    status("time", RT->GetTime(&now, NULL));
    check("it is a date",
          now.Year >= 2000 && now.Year < 2100 && now.Month >= 1 && now.Month <= 12 && now.Day >= 1 && now.Day <= 31 &&
          now.Hour < 24 && now.Minute < 60 && now.Second < 60 && now.Nanosecond < 1000000000);
    status("time and capabilities", RT->GetTime(&now, &can));
    tell("Resolution", "%u", (UINT64)can.Resolution);
    tell("SetsToZero", "%u", (UINT64)can.SetsToZero);
    status("nowhere to put it", RT->GetTime(NULL, NULL));
    about("SetTime");
    status("nothing", RT->SetTime(NULL));
    set_time("an ordinary time", 2026, 5, 17, 12, 34, 50, 0, 0, 0);
    set_time("no time zone", 2026, 5, 17, 12, 34, 50, 0, EFI_UNSPECIFIED_TIMEZONE, 0);
    set_time("time zone 120", 2026, 5, 17, 12, 34, 50, 0, 120, 0);
    set_time("time zone -1440", 2026, 5, 17, 12, 34, 50, 0, -1440, 0);
    set_time("time zone 1440", 2026, 5, 17, 12, 34, 50, 0, 1440, 0);
    set_time("time zone 1441", 2026, 5, 17, 12, 34, 50, 0, 1441, 0);
    set_time("time zone -1441", 2026, 5, 17, 12, 34, 50, 0, -1441, 0);
    set_time("daylight 1", 2026, 5, 17, 12, 34, 50, 0, 0, 1);
    set_time("daylight 3", 2026, 5, 17, 12, 34, 50, 0, 0, 3);
    set_time("daylight 4", 2026, 5, 17, 12, 34, 50, 0, 0, 4);
    set_time("29 February 2028", 2028, 2, 29, 0, 0, 0, 0, 0, 0);
    set_time("29 February 2027", 2027, 2, 29, 0, 0, 0, 0, 0, 0);
    set_time("month 0", 2026, 0, 17, 12, 34, 50, 0, 0, 0);
    set_time("month 13", 2026, 13, 17, 12, 34, 50, 0, 0, 0);
    set_time("day 0", 2026, 5, 0, 12, 34, 50, 0, 0, 0);
    set_time("31 April", 2026, 4, 31, 12, 34, 50, 0, 0, 0);
    set_time("hour 24", 2026, 5, 17, 24, 34, 50, 0, 0, 0);
    set_time("minute 60", 2026, 5, 17, 12, 60, 50, 0, 0, 0);
    set_time("second 60", 2026, 5, 17, 12, 34, 60, 0, 0, 0);
    set_time("a thousand million nanoseconds", 2026, 5, 17, 12, 34, 50, 1000000000, 0, 0);
    set_time("year 1899", 1899, 5, 17, 12, 34, 50, 0, 0, 0);
    set_time("year 10000", 10000, 5, 17, 12, 34, 50, 0, 0, 0);
    set_time("the end of a month", 2026, 4, 30, 23, 59, 50, 0, 0, 0);
    set_time("an ordinary time again", 2026, 5, 17, 12, 34, 50, 0, EFI_UNSPECIFIED_TIMEZONE, 0);
    NEED(RT->GetTime(&now, NULL));
    NEED(BS->Stall(2000000));
    NEED(RT->GetTime(&then, NULL));
    check("two seconds of Stall are two or three", seconds(&then) - seconds(&now) - 2 <= 1);

    BOOLEAN enabled = 77, pending = 77;
    about("the alarm");
    EFI_STATUS ended = RT->GetWakeupTime(&enabled, &pending, &now);
    tell("GetWakeupTime", "%r, %u, %u", ended, EFI_ERROR(ended) ? 0 : (UINT64)enabled,
         EFI_ERROR(ended) ? 0 : (UINT64)pending);
    status("GetWakeupTime, nowhere to put it", RT->GetWakeupTime(NULL, &pending, &now));
    NEED(RT->GetTime(&now, NULL));
    now.Second = 0;
    now.Minute = 59;
    status("SetWakeupTime without a time", RT->SetWakeupTime(TRUE, NULL));
    status("SetWakeupTime off", RT->SetWakeupTime(FALSE, NULL));
}

static void capsules(void)
{
    EFI_CAPSULE_HEADER header = {{0x11111111, 1, 1, {1}}, sizeof header, 0, sizeof header}, *list[] = {&header};
    UINT64 most = 0;
    EFI_RESET_TYPE reset = 77;
    about("capsules");
    status("UpdateCapsule, none", RT->UpdateCapsule(list, 0, 0));
    status("UpdateCapsule, a GUID that nobody knows", RT->UpdateCapsule(list, 1, 0));
    status("QueryCapsuleCapabilities, none", RT->QueryCapsuleCapabilities(list, 0, &most, &reset));
    status("QueryCapsuleCapabilities, a GUID that nobody knows", RT->QueryCapsuleCapabilities(list, 1, &most, &reset));
    status("QueryCapsuleCapabilities, nowhere to put it", RT->QueryCapsuleCapabilities(list, 1, NULL, &reset));
}

void guest(void)
{
    tables();
    memory();
    counters();
    time();
    capsules();
}
