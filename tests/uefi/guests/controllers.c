/* 7.3, 11.1: drivers are connected to controllers and disconnected. The drivers are the guest's own: D starts controllers
   that have P, and opens it; B is a bus driver on Q that makes two children with P each. */
#include "guest.h"
#include "protocols.h"

static EFI_GUID P = {0x11111111, 1, 1, {1, 1, 1, 1, 1, 1, 1, 1}}, Q = {0x22222222, 2, 2, {2, 2, 2, 2, 2, 2, 2, 2}};
static UINT64 p[8], q[2], bogus[8];
static EFI_HANDLE Disk, Second, Bus, Children[2];

/* What was called: s Supported, S Start, T Stop, each with the driver's letter behind. */
static char Called[200];
static UINTN Count;
static int WithChildren;                                /* Stop was given so many */
static EFI_STATUS Refuse;                               /* what Start and Stop of D answer instead */
static int Remaining;

static void called(char what, char who)
{
    if (Count < sizeof Called - 4)
        Called[Count++] = what, Called[Count++] = who, Called[Count++] = ' ';
}

static void calls(const char *name, EFI_STATUS ended)
{
    if (Count)
        Count--;
    Called[Count] = 0;
    tell(name, "%r, \"%s\"", ended, Called);
    Count = 0;
}

static const char *name_of(EFI_HANDLE handle)
{
    return handle == Disk ? "Disk" : handle == Second ? "Second" : handle == Bus ? "Bus" : handle == Children[0] ? "child 0" :
           handle == Children[1] ? "child 1" : "another";
}

struct driver { EFI_DRIVER_BINDING_PROTOCOL binding; char letter; EFI_HANDLE handle; };

static EFI_STATUS EFIAPI supported(EFI_DRIVER_BINDING_PROTOCOL *this, EFI_HANDLE controller,
                                   EFI_DEVICE_PATH_PROTOCOL *remaining)
{
    struct driver *driver = (struct driver *)this;
    VOID *interface;
    EFI_STATUS ended = BS->OpenProtocol(controller, &P, &interface, this->DriverBindingHandle, controller,
                                        EFI_OPEN_PROTOCOL_BY_DRIVER);
    if (ended == EFI_UNSUPPORTED)
        return ended;                                   /* the firmware's own controllers are not told */
    called('s', driver->letter);
    Remaining = remaining != NULL;
    if (EFI_ERROR(ended))
        return ended;
    return BS->CloseProtocol(controller, &P, this->DriverBindingHandle, controller);
}

static EFI_STATUS EFIAPI start(EFI_DRIVER_BINDING_PROTOCOL *this, EFI_HANDLE controller, EFI_DEVICE_PATH_PROTOCOL *remaining)
{
    struct driver *driver = (struct driver *)this;
    VOID *interface;
    called('S', driver->letter);
    if (EFI_ERROR(Refuse))
        return Refuse;
    return BS->OpenProtocol(controller, &P, &interface, this->DriverBindingHandle, controller, EFI_OPEN_PROTOCOL_BY_DRIVER);
}

static EFI_STATUS EFIAPI stop(EFI_DRIVER_BINDING_PROTOCOL *this, EFI_HANDLE controller, UINTN count, EFI_HANDLE *children)
{
    struct driver *driver = (struct driver *)this;
    called('T', driver->letter);
    WithChildren = (int)count;
    if (EFI_ERROR(Refuse))
        return Refuse;
    return BS->CloseProtocol(controller, &P, this->DriverBindingHandle, controller);
}

static EFI_STATUS EFIAPI bus_supported(EFI_DRIVER_BINDING_PROTOCOL *this, EFI_HANDLE controller,
                                       EFI_DEVICE_PATH_PROTOCOL *remaining)
{
    VOID *interface;
    EFI_STATUS ended = BS->OpenProtocol(controller, &Q, &interface, this->DriverBindingHandle, controller,
                                        EFI_OPEN_PROTOCOL_BY_DRIVER);
    if (ended == EFI_UNSUPPORTED)
        return ended;
    called('s', ((struct driver *)this)->letter);
    if (EFI_ERROR(ended))
        return ended;
    return BS->CloseProtocol(controller, &Q, this->DriverBindingHandle, controller);
}

