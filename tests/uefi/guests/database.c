/* 7.3: which protocols there are on which handles, and who finds them. */
#include "guest.h"
#include "protocols.h"

#define BOGUS_HANDLE ((EFI_HANDLE)bogus)
static UINT64 bogus[8];                                 /* memory that is no handle */

static EFI_GUID P = {0x11111111, 1, 1, {1, 1, 1, 1, 1, 1, 1, 1}}, Q = {0x22222222, 2, 2, {2, 2, 2, 2, 2, 2, 2, 2}},
                R = {0x33333333, 3, 3, {3, 3, 3, 3, 3, 3, 3, 3}}, NOBODYS = {0x99999999, 9, 9, {9, 9, 9, 9, 9, 9, 9, 9}};
static UINT64 p[4], q[4], r[4];                         /* interfaces */
static EFI_HANDLE A, B, C;

static const char *handle_name(EFI_HANDLE handle)
{
    return !handle ? "NULL" : handle == A ? "A" : handle == B ? "B" : handle == C ? "C" : "another";
}

static const char *interface_name(const VOID *interface)
{
    static const char *const NAMES[] = {"p0", "p1", "p2", "p3", "q0", "q1", "q2", "q3", "r0", "r1", "r2", "r3"};
    const UINT64 *all[] = {p, q, r};
    for (UINTN i = 0; i < 12; i++)
        if (interface == &all[i / 4][i % 4])
            return NAMES[i];
    return interface ? "another" : "NULL";
}

static void asked(const char *name, EFI_HANDLE handle, const EFI_GUID *guid)
{
    VOID *found = (VOID *)1;
    EFI_STATUS ended = BS->HandleProtocol(handle, guid, &found);
    tell(name, "%r, %s", ended, found == (VOID *)1 ? "untouched" : interface_name(found));
}

static void install(void)
{
    EFI_HANDLE handle = NULL;
    about("InstallProtocolInterface");
    status("no handle pointer", BS->InstallProtocolInterface(NULL, &P, EFI_NATIVE_INTERFACE, &p[0]));
    status("no GUID", BS->InstallProtocolInterface(&handle, NULL, EFI_NATIVE_INTERFACE, &p[0]));
    status("interface type 1", BS->InstallProtocolInterface(&handle, &P, 1, &p[0]));
    tell("the handle is then", "%s", handle_name(handle));
    handle = BOGUS_HANDLE;
    status("on what is no handle", BS->InstallProtocolInterface(&handle, &P, EFI_NATIVE_INTERFACE, &p[0]));
    status("on a new handle", BS->InstallProtocolInterface(&A, &P, EFI_NATIVE_INTERFACE, &p[0]));
    check("there is a handle", A != NULL);
    status("the same protocol again", BS->InstallProtocolInterface(&A, &P, EFI_NATIVE_INTERFACE, &p[1]));
    status("the same interface again", BS->InstallProtocolInterface(&A, &P, EFI_NATIVE_INTERFACE, &p[0]));
    status("another protocol", BS->InstallProtocolInterface(&A, &Q, EFI_NATIVE_INTERFACE, &q[0]));
    status("without an interface", BS->InstallProtocolInterface(&B, &P, EFI_NATIVE_INTERFACE, NULL));
    status("on a third handle", BS->InstallProtocolInterface(&C, &Q, EFI_NATIVE_INTERFACE, &q[2]));
    check("handles are different", A != B && B != C && A != C);

    about("HandleProtocol");
    asked("P of A", A, &P);
    asked("Q of A", A, &Q);
    asked("P of B, installed with NULL", B, &P);
    asked("Q of B", B, &Q);
    asked("R of A", A, &R);
    asked("a GUID that nobody has", A, &NOBODYS);
    asked("no GUID", A, NULL);
    asked("no handle", NULL, &P);
    asked("what is no handle", BOGUS_HANDLE, &P);
    status("no pointer for the interface", BS->HandleProtocol(A, &P, NULL));

    about("ReinstallProtocolInterface");
    status("p0 by p1", BS->ReinstallProtocolInterface(A, &P, &p[0], &p[1]));
    asked("P of A is then", A, &P);
    status("p0, that is no longer there", BS->ReinstallProtocolInterface(A, &P, &p[0], &p[2]));
    status("p1 by p1", BS->ReinstallProtocolInterface(A, &P, &p[1], &p[1]));
    status("R that A has not", BS->ReinstallProtocolInterface(A, &R, NULL, &r[0]));
    status("no handle", BS->ReinstallProtocolInterface(NULL, &P, &p[1], &p[2]));
    status("what is no handle", BS->ReinstallProtocolInterface(BOGUS_HANDLE, &P, &p[1], &p[2]));
    status("no GUID", BS->ReinstallProtocolInterface(A, NULL, &p[1], &p[2]));
    status("NULL by p3", BS->ReinstallProtocolInterface(B, &P, NULL, &p[3]));
    asked("P of B is then", B, &P);

    about("UninstallProtocolInterface");
    status("another interface", BS->UninstallProtocolInterface(A, &Q, &q[1]));
    status("a protocol that A has not", BS->UninstallProtocolInterface(A, &R, &r[0]));
    status("no GUID", BS->UninstallProtocolInterface(A, NULL, &q[0]));
    status("no handle", BS->UninstallProtocolInterface(NULL, &Q, &q[0]));
    status("what is no handle", BS->UninstallProtocolInterface(BOGUS_HANDLE, &Q, &q[0]));
    status("Q of A", BS->UninstallProtocolInterface(A, &Q, &q[0]));
    asked("Q of A is then", A, &Q);
    status("Q of A again", BS->UninstallProtocolInterface(A, &Q, &q[0]));
    EFI_HANDLE gone = NULL;
    NEED(BS->InstallProtocolInterface(&gone, &R, EFI_NATIVE_INTERFACE, &r[0]));
    status("the last protocol of a handle", BS->UninstallProtocolInterface(gone, &R, &r[0]));
    asked("such a handle is no more", gone, &R);
    status("nothing can be installed on it", BS->InstallProtocolInterface(&gone, &R, EFI_NATIVE_INTERFACE, &r[0]));
}

