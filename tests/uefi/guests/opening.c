/* 7.3: OpenProtocol and its bookkeeping, LocateDevicePath. */
#include "guest.h"
#include "protocols.h"

static UINT64 bogus[8];
static EFI_GUID P = {0x11111111, 1, 1, {1, 1, 1, 1, 1, 1, 1, 1}}, Q = {0x22222222, 2, 2, {2, 2, 2, 2, 2, 2, 2, 2}},
                R = {0x33333333, 3, 3, {3, 3, 3, 3, 3, 3, 3, 3}};
static UINT64 p[4], q[4];
static EFI_HANDLE A, Agent, Other, Controller, Child;   /* A is what is opened */

enum { BY_HANDLE = 1, GET = 2, TEST = 4, BY_CHILD = 8, BY_DRIVER = 0x10, EXCLUSIVE = 0x20 };
static const char *const NAMES[] = {"BY_HANDLE_PROTOCOL", "GET_PROTOCOL", "TEST_PROTOCOL", "BY_CHILD_CONTROLLER",
                                    "BY_DRIVER",
                                    "EXCLUSIVE", "BY_DRIVER and EXCLUSIVE"};
static const UINT32 KINDS[] = {BY_HANDLE, GET, TEST, BY_CHILD, BY_DRIVER, EXCLUSIVE, BY_DRIVER | EXCLUSIVE};

static EFI_STATUS open(EFI_HANDLE agent, EFI_HANDLE controller, UINT32 attributes)
{
    VOID *interface;
    return BS->OpenProtocol(A, &P, &interface, agent, controller, attributes);
}

/* How it ended and what the interface is then. */
static void opened(const char *name, EFI_HANDLE handle, const EFI_GUID *guid, EFI_HANDLE agent, EFI_HANDLE controller,
                   UINT32 attributes)
{
    VOID *interface = (VOID *)1;
    EFI_STATUS ended = BS->OpenProtocol(handle, guid, &interface, agent, controller, attributes);
    tell(name, "%r, %s", ended, interface == &p[0] ? "p0" : interface == &q[0] ? "q0" : !interface ? "NULL" :
         interface == (VOID *)1 ? "untouched" : "another");
}

static void entries(const char *name, const EFI_GUID *guid)
{
    EFI_OPEN_PROTOCOL_INFORMATION_ENTRY *entry = (VOID *)1;
    UINTN count = 77;
    EFI_STATUS ended = BS->OpenProtocolInformation(A, guid, &entry, &count);
    if (EFI_ERROR(ended)) {
        status(name, ended);
        return;
    }
    tell(name, "%u", count);
    for (UINTN i = 0; i < count; i++) {
        static char line[200];
        UINTN at = 0;
        for (const char *c = name; *c && at < 100; c++)
            line[at++] = *c;
        line[at++] = ',', line[at++] = ' ', line[at++] = (char)('1' + i);
        for (const char *c = entry[i].AgentHandle == Agent ? " by Agent" : entry[i].AgentHandle == Other ? " by Other" :
                             entry[i].AgentHandle == Image ? " by the image" : " by somebody"; *c; c++)
            line[at++] = *c;
        for (const char *c = entry[i].ControllerHandle == Controller ? " for Controller" : entry[i].ControllerHandle == Child ?
                             " for Child" : entry[i].ControllerHandle ? " for somebody" : " for NULL"; *c; c++)
            line[at++] = *c;
        line[at] = 0;
        tell(line, "attributes %x, count %u", (UINT64)entry[i].Attributes, (UINT64)entry[i].OpenCount);
    }
    NEED(BS->FreePool(entry));
}

/* Another A, that nobody has opened. */
static void fresh(void)
{
    A = NULL;
    NEED(BS->InstallMultipleProtocolInterfaces(&A, &P, &p[0], &Q, &q[0], NULL));
}

static void arguments(void)
{
    for (UINTN i = 0; i < COUNT(KINDS); i++) {
        EFI_HANDLE before = A;
        about(NAMES[i]);
        fresh(), opened("no agent, no controller", A, &P, NULL, NULL, KINDS[i]);
        fresh(), opened("no agent", A, &P, NULL, Controller, KINDS[i]);
        fresh(), opened("no controller", A, &P, Agent, NULL, KINDS[i]);
        fresh(), opened("agent is no handle", A, &P, bogus, Controller, KINDS[i]);
        fresh(), opened("controller is no handle", A, &P, Agent, bogus, KINDS[i]);
        fresh(), opened("controller is the handle itself", A, &P, Agent, A, KINDS[i]);
        fresh(), opened("all as it should be", A, &P, Agent, Controller, KINDS[i]);
        fresh(), status("no pointer for the interface", BS->OpenProtocol(A, &P, NULL, Agent, Controller, KINDS[i]));
        entries("no pointer, open", &P);
        opened("a protocol that A has not", A, &R, Agent, Controller, KINDS[i]);
        opened("no GUID", A, NULL, Agent, Controller, KINDS[i]);
        opened("no handle", NULL, &P, Agent, Controller, KINDS[i]);
        opened("what is no handle", bogus, &P, Agent, Controller, KINDS[i]);
        A = before;
    }
    static const UINT32 ODD[] = {0, 3, 5, 0x11, 0x18, 0x28, 0x30 | 1, 0x40, 0x80000000};
    static const char *const ODD_NAMES[] = {"attributes 0", "attributes 3", "attributes 5", "attributes 11", "attributes 18",
                                            "attributes 28", "attributes 31", "attributes 40", "attributes 80000000"};
    about("OpenProtocol");
    for (UINTN i = 0; i < COUNT(ODD); i++)
        opened(ODD_NAMES[i], A, &P, Agent, Controller, ODD[i]);
    entries("what is open after all that", &P);
}