static EFI_STATUS EFIAPI bus_start(EFI_DRIVER_BINDING_PROTOCOL *this, EFI_HANDLE controller,
                                   EFI_DEVICE_PATH_PROTOCOL *remaining)
{
    VOID *interface;
    called('S', ((struct driver *)this)->letter);
    EFI_STATUS ended = BS->OpenProtocol(controller, &Q, &interface, this->DriverBindingHandle, controller,
                                        EFI_OPEN_PROTOCOL_BY_DRIVER);
    if (EFI_ERROR(ended))
        return ended;
    for (UINTN i = 0; i < 2; i++) {
        Children[i] = NULL;
        NEED(BS->InstallProtocolInterface(&Children[i], &P, EFI_NATIVE_INTERFACE, &p[4 + i]));
        NEED(BS->OpenProtocol(controller, &Q, &interface, this->DriverBindingHandle, Children[i],
                              EFI_OPEN_PROTOCOL_BY_CHILD_CONTROLLER));
    }
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI bus_stop(EFI_DRIVER_BINDING_PROTOCOL *this, EFI_HANDLE controller, UINTN count,
                                  EFI_HANDLE *children)
{
    called('T', ((struct driver *)this)->letter);
    WithChildren = (int)count;
    if (!count)
        return BS->CloseProtocol(controller, &Q, this->DriverBindingHandle, controller);
    for (UINTN i = 0; i < count; i++) {
        UINTN which = children[i] == Children[1];
        called((char)('0' + which), '.');
        NEED(BS->CloseProtocol(controller, &Q, this->DriverBindingHandle, children[i]));
        EFI_STATUS ended = BS->UninstallProtocolInterface(children[i], &P, &p[4 + which]);
        if (EFI_ERROR(ended))
            return ended;
    }
    return EFI_SUCCESS;
}

static struct driver D = {.binding = {supported, start, stop, 0x10, NULL, NULL}, .letter = 'D'},
                     Z = {.binding = {supported, start, stop, 0x20, NULL, NULL}, .letter = 'Z'},
                     B = {.binding = {bus_supported, bus_start, bus_stop, 0x10, NULL, NULL}, .letter = 'B'};

static void install(struct driver *driver)
{
    driver->handle = NULL;
    NEED(BS->InstallProtocolInterface(&driver->handle, &EFI_DRIVER_BINDING_PROTOCOL_GUID, EFI_NATIVE_INTERFACE,
                                      &driver->binding));
    driver->binding.ImageHandle = Image, driver->binding.DriverBindingHandle = driver->handle;
}

static void remove(struct driver *driver)
{
    NEED(BS->UninstallProtocolInterface(driver->handle, &EFI_DRIVER_BINDING_PROTOCOL_GUID, &driver->binding));
    driver->handle = NULL;
}

static void managed(const char *name, EFI_HANDLE controller, EFI_GUID *guid)
{
    EFI_OPEN_PROTOCOL_INFORMATION_ENTRY *entry;
    UINTN count;
    EFI_STATUS ended = BS->OpenProtocolInformation(controller, guid, &entry, &count);
    if (EFI_ERROR(ended)) {
        status(name, ended);
        return;
    }
    UINTN drivers = 0, children = 0;
    const char *who = "nobody", *child = "";
    for (UINTN i = 0; i < count; i++) {
        drivers += (entry[i].Attributes & EFI_OPEN_PROTOCOL_BY_DRIVER) != 0;
        children += (entry[i].Attributes & EFI_OPEN_PROTOCOL_BY_CHILD_CONTROLLER) != 0;
        if (entry[i].Attributes & EFI_OPEN_PROTOCOL_BY_DRIVER)
            who = entry[i].AgentHandle == D.handle ? "D" : entry[i].AgentHandle == Z.handle ? "Z" :
                  entry[i].AgentHandle == B.handle ? "B" : "another";
        if (entry[i].Attributes & EFI_OPEN_PROTOCOL_BY_CHILD_CONTROLLER)
            child = name_of(entry[i].ControllerHandle);
    }
    tell(name, "%u drivers, %s, %u children, %s", drivers, who, children, child);
    BS->FreePool(entry);
}

static void connect(void)
{
    about("ConnectController");
    calls("no handle", BS->ConnectController(NULL, NULL, NULL, FALSE));
    calls("what is no handle", BS->ConnectController(bogus, NULL, NULL, FALSE));
    calls("no driver wants it", BS->ConnectController(Disk, NULL, NULL, FALSE));
    calls("no driver wants it, recursive", BS->ConnectController(Disk, NULL, NULL, TRUE));
    install(&D);
    calls("D", BS->ConnectController(Disk, NULL, NULL, FALSE));
    managed("D manages it", Disk, &P);
    calls("again", BS->ConnectController(Disk, NULL, NULL, FALSE));
    calls("again, recursive", BS->ConnectController(Disk, NULL, NULL, TRUE));

    about("DisconnectController");
    calls("no handle", BS->DisconnectController(NULL, NULL, NULL));
    calls("what is no handle", BS->DisconnectController(bogus, NULL, NULL));
    calls("a driver that is no handle", BS->DisconnectController(Disk, bogus, NULL));
    calls("a driver that does not manage it", BS->DisconnectController(Disk, Image, NULL));
    calls("a child that is no handle", BS->DisconnectController(Disk, NULL, bogus));
    calls("a child that is none", BS->DisconnectController(Disk, NULL, Second));
    Refuse = EFI_DEVICE_ERROR;
    calls("Stop answers DEVICE_ERROR", BS->DisconnectController(Disk, NULL, NULL));
    managed("then", Disk, &P);
    Refuse = EFI_SUCCESS;
    calls("D", BS->DisconnectController(Disk, NULL, NULL));
    managed("nobody manages it", Disk, &P);
    calls("again", BS->DisconnectController(Disk, NULL, NULL));

    about("ConnectController");
    Refuse = EFI_DEVICE_ERROR;
    calls("Start answers DEVICE_ERROR", BS->ConnectController(Disk, NULL, NULL, FALSE));
    Refuse = EFI_SUCCESS;
    struct PACKED { EFI_DEVICE_PATH_PROTOCOL end; } end = {{END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}}};
    calls("with the rest of a path", BS->ConnectController(Disk, NULL, &end.end, FALSE));
    check("the rest is handed on", Remaining);
    NEED(BS->DisconnectController(Disk, NULL, NULL));
    Count = 0;

    install(&Z);
    calls("Z has the higher version", BS->ConnectController(Disk, NULL, NULL, FALSE));
    managed("Z manages it", Disk, &P);
    calls("DisconnectController of D that does not", BS->DisconnectController(Disk, D.handle, NULL));
    calls("DisconnectController of Z", BS->DisconnectController(Disk, Z.handle, NULL));
    EFI_HANDLE wanted[] = {D.handle, NULL}, both[] = {Image, D.handle, Z.handle, NULL};
    calls("D is wanted", BS->ConnectController(Disk, wanted, NULL, FALSE));
    managed("D manages it after all", Disk, &P);
    NEED(BS->DisconnectController(Disk, NULL, NULL));
    Count = 0;
    calls("by the image that they are of", BS->ConnectController(Disk, both, NULL, FALSE));
    managed("the first in the list manages it", Disk, &P);
    NEED(BS->DisconnectController(Disk, NULL, NULL));
    Count = 0;
    calls("all of the firmware's drivers may try, Second", BS->ConnectController(Second, NULL, NULL, TRUE));
    NEED(BS->DisconnectController(Second, NULL, NULL));
    Count = 0;
    remove(&Z);
}