static void multiple(void)
{
    EFI_HANDLE handle = NULL;
    about("InstallMultipleProtocolInterfaces");
    status("nothing", BS->InstallMultipleProtocolInterfaces(&handle, NULL));
    tell("nothing, the handle is", "%s", handle_name(handle));
    status("no handle pointer", BS->InstallMultipleProtocolInterfaces(NULL, &P, &p[0], NULL));
    status("three on a new handle", BS->InstallMultipleProtocolInterfaces(&handle, &P, &p[0], &Q, &q[0], &R, &r[0], NULL));
    asked("the first", handle, &P);
    asked("the last", handle, &R);
    status("the second is there already",
           BS->InstallMultipleProtocolInterfaces(&A, &Q, &q[0], &P, &p[2], &R, &r[2], NULL));
    asked("the first was taken back", A, &Q);
    asked("the third was not tried", A, &R);
    asked("what was there has stayed", A, &P);
    EFI_HANDLE fresh = NULL;
    status("one twice on a new handle", BS->InstallMultipleProtocolInterfaces(&fresh, &P, &p[0], &P, &p[1], NULL));
    tell("one twice, the handle is then", "%s", handle_name(fresh));
    EFI_HANDLE bad = BOGUS_HANDLE;
    status("what is no handle", BS->InstallMultipleProtocolInterfaces(&bad, &P, &p[0], NULL));

    about("UninstallMultipleProtocolInterfaces");
    status("nothing", BS->UninstallMultipleProtocolInterfaces(handle, NULL));
    status("the second is another interface", BS->UninstallMultipleProtocolInterfaces(handle, &P, &p[0], &Q, &q[1], NULL));
    asked("the first was put back", handle, &P);
    status("no handle", BS->UninstallMultipleProtocolInterfaces(NULL, &P, &p[0], NULL));
    status("all three", BS->UninstallMultipleProtocolInterfaces(handle, &R, &r[0], &P, &p[0], &Q, &q[0], NULL));
    asked("there is no handle left", handle, &P);
}

