/* 3.1: boot options that the guest makes for itself, boot after boot: which one is started, and what it is given.

       EFI_LOAD_OPTION:  0 Attributes (4)   4 FilePathListLength (2)   6 Description, FilePathList, OptionalData */
#include "guest.h"
#include "protocols.h"

static const EFI_GUID MINE = {0x11111111, 1, 1, {1, 1, 1, 1, 1, 1, 1, 1}};
enum { NV = EFI_VARIABLE_NON_VOLATILE, BOOT = EFI_VARIABLE_BOOTSERVICE_ACCESS, RUNTIME = EFI_VARIABLE_RUNTIME_ACCESS, ALL = NV | BOOT | RUNTIME };
enum { INACTIVE = 0, ACTIVE = 1, HIDDEN = 8 };

struct progress { UINT64 boots, lines; };
static struct progress Progress;
static EFI_GUID Global;
static EFI_DEVICE_PATH_PROTOCOL *Full, *Short;          /* to this application: the whole way, and from the partition on */
static UINT8 Missing[256];                              /* to a file that is not there */

static UINTN path_size(const EFI_DEVICE_PATH_PROTOCOL *path)
{
    const EFI_DEVICE_PATH_PROTOCOL *at = path;
    while (!IsDevicePathEnd(at))
        at = NextDevicePathNode(at);
    return (UINTN)((const UINT8 *)at - (const UINT8 *)path) + 4;
}

static void option(CHAR16 *name, UINT32 attributes, const EFI_DEVICE_PATH_PROTOCOL *path, const VOID *data, UINTN size)
{
    static UINT8 value[512];
    static const CHAR16 DESCRIPTION[] = u"a guest";
    UINT16 length = (UINT16)path_size(path);
    memcpy(value, &attributes, 4), memcpy(value + 4, &length, 2), memcpy(value + 6, DESCRIPTION, sizeof DESCRIPTION);
    memcpy(value + 6 + sizeof DESCRIPTION, path, length);
    memcpy(value + 6 + sizeof DESCRIPTION + length, data, size);
    NEED(RT->SetVariable(name, &Global, ALL, 6 + sizeof DESCRIPTION + length + size, value));
}

static void order(const UINT16 *numbers, UINTN count)
{
    NEED(RT->SetVariable(u"BootOrder", &Global, ALL, count * 2, numbers));
}

static void next(UINT16 number) { NEED(RT->SetVariable(u"BootNext", &Global, ALL, 2, &number)); }

static void again(void)
{
    Progress.lines = Written;
    NEED(RT->SetVariable(u"Progress", &MINE, NV | BOOT, sizeof Progress, &Progress));
    RT->ResetSystem(EfiResetCold, EFI_SUCCESS, 0, NULL);
    finish();
}

/* How this boot came about. */
static void started(const char *subject, int with_current)
{
    EFI_LOADED_IMAGE_PROTOCOL *me;
    UINT16 number = 0;
    UINTN size = 2;
    NEED(BS->HandleProtocol(Image, &EFI_LOADED_IMAGE_PROTOCOL_GUID, (VOID **)&me));
    about(subject);
    EFI_STATUS ended = RT->GetVariable(u"BootCurrent", &Global, NULL, &size, &number);
    if (with_current)
        tell("BootCurrent", "%r, %x", ended, (UINT64)number);
    size = 2;
    status("BootNext", RT->GetVariable(u"BootNext", &Global, NULL, &size, &number));
    tell("LoadOptionsSize", "%u", (UINT64)me->LoadOptionsSize);
    const UINT8 *options = me->LoadOptions;
    tell("LoadOptions", "%x %x %x", (UINT64)(me->LoadOptionsSize > 0 ? options[0] : 0), (UINT64)(me->LoadOptionsSize > 1 ? options[1] : 0),
         (UINT64)(me->LoadOptionsSize > 2 ? options[2] : 0));
    static CHAR16 name[64];
    memcpy(name, ((FILEPATH_DEVICE_PATH *)me->FilePath)->PathName, DevicePathNodeLength(me->FilePath) - 4);
    tell("FilePath", "%S", name);
    VOID *interface;
    status("DeviceHandle has files", BS->HandleProtocol(me->DeviceHandle, &EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID, &interface));
}

static void find_paths(void)
{
    EFI_LOADED_IMAGE_PROTOCOL *me;
    NEED(BS->HandleProtocol(Image, &EFI_LOADED_IMAGE_PROTOCOL_GUID, (VOID **)&me));
    NEED(BS->HandleProtocol(Image, &EFI_LOADED_IMAGE_DEVICE_PATH_PROTOCOL_GUID, (VOID **)&Full));
    for (Short = Full; Short->Type != MEDIA_DEVICE_PATH; Short = NextDevicePathNode(Short))
        ;
    UINTN size = path_size(Short);
    memcpy(Missing, Short, size);
    ((CHAR16 *)(Missing + size - 4))[-2] = u'Q';        /* the last letter of BOOTX64.EFI */
}

void guest(void)
{
    UINTN size = sizeof Progress;
    static const CHAR16 TEXT[] = u"option data";
    static const UINT8 THREE[] = {0xA1, 0xB2, 0xC3};
    static const UINT16 ORDER[] = {0x4243, 0x4244, 0x4245, 0x4242}, ALONE[] = {0x4246}, NOBODY[] = {0x4243, 0x7777};
    Global = EFI_GLOBAL_VARIABLE;
    if (EFI_ERROR(RT->GetVariable(u"Progress", &MINE, NULL, &size, &Progress)))
        memset(&Progress, 0, sizeof Progress);
    Written = Progress.lines;
    find_paths();
    switch (Progress.boots++) {
    case 0:
        started("by default", 0);
        option(u"Boot4242", ACTIVE, Short, TEXT, sizeof TEXT);
        next(0x4242);
        again();
        break;
    case 1:
        started("by BootNext, from the partition on", 1);
        option(u"Boot4243", ACTIVE, (VOID *)Missing, TEXT, sizeof TEXT);
        option(u"Boot4244", INACTIVE, Full, TEXT, sizeof TEXT);
        option(u"Boot4245", ACTIVE, Full, THREE, sizeof THREE);
        order(ORDER, COUNT(ORDER));
        again();
        break;
    case 2:
        started("by BootOrder, the first that can be started", 1);
        next(0x7777);
        again();
        break;
    case 3:
        started("by BootOrder, when BootNext leads nowhere", 1);
        next(0x4243);
        again();
        break;
    case 4:
        started("by BootOrder, when BootNext's file is not there", 1);
        next(0x4244);
        again();
        break;
    case 5:
        started("by BootNext, which is not active", 1);
        option(u"Boot4246", ACTIVE | HIDDEN, Short, NULL, 0);
        order(ALONE, COUNT(ALONE));
        again();
        break;
    case 6:
        started("by a hidden option without data", 1);
        order(NOBODY, COUNT(NOBODY));
        again();
        break;
    default:
        started("by default, when no option can be started", 0);
        for (UINTN i = 0; i < 5; i++) {
            static CHAR16 name[] = u"Boot4242";
            name[7] = (CHAR16)(u'2' + i);
            RT->SetVariable(name, &Global, 0, 0, NULL);
        }
        RT->SetVariable(u"BootOrder", &Global, 0, 0, NULL);
        RT->SetVariable(u"Progress", &MINE, 0, 0, NULL);
    }
}