/* Which may be open beside which: each pair, by the same agent and by another. */
static void pairs(void)
{
    static char name[100];
    for (UINTN same = 0; same < 2; same++)
        for (UINTN i = 3; i < COUNT(KINDS); i++)
            for (UINTN j = 3; j < COUNT(KINDS); j++) {
                UINTN at = 0;
                const char *parts[] = {NAMES[i], ", then ", NAMES[j], same ? " by the same" : " by another"};
                for (UINTN part = 0; part < 4; part++)
                    for (const char *c = parts[part]; *c; c++)
                        name[at++] = *c;
                name[at] = 0;
                about("pairs");
                fresh();
                NEED(open(Agent, Controller, KINDS[i]));
                opened(name, A, &P, same ? Agent : Other, Controller, KINDS[j]);
            }
}

static void bookkeeping(void)
{
    EFI_OPEN_PROTOCOL_INFORMATION_ENTRY *entry;
    UINTN count = 77;
    about("OpenProtocolInformation");
    entries("of what is not open", &P);
    VOID *interface;
    NEED(BS->HandleProtocol(A, &P, &interface));
    entries("after HandleProtocol", &P);
    NEED(BS->HandleProtocol(A, &P, &interface));
    entries("after HandleProtocol again", &P);
    NEED(open(Agent, Controller, GET));
    NEED(open(Agent, Controller, GET));
    entries("after GET_PROTOCOL twice", &P);
    NEED(open(Agent, Child, GET));
    entries("and for another", &P);
    NEED(open(Agent, Controller, TEST));
    entries("after TEST_PROTOCOL", &P);
    NEED(open(Agent, Child, BY_CHILD));
    entries("after BY_CHILD_CONTROLLER", &P);
    status("a protocol that A has not", BS->OpenProtocolInformation(A, &R, &entry, &count));
    entries("of Q, that nobody opened", &Q);
    status("no handle", BS->OpenProtocolInformation(NULL, &P, &entry, &count));
    status("what is no handle", BS->OpenProtocolInformation(bogus, &P, &entry, &count));
    status("no GUID", BS->OpenProtocolInformation(A, NULL, &entry, &count));

    about("CloseProtocol");
    status("by an agent that has it not open", BS->CloseProtocol(A, &P, Other, Controller));
    status("for a controller that it is not open for", BS->CloseProtocol(A, &P, Agent, A));
    status("a protocol that A has not", BS->CloseProtocol(A, &R, Agent, Controller));
    status("no handle", BS->CloseProtocol(NULL, &P, Agent, Controller));
    status("what is no handle", BS->CloseProtocol(bogus, &P, Agent, Controller));
    status("no agent", BS->CloseProtocol(A, &P, NULL, Controller));
    status("agent is no handle", BS->CloseProtocol(A, &P, bogus, Controller));
    status("controller is no handle", BS->CloseProtocol(A, &P, Agent, bogus));
    status("no GUID", BS->CloseProtocol(A, NULL, Agent, Controller));
    status("what is open twice", BS->CloseProtocol(A, &P, Agent, Controller));
    entries("is closed", &P);
    status("a second time", BS->CloseProtocol(A, &P, Agent, Controller));
    status("and for Child", BS->CloseProtocol(A, &P, Agent, Child));
    entries("what remains", &P);
}

/* Uninstalling what is open: GET goes by itself, a driver or a child must be closed first. */
static void uninstall(void)
{
    for (UINTN i = 0; i < COUNT(KINDS); i++) {
        about(NAMES[i]);
        fresh();
        NEED(open(Agent, Controller, KINDS[i]));
        EFI_STATUS ended = BS->UninstallProtocolInterface(A, &P, &p[0]);
        status("UninstallProtocolInterface while it is open", ended);
        if (!EFI_ERROR(ended))
            NEED(BS->InstallProtocolInterface(&A, &P, EFI_NATIVE_INTERFACE, &p[0]));
        entries("open then", &P);
        ended = BS->ReinstallProtocolInterface(A, &P, &p[0], &p[1]);
        status("ReinstallProtocolInterface while it is open", ended);
        if (!EFI_ERROR(ended))
            entries("open after that", &P);
    }
}