/* Two device paths that are the same may not be on two handles (InstallMultipleProtocolInterfaces, 7.3). */
static void device_paths_twice(void)
{
    static struct PACKED { VENDOR_DEVICE_PATH vendor; EFI_DEVICE_PATH_PROTOCOL end; }
        path = {{{HARDWARE_DEVICE_PATH, HW_VENDOR_DP, {sizeof(VENDOR_DEVICE_PATH), 0}}, {0xABCDEF, 1, 2, {3}}},
                {END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}}}, same;
    EFI_HANDLE one = NULL, two = NULL;
    same = path;
    EFI_GUID guid = EFI_DEVICE_PATH_PROTOCOL_GUID;
    about("a device path twice");
    status("the first", BS->InstallMultipleProtocolInterfaces(&one, &guid, &path, NULL));
    status("the same at another address", BS->InstallMultipleProtocolInterfaces(&two, &guid, &same, &P, &p[0], NULL));
    status("by InstallProtocolInterface", BS->InstallProtocolInterface(&two, &guid, EFI_NATIVE_INTERFACE, &same));
    if (two)
        NEED(BS->UninstallProtocolInterface(two, &guid, &same));
    status("the first away", BS->UninstallMultipleProtocolInterfaces(one, &guid, &path, NULL));
}

static void locate_one(const char *name, EFI_LOCATE_SEARCH_TYPE type, const EFI_GUID *guid, VOID *key, UINTN room)
{
    EFI_HANDLE buffer[8] = {0};
    UINTN size = room;
    EFI_STATUS ended = BS->LocateHandle(type, guid, key, &size, buffer);
    if (EFI_ERROR(ended))
        tell(name, "%r, size %u", ended, size);
    else
        tell(name, "size %u, %s %s", size, handle_name(buffer[0]), handle_name(buffer[1]));
}

/* Here A has P, B has P, C has Q. */
static void locate(void)
{
    static EFI_HANDLE all[4096];
    UINTN size = sizeof all, count = 0;
    EFI_HANDLE *buffer = (VOID *)1;
    about("LocateHandle");
    locate_one("P, room for 8", ByProtocol, &P, NULL, 64);
    locate_one("P, just enough room", ByProtocol, &P, NULL, 16);
    locate_one("P, a byte too little", ByProtocol, &P, NULL, 15);
    locate_one("P, room for one", ByProtocol, &P, NULL, 8);
    locate_one("P, size 0", ByProtocol, &P, NULL, 0);
    locate_one("Q", ByProtocol, &Q, NULL, 64);
    locate_one("Q, with a key that means nothing", ByProtocol, &Q, (VOID *)1, 64);
    locate_one("a GUID that nobody has", ByProtocol, &NOBODYS, NULL, 64);
    locate_one("a GUID that somebody had", ByProtocol, &R, NULL, 64);
    locate_one("no GUID", ByProtocol, NULL, NULL, 64);
    locate_one("search type 3", 3, &P, NULL, 64);
    locate_one("ByRegisterNotify, no key", ByRegisterNotify, NULL, NULL, 64);
    status("no size", BS->LocateHandle(ByProtocol, &P, NULL, NULL, all));
    size = 16;
    status("no buffer", BS->LocateHandle(ByProtocol, &P, NULL, &size, NULL));
    size = 0;
    status("no buffer, size 0", BS->LocateHandle(ByProtocol, &P, NULL, &size, NULL));
    tell("no buffer, size 0, size is then", "%u", size);
    size = 8;
    status("AllHandles, too little room", BS->LocateHandle(AllHandles, NULL, NULL, &size, all));
    UINTN whole = sizeof all;
    status("AllHandles", BS->LocateHandle(AllHandles, NULL, NULL, &whole, all));
    check("AllHandles, the probe said the size", size == whole);
    int found = 0;
    for (UINTN i = 0; i < whole / 8; i++)
        found += all[i] == A || all[i] == B || all[i] == C || all[i] == Image;
    tell("AllHandles, of A, B, C and the image", "%u", (UINT64)found);

    about("LocateHandleBuffer");
    status("P", BS->LocateHandleBuffer(ByProtocol, &P, NULL, &count, &buffer));
    tell("P, handles", "%u: %s %s", count, handle_name(buffer[0]), handle_name(buffer[1]));
    status("FreePool", BS->FreePool(buffer));
    buffer = (VOID *)1, count = 77;
    EFI_STATUS ended = BS->LocateHandleBuffer(ByProtocol, &NOBODYS, NULL, &count, &buffer);
    tell("a GUID that nobody has", "%r, %u handles, buffer %s", ended, count, !buffer ? "NULL" : "as it was");
    status("no GUID", BS->LocateHandleBuffer(ByProtocol, NULL, NULL, &count, &buffer));
    status("no count", BS->LocateHandleBuffer(ByProtocol, &P, NULL, NULL, &buffer));
    status("no buffer", BS->LocateHandleBuffer(ByProtocol, &P, NULL, &count, NULL));
    status("search type 3", BS->LocateHandleBuffer(3, &P, NULL, &count, &buffer));
    status("AllHandles", BS->LocateHandleBuffer(AllHandles, NULL, NULL, &count, &buffer));
    check("AllHandles, as many as LocateHandle found", count == whole / 8);
    NEED(BS->FreePool(buffer));

    VOID *interface = (VOID *)1;
    about("LocateProtocol");
    ended = BS->LocateProtocol(&P, NULL, &interface);
    tell("P", "%r, %s", ended, interface_name(interface));
    interface = (VOID *)1;
    ended = BS->LocateProtocol(&NOBODYS, NULL, &interface);
    tell("a GUID that nobody has", "%r, %s", ended, interface == (VOID *)1 ? "untouched" : interface_name(interface));
    status("no GUID", BS->LocateProtocol(NULL, NULL, &interface));
    status("no pointer for the interface", BS->LocateProtocol(&P, NULL, NULL));
}

