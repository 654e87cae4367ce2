/* 8.5.1, 7.5.3: ResetSystem and the watchdog, boot after boot. What a boot has to know of the one before is in variables
   that last. */
#include "guest.h"
#include "protocols.h"

static const EFI_GUID MINE = {0x11111111, 1, 1, {1, 1, 1, 1, 1, 1, 1, 1}};
enum { NV = EFI_VARIABLE_NON_VOLATILE, BOOT = EFI_VARIABLE_BOOTSERVICE_ACCESS, RUNTIME = EFI_VARIABLE_RUNTIME_ACCESS };

struct progress { UINT64 boots, lines, told; };
static struct progress Progress;

static void save(void)
{
    Progress.lines = Written;
    NEED(RT->SetVariable(u"Progress", &MINE, NV | BOOT | RUNTIME, sizeof Progress, &Progress));
}

static VOID EFIAPI told(EFI_EVENT event, VOID *context)
{
    Progress.told++;
    save();
}

static void reset(EFI_RESET_TYPE type, EFI_STATUS why, UINTN size, VOID *data)
{
    EFI_EVENT event;
    NEED(BS->CreateEventEx(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, told, NULL, &EFI_EVENT_GROUP_RESET_SYSTEM, &event));
    save();
    RT->ResetSystem(type, why, size, data);
    tell("ResetSystem came back", "no matter how");
    finish();
}

static void variables(const char *subject)
{
    UINT8 value[8];
    UINTN size = sizeof value;
    about(subject);
    status("a variable that lasts", RT->GetVariable(u"Lasting", &MINE, NULL, &size, value));
    size = sizeof value;
    status("a variable that does not", RT->GetVariable(u"Fleeting", &MINE, NULL, &size, value));
    tell("RESET_SYSTEM was told so far", "%u times", Progress.told);
}

static void leave_boot_services(void)
{
    static UINT8 map[32768] __attribute__((aligned(16)));
    UINTN size = sizeof map, key, step;
    UINT32 version;
    NEED(BS->GetMemoryMap(&size, (VOID *)map, &key, &step, &version));
    NEED(BS->ExitBootServices(Image, key));
}

void guest(void)
{
    UINTN size = sizeof Progress;
    UINT8 value = 1;
    static struct PACKED { CHAR16 text[8]; EFI_GUID kind; } reason = {u"reason", {0x22222222, 2, 2, {2}}};
    if (EFI_ERROR(RT->GetVariable(u"Progress", &MINE, NULL, &size, &Progress)))
        memset(&Progress, 0, sizeof Progress);
    Written = Progress.lines;
    switch (Progress.boots++) {
    case 0:
        variables("at first");
        NEED(RT->SetVariable(u"Lasting", &MINE, NV | BOOT, 1, &value));
        NEED(RT->SetVariable(u"Fleeting", &MINE, BOOT | RUNTIME, 1, &value));
        reset(EfiResetCold, EFI_SUCCESS, 0, NULL);
        break;
    case 1:
        variables("after a cold reset");
        NEED(RT->SetVariable(u"Fleeting", &MINE, BOOT, 1, &value));
        reset(EfiResetWarm, EFI_ABORTED, sizeof reason.text, reason.text);
        break;
    case 2:
        variables("after a warm reset with a reason");
        NEED(RT->SetVariable(u"Fleeting", &MINE, BOOT | RUNTIME, 1, &value));
        save();
        leave_boot_services();
        RT->ResetSystem(EfiResetCold, EFI_SUCCESS, 0, NULL);
        finish();
        break;
    case 3:
        variables("after a cold reset without boot services");
        reset(EfiResetPlatformSpecific, EFI_SUCCESS, sizeof reason, &reason);
        break;
    case 4:
        variables("after a reset of the platform's own");
        BS->RaiseTPL(TPL_HIGH_LEVEL);
        save();
        RT->ResetSystem(EfiResetCold, EFI_SUCCESS, 0, NULL);
        finish();
        break;
    case 5:
        variables("after a reset at TPL_HIGH_LEVEL");
        NEED(BS->SetWatchdogTimer(1, 0x10000, 0, NULL));
        NEED(BS->Stall(200000));
        NEED(BS->SetWatchdogTimer(0, 0x10000, 0, NULL));
        NEED(BS->Stall(2000000));
        status("a watchdog of a second is turned off in time", EFI_SUCCESS);
        NEED(BS->SetWatchdogTimer(1, 0x10000, 0, NULL));
        save();
        NEED(BS->Stall(5000000));
        tell("a watchdog of a second", "sleeps");
        finish();
        break;
    default:
        variables("after the watchdog");
        NEED(RT->SetVariable(u"Progress", &MINE, NV | BOOT | RUNTIME, 0, NULL));
    }
}