/* ---- LocateDevicePath -------------------------------------------------------------------------------------------- */

#define VENDOR(number) {{HARDWARE_DEVICE_PATH, HW_VENDOR_DP, {sizeof(VENDOR_DEVICE_PATH), 0}}, {number, 4, 4, {4}}}
#define END {END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}}

static struct PACKED { VENDOR_DEVICE_PATH node[1]; EFI_DEVICE_PATH_PROTOCOL end; } one = {{VENDOR(1)}, END};
static struct PACKED { VENDOR_DEVICE_PATH node[2]; EFI_DEVICE_PATH_PROTOCOL end; } two = {{VENDOR(1), VENDOR(2)}, END};
static struct PACKED { VENDOR_DEVICE_PATH node[4]; EFI_DEVICE_PATH_PROTOCOL end; }
    four = {{VENDOR(1), VENDOR(2), VENDOR(3), VENDOR(4)}, END},
    strange = {{VENDOR(5), VENDOR(2), VENDOR(3), VENDOR(4)}, END};
static struct PACKED {
    VENDOR_DEVICE_PATH a[2]; EFI_DEVICE_PATH_PROTOCOL next; VENDOR_DEVICE_PATH b[1]; EFI_DEVICE_PATH_PROTOCOL end;
}
    instances = {{VENDOR(1), VENDOR(2)}, {END_DEVICE_PATH_TYPE, END_INSTANCE_DEVICE_PATH_SUBTYPE, {4, 0}}, {VENDOR(1)}, END};

static void located(const char *name, const EFI_GUID *guid, VOID *path, EFI_HANDLE first, EFI_HANDLE second)
{
    EFI_DEVICE_PATH_PROTOCOL *at = path;
    EFI_HANDLE found = (EFI_HANDLE)1;
    EFI_STATUS ended = BS->LocateDevicePath(guid, &at, &found);
    tell(name, "%r, %s, path + %u", ended,
         found == first ? "the handle of one node" : found == second ? "the handle of two" :
         found == (EFI_HANDLE)1 ? "untouched" : found ? "another" : "NULL", (UINTN)((UINT8 *)at - (UINT8 *)path));
}

static void device_paths(void)
{
    EFI_HANDLE first = NULL, second = NULL, found;
    EFI_GUID guid = EFI_DEVICE_PATH_PROTOCOL_GUID;
    EFI_DEVICE_PATH_PROTOCOL *at = (VOID *)&four, *null = NULL;
    about("LocateDevicePath");
    NEED(BS->InstallMultipleProtocolInterfaces(&first, &guid, &one, &P, &p[2], &Q, &q[2], NULL));
    NEED(BS->InstallMultipleProtocolInterfaces(&second, &guid, &two, &P, &p[3], NULL));
    located("P, four nodes", &P, &four, first, second);
    located("Q, four nodes, only the shorter one has it", &Q, &four, first, second);
    located("P, the very path of two", &P, &two, first, second);
    located("P, the very path of one", &P, &one, first, second);
    located("P, an empty path", &P, &four.end, first, second);
    located("P, a path that starts otherwise", &P, &strange, first, second);
    located("R, that nobody has", &R, &four, first, second);
    located("DEVICE_PATH itself", &guid, &four, first, second);
    located("P, two instances", &P, &instances, first, second);
    status("no GUID", BS->LocateDevicePath(NULL, &at, &found));
    status("no path", BS->LocateDevicePath(&P, NULL, &found));
    status("path is NULL", BS->LocateDevicePath(&P, &null, &found));
    status("no pointer for the handle", BS->LocateDevicePath(&P, &at, NULL));
    status("no pointer for the handle, nothing is found", BS->LocateDevicePath(&R, &at, NULL));
    NEED(BS->UninstallMultipleProtocolInterfaces(second, &guid, &two, &P, &p[3], NULL));
    located("P, when the longer one has gone", &P, &four, first, second);
    NEED(BS->UninstallMultipleProtocolInterfaces(first, &guid, &one, &P, &p[2], &Q, &q[2], NULL));
}

void guest(void)
{
    EFI_HANDLE *all[] = {&Agent, &Other, &Controller, &Child};
    for (UINTN i = 0; i < COUNT(all); i++)
        NEED(BS->InstallProtocolInterface(all[i], &R, EFI_NATIVE_INTERFACE, NULL));
    fresh();
    arguments();
    pairs();
    fresh();
    bookkeeping();
    uninstall();
    device_paths();
}