static int notified;
static VOID EFIAPI count_notify(EFI_EVENT event, VOID *context) { notified++; }

static void notify(void)
{
    EFI_EVENT event, other;
    VOID *key = NULL, *second = NULL, *interface = (VOID *)1;
    about("RegisterProtocolNotify");
    NEED(BS->CreateEvent(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, count_notify, NULL, &event));
    NEED(BS->CreateEvent(0, 0, NULL, NULL, &other));
    status("no GUID", BS->RegisterProtocolNotify(NULL, event, &key));
    status("no event", BS->RegisterProtocolNotify(&P, NULL, &key));
    status("no key", BS->RegisterProtocolNotify(&P, event, NULL));
    status("P", BS->RegisterProtocolNotify(&P, event, &key));
    tell("notified of what was there", "%u", (UINT64)notified);
    locate_one("LocateHandle finds what was there", ByRegisterNotify, NULL, key, 64);
    locate_one("once more", ByRegisterNotify, NULL, key, 64);
    locate_one("and a third time", ByRegisterNotify, NULL, key, 64);
    status("a GUID that nobody has", BS->RegisterProtocolNotify(&NOBODYS, other, &second));
    locate_one("LocateHandle with that key", ByRegisterNotify, NULL, second, 64);

    NEED(BS->InstallProtocolInterface(&C, &P, EFI_NATIVE_INTERFACE, &p[0]));
    tell("notified when P came to C", "%u", (UINT64)notified);
    EFI_STATUS ended = BS->LocateProtocol(&P, key, &interface);
    tell("LocateProtocol with the key", "%r, %s", ended, interface_name(interface));
    interface = (VOID *)1;
    ended = BS->LocateProtocol(&P, key, &interface);
    tell("LocateProtocol with the key, again", "%r, %s", ended,
         interface == (VOID *)1 ? "untouched" : interface_name(interface));
    NEED(BS->ReinstallProtocolInterface(C, &P, &p[0], &p[2]));
    tell("notified of a reinstallation", "%u", (UINT64)notified);
    locate_one("and it is found", ByRegisterNotify, NULL, key, 64);
    NEED(BS->UninstallProtocolInterface(C, &P, &p[2]));
    tell("notified when P went from C", "%u", (UINT64)notified);
    locate_one("nothing is found then", ByRegisterNotify, NULL, key, 8);

    EFI_TPL before = BS->RaiseTPL(TPL_NOTIFY);
    NEED(BS->InstallProtocolInterface(&C, &P, EFI_NATIVE_INTERFACE, &p[0]));
    tell("not at TPL_NOTIFY", "%u", (UINT64)notified);
    BS->RestoreTPL(before);
    tell("but when it is restored", "%u", (UINT64)notified);
    NEED(BS->InstallProtocolInterface(&C, &NOBODYS, EFI_NATIVE_INTERFACE, &r[0]));
    status("an event without a function is signaled", BS->CheckEvent(other));
    NEED(BS->UninstallProtocolInterface(C, &NOBODYS, &r[0]));
    NEED(BS->UninstallProtocolInterface(C, &P, &p[0]));
    status("CloseEvent", BS->CloseEvent(event));
    NEED(BS->InstallProtocolInterface(&C, &P, EFI_NATIVE_INTERFACE, &p[0]));
    tell("notified after CloseEvent", "%u", (UINT64)notified);
    NEED(BS->UninstallProtocolInterface(C, &P, &p[0]));
    BS->CloseEvent(other);
}