static void exclusive(void)
{
    VOID *interface;
    about("EXCLUSIVE");
    NEED(BS->ConnectController(Disk, NULL, NULL, FALSE));
    Count = 0;
    calls("OpenProtocol of what D manages",
          BS->OpenProtocol(Disk, &P, &interface, Image, NULL, EFI_OPEN_PROTOCOL_EXCLUSIVE));
    managed("D manages it no more", Disk, &P);
    calls("ConnectController meanwhile", BS->ConnectController(Disk, NULL, NULL, FALSE));
    calls("CloseProtocol", BS->CloseProtocol(Disk, &P, Image, NULL));
    managed("CloseProtocol brings D not back", Disk, &P);
    calls("ConnectController does", BS->ConnectController(Disk, NULL, NULL, FALSE));
    Refuse = EFI_DEVICE_ERROR;
    calls("OpenProtocol, and Stop refuses",
          BS->OpenProtocol(Disk, &P, &interface, Image, NULL, EFI_OPEN_PROTOCOL_EXCLUSIVE));
    Refuse = EFI_SUCCESS;
    managed("D manages it still", Disk, &P);

    about("UninstallProtocolInterface");
    calls("of what D manages", BS->UninstallProtocolInterface(Disk, &P, &p[0]));
    EFI_STATUS ended = BS->HandleProtocol(Disk, &P, &interface);
    status("it is gone", ended);
    Disk = NULL;
    NEED(BS->InstallProtocolInterface(&Disk, &P, EFI_NATIVE_INTERFACE, &p[0]));
    NEED(BS->ConnectController(Disk, NULL, NULL, FALSE));
    Count = 0;
    Refuse = EFI_DEVICE_ERROR;
    calls("of what D manages, and Stop refuses", BS->UninstallProtocolInterface(Disk, &P, &p[0]));
    Refuse = EFI_SUCCESS;
    managed("it is there, and D manages it", Disk, &P);
    calls("ReinstallProtocolInterface of what D manages", BS->ReinstallProtocolInterface(Disk, &P, &p[0], &p[1]));
    managed("after ReinstallProtocolInterface", Disk, &P);
    NEED(BS->DisconnectController(Disk, NULL, NULL));
    Count = 0;
}