static void per_handle(void)
{
    EFI_GUID **guids;
    UINTN count;
    EFI_HANDLE handle = NULL;
    about("ProtocolsPerHandle");
    NEED(BS->InstallMultipleProtocolInterfaces(&handle, &P, &p[0], &Q, &q[0], &R, NULL, NULL));
    status("of three", BS->ProtocolsPerHandle(handle, &guids, &count));
    tell("of three, the first", "%g", guids[0]);
    tell("of three, the last", "%g", guids[2]);
    tell("of three, count", "%u", count);
    status("FreePool", BS->FreePool(guids));
    status("no handle", BS->ProtocolsPerHandle(NULL, &guids, &count));
    status("what is no handle", BS->ProtocolsPerHandle(BOGUS_HANDLE, &guids, &count));
    status("no buffer", BS->ProtocolsPerHandle(handle, NULL, &count));
    status("no count", BS->ProtocolsPerHandle(handle, &guids, NULL));
    NEED(BS->UninstallMultipleProtocolInterfaces(handle, &P, &p[0], &Q, &q[0], &R, NULL, NULL));
    status("of a handle that is gone", BS->ProtocolsPerHandle(handle, &guids, &count));
}

static void tables(void)
{
    UINTN before = ST->NumberOfTableEntries;
    UINT32 crc = ST->Hdr.CRC32, now;
    about("InstallConfigurationTable");
    status("no GUID", BS->InstallConfigurationTable(NULL, &p[0]));
    status("away with what is not there", BS->InstallConfigurationTable(&NOBODYS, NULL));
    status("a new one", BS->InstallConfigurationTable(&NOBODYS, &p[0]));
    tell("entries more", "%u", ST->NumberOfTableEntries - before);
    check("it is the last", equal(&ST->ConfigurationTable[before].VendorGuid, &NOBODYS, sizeof NOBODYS));
    check("the system table has another CRC", crc != ST->Hdr.CRC32);
    UINT8 *copy;
    NEED(BS->AllocatePool(EfiLoaderData, ST->Hdr.HeaderSize, (VOID **)&copy));
    memcpy(copy, ST, ST->Hdr.HeaderSize);
    ((EFI_SYSTEM_TABLE *)copy)->Hdr.CRC32 = 0;
    NEED(BS->CalculateCrc32(copy, ST->Hdr.HeaderSize, &now));
    check("and it is right", now == ST->Hdr.CRC32);
    NEED(BS->FreePool(copy));
    status("another table under the same GUID", BS->InstallConfigurationTable(&NOBODYS, &p[1]));
    tell("the table is then", "%s", interface_name(ST->ConfigurationTable[before].VendorTable));
    tell("entries more then", "%u", ST->NumberOfTableEntries - before);
    status("away", BS->InstallConfigurationTable(&NOBODYS, NULL));
    tell("entries more in the end", "%u", ST->NumberOfTableEntries - before);
    check("the CRC is the first again", crc == ST->Hdr.CRC32);
}

void guest(void)
{
    install();
    multiple();
    device_paths_twice();
    locate();
    notify();
    per_handle();
    tables();
}