static void bus(void)
{
    about("a bus");
    install(&B);
    calls("ConnectController, not recursive", BS->ConnectController(Bus, NULL, NULL, FALSE));
    managed("B manages it", Bus, &Q);
    managed("nobody manages child 0", Children[0], &P);
    calls("again, recursive", BS->ConnectController(Bus, NULL, NULL, TRUE));
    managed("D manages child 0", Children[0], &P);
    managed("D manages child 1", Children[1], &P);
    calls("DisconnectController of child 0 by D", BS->DisconnectController(Children[0], D.handle, NULL));
    calls("DisconnectController of one child of the bus", BS->DisconnectController(Bus, NULL, Children[0]));
    tell("Stop was given", "%d children", (INT64)WithChildren);
    managed("one child is left", Bus, &Q);
    calls("DisconnectController of the last child", BS->DisconnectController(Bus, NULL, Children[1]));
    managed("and the bus is free", Bus, &Q);
    calls("ConnectController, recursive at once", BS->ConnectController(Bus, NULL, NULL, TRUE));
    managed("D manages child 1 at once", Children[1], &P);
    calls("DisconnectController of all", BS->DisconnectController(Bus, NULL, NULL));
    managed("and nobody manages the bus", Bus, &Q);
    VOID *interface;
    status("the children are gone", BS->HandleProtocol(Children[0], &P, &interface));
    remove(&B), remove(&D);
    calls("ConnectController with no drivers", BS->ConnectController(Bus, NULL, NULL, TRUE));
}

void guest(void)
{
    NEED(BS->InstallProtocolInterface(&Disk, &P, EFI_NATIVE_INTERFACE, &p[0]));
    NEED(BS->InstallProtocolInterface(&Second, &P, EFI_NATIVE_INTERFACE, &p[2]));
    NEED(BS->InstallProtocolInterface(&Bus, &Q, EFI_NATIVE_INTERFACE, &q[0]));
    connect();
    exclusive();
    bus();
}
