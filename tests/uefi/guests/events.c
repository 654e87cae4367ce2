/* 7.1: events, timers and the levels that notification functions run at. */
#include "guest.h"
#include "protocols.h"

/* What ran, a letter each, in its order. */
static char Ran[64];
static UINTN Count;
static VOID EFIAPI run(EFI_EVENT event, VOID *context)
{
    if (Count < sizeof Ran - 1)
        Ran[Count++] = *(char *)context;
    Ran[Count] = 0;
}

static void ran(const char *name)
{
    tell(name, "\"%s\"", Ran);
    Count = Ran[0] = 0;
}

static UINT64 tpl_now(void)
{
    EFI_TPL before = BS->RaiseTPL(TPL_HIGH_LEVEL);
    BS->RestoreTPL(before);
    return before;
}

static UINT64 Tpl;
static VOID EFIAPI note_tpl(EFI_EVENT event, VOID *context) { Tpl = tpl_now(); }

static int interrupts_on(void)
{
    UINT64 flags;
    __asm__ volatile("pushfq; pop %0" : "=r"(flags));
    return flags >> 9 & 1;
}

static EFI_EVENT create(UINT32 type, EFI_TPL tpl, const char *letter)
{
    EFI_EVENT event;
    NEED(BS->CreateEvent(type, tpl, type & (EVT_NOTIFY_SIGNAL | EVT_NOTIFY_WAIT) ? run : NULL, (VOID *)letter, &event));
    return event;
}

static void levels(void)
{
    about("TPL");
    tell("of an application", "%u", tpl_now());
    check("interrupts are on", interrupts_on());
    EFI_TPL before = BS->RaiseTPL(TPL_CALLBACK);
    tell("RaiseTPL returns", "%u", before);
    tell("RaiseTPL to NOTIFY returns", "%u", BS->RaiseTPL(TPL_NOTIFY));
    check("interrupts are on at NOTIFY", interrupts_on());
    tell("RaiseTPL to the same returns", "%u", BS->RaiseTPL(TPL_NOTIFY));
    tell("RaiseTPL to HIGH_LEVEL returns", "%u", BS->RaiseTPL(TPL_HIGH_LEVEL));
    check("interrupts are on at HIGH_LEVEL", interrupts_on());
    BS->RestoreTPL(TPL_CALLBACK);
    check("interrupts are on after RestoreTPL", interrupts_on());
    tell("after RestoreTPL", "%u", tpl_now());
    BS->RestoreTPL(TPL_APPLICATION);
    tell("levels between the named ones", "%u", (BS->RaiseTPL(5), BS->RaiseTPL(30)));
    BS->RestoreTPL(TPL_APPLICATION);
}

static void create_errors(void)
{
    static const struct { const char *name; UINT32 type; EFI_TPL tpl; int function; } CASES[] = {
        {"type 0", 0, 0, 0}, {"type 0, TPL 4", 0, TPL_APPLICATION, 0}, {"type 0 with a function", 0, TPL_CALLBACK, 1},
        {"type 0, TPL 77", 0, 77, 0},
        {"TIMER", EVT_TIMER, 0, 0}, {"NOTIFY_SIGNAL", EVT_NOTIFY_SIGNAL, TPL_CALLBACK, 1},
        {"NOTIFY_WAIT", EVT_NOTIFY_WAIT, TPL_NOTIFY, 1},
        {"TIMER and NOTIFY_SIGNAL", EVT_TIMER | EVT_NOTIFY_SIGNAL, TPL_CALLBACK, 1},
        {"TIMER and NOTIFY_WAIT", EVT_TIMER | EVT_NOTIFY_WAIT, TPL_CALLBACK, 1},
        {"NOTIFY_SIGNAL and NOTIFY_WAIT", EVT_NOTIFY_SIGNAL | EVT_NOTIFY_WAIT, TPL_CALLBACK, 1},
        {"NOTIFY_SIGNAL without a function", EVT_NOTIFY_SIGNAL, TPL_CALLBACK, 0},
        {"NOTIFY_WAIT without a function", EVT_NOTIFY_WAIT, TPL_CALLBACK, 0},
        {"NOTIFY_SIGNAL, TPL 0", EVT_NOTIFY_SIGNAL, 0, 1}, {"NOTIFY_SIGNAL, TPL 4", EVT_NOTIFY_SIGNAL, TPL_APPLICATION, 1},
        {"NOTIFY_SIGNAL, TPL 5", EVT_NOTIFY_SIGNAL, 5, 1}, {"NOTIFY_SIGNAL, TPL 17", EVT_NOTIFY_SIGNAL, 17, 1},
        {"NOTIFY_SIGNAL, TPL 31", EVT_NOTIFY_SIGNAL, TPL_HIGH_LEVEL, 1}, {"NOTIFY_SIGNAL, TPL 32", EVT_NOTIFY_SIGNAL, 32, 1},
        {"NOTIFY_WAIT, TPL 4", EVT_NOTIFY_WAIT, TPL_APPLICATION, 1},
        {"NOTIFY_WAIT, TPL 31", EVT_NOTIFY_WAIT, TPL_HIGH_LEVEL, 1},
        {"RUNTIME", EVT_RUNTIME, 0, 0}, {"bit 0", 1, TPL_CALLBACK, 1}, {"bit 9 and bit 2", 0x204, TPL_CALLBACK, 1},
        {"SIGNAL_EXIT_BOOT_SERVICES", EVT_SIGNAL_EXIT_BOOT_SERVICES, TPL_CALLBACK, 1},
        {"SIGNAL_EXIT_BOOT_SERVICES and TIMER", EVT_SIGNAL_EXIT_BOOT_SERVICES | EVT_TIMER, TPL_CALLBACK, 1},
        {"SIGNAL_VIRTUAL_ADDRESS_CHANGE", EVT_SIGNAL_VIRTUAL_ADDRESS_CHANGE, TPL_CALLBACK, 1},
        {"202h without RUNTIME", 0x202, TPL_CALLBACK, 1},
    };
    static const EFI_GUID GROUP = {0x77777777, 7, 7, {7}};
    EFI_EVENT event;
    for (UINTN i = 0; i < COUNT(CASES); i++) {
        about("CreateEvent");
        EFI_STATUS ended = BS->CreateEvent(CASES[i].type, CASES[i].tpl, CASES[i].function ? run : NULL, "x", &event);
        status(CASES[i].name, ended);
        if (!EFI_ERROR(ended))
            NEED(BS->CloseEvent(event));
        about("CreateEventEx with a group");
        ended = BS->CreateEventEx(CASES[i].type, CASES[i].tpl, CASES[i].function ? run : NULL, "x", &GROUP, &event);
        status(CASES[i].name, ended);
        if (!EFI_ERROR(ended))
            NEED(BS->CloseEvent(event));
    }
    about("CreateEvent");
    status("nowhere to put it", BS->CreateEvent(0, 0, NULL, NULL, NULL));
    about("CreateEventEx");
    status("no group", BS->CreateEventEx(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, run, "x", NULL, &event));
    NEED(BS->CloseEvent(event));
    status("no group, SIGNAL_EXIT_BOOT_SERVICES",
           BS->CreateEventEx(EVT_SIGNAL_EXIT_BOOT_SERVICES, TPL_CALLBACK, run, "x", NULL, &event));
    NEED(BS->CloseEvent(event));
    status("nowhere to put it", BS->CreateEventEx(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, run, "x", &GROUP, NULL));
}

static void signals(void)
{
    static UINT64 bogus[16];
    EFI_EVENT plain = create(0, 0, ""), signal = create(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, "s"), wait;
    about("an event of type 0");
    status("CheckEvent", BS->CheckEvent(plain));
    status("SignalEvent", BS->SignalEvent(plain));
    status("SignalEvent again", BS->SignalEvent(plain));
    status("CheckEvent then", BS->CheckEvent(plain));
    status("CheckEvent once more", BS->CheckEvent(plain));
    UINTN index = 99;
    EFI_EVENT both[2] = {create(0, 0, ""), plain};
    NEED(BS->SignalEvent(plain));
    status("WaitForEvent", BS->WaitForEvent(2, both, &index));
    tell("WaitForEvent, index", "%u", index);
    status("CheckEvent after WaitForEvent", BS->CheckEvent(plain));
    NEED(BS->SignalEvent(both[0]));
    NEED(BS->SignalEvent(both[1]));
    status("WaitForEvent with both signaled", BS->WaitForEvent(2, both, &index));
    tell("WaitForEvent with both signaled, index", "%u", index);
    status("the other stays signaled", BS->CheckEvent(both[1]));

    about("NOTIFY_SIGNAL");
    status("CheckEvent", BS->CheckEvent(signal));
    status("SignalEvent", BS->SignalEvent(signal));
    ran("ran");
    status("CheckEvent when it ran", BS->CheckEvent(signal));
    index = 99;
    EFI_EVENT three[3] = {both[0], signal, plain};
    status("WaitForEvent", BS->WaitForEvent(1, &signal, &index));
    tell("WaitForEvent, index", "%u", index);
    status("WaitForEvent as second of three", BS->WaitForEvent(3, three, &index));
    tell("WaitForEvent as second of three, index", "%u", index);
    EFI_TPL before = BS->RaiseTPL(TPL_CALLBACK);
    NEED(BS->SignalEvent(signal));
    NEED(BS->SignalEvent(signal));
    ran("signaled twice at its own level");
    BS->RestoreTPL(before);
    ran("when the level is restored");

    about("NOTIFY_WAIT");
    wait = create(EVT_NOTIFY_WAIT, TPL_CALLBACK, "w");
    status("CheckEvent", BS->CheckEvent(wait));
    ran("ran by CheckEvent");
    NEED(BS->SignalEvent(wait));
    ran("ran by SignalEvent");
    status("CheckEvent then", BS->CheckEvent(wait));
    ran("ran by CheckEvent of what is signaled");
    before = BS->RaiseTPL(TPL_CALLBACK);
    status("CheckEvent at its own level", BS->CheckEvent(wait));
    ran("ran at its own level");
    BS->RestoreTPL(before);
    ran("ran when the level is restored");

    about("WaitForEvent");
    status("no events", BS->WaitForEvent(0, both, &index));
    before = BS->RaiseTPL(TPL_CALLBACK);
    status("at TPL_CALLBACK", BS->WaitForEvent(1, both, &index));
    status("no events, at TPL_CALLBACK", BS->WaitForEvent(0, both, &index));
    BS->RestoreTPL(before);

    about("what is no event");
    status("CheckEvent, NULL", BS->CheckEvent(NULL));
    status("SignalEvent, NULL", BS->SignalEvent(NULL));
    status("CloseEvent, NULL", BS->CloseEvent(NULL));
    status("SetTimer, NULL", BS->SetTimer(NULL, TimerRelative, 1));
    status("CheckEvent, other memory", BS->CheckEvent(bogus));
    status("SignalEvent, other memory", BS->SignalEvent(bogus));
    status("CloseEvent, other memory", BS->CloseEvent(bogus));
    status("SetTimer, other memory", BS->SetTimer(bogus, TimerRelative, 1));
    EFI_EVENT null = NULL;
    status("WaitForEvent, NULL", BS->WaitForEvent(1, &null, &index));

    about("CloseEvent");
    before = BS->RaiseTPL(TPL_NOTIFY);
    NEED(BS->SignalEvent(signal));
    status("of what waits to run", BS->CloseEvent(signal));
    BS->RestoreTPL(before);
    ran("it does not run");
    BS->CloseEvent(plain), BS->CloseEvent(both[0]), BS->CloseEvent(wait);
}

static EFI_EVENT Inner;
static VOID EFIAPI nest(EFI_EVENT event, VOID *context)
{
    run(event, (VOID *)"(");
    BS->SignalEvent(Inner);
    run(event, (VOID *)")");
}

static VOID EFIAPI again(EFI_EVENT event, VOID *context)
{
    run(event, context);
    if (Count < 3)
        BS->SignalEvent(event);
}

static void order(void)
{
    EFI_EVENT a = create(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, "a"), b = create(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, "b"),
              m = create(EVT_NOTIFY_SIGNAL, TPL_NOTIFY, "m"), n = create(EVT_NOTIFY_SIGNAL, TPL_NOTIFY, "n"), event;
    EFI_EVENT in_order[] = {b, n, a, m, b, n};
    about("order");
    EFI_TPL before = BS->RaiseTPL(TPL_HIGH_LEVEL);
    for (UINTN i = 0; i < COUNT(in_order); i++)
        BS->SignalEvent(in_order[i]);
    ran("b n a m b n at HIGH_LEVEL");
    BS->RestoreTPL(TPL_NOTIFY);
    ran("restored to NOTIFY");
    BS->RestoreTPL(TPL_CALLBACK);
    ran("restored to CALLBACK");
    BS->RestoreTPL(before);
    ran("restored to APPLICATION");
    before = BS->RaiseTPL(TPL_CALLBACK);
    BS->SignalEvent(a), BS->SignalEvent(m), BS->SignalEvent(b);
    ran("a m b at CALLBACK");
    BS->RestoreTPL(before);
    ran("a m b, restored");

    NEED(BS->CreateEvent(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, nest, NULL, &event));
    Inner = m;
    BS->SignalEvent(event);
    ran("a function signals a higher one");
    Inner = a;
    BS->SignalEvent(event);
    ran("a function signals one of its own level");
    NEED(BS->CloseEvent(event));
    NEED(BS->CreateEvent(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, again, "r", &event));
    BS->SignalEvent(event);
    ran("a function signals itself, three times in all");
    NEED(BS->CloseEvent(event));
    static const EFI_TPL LEVELS[] = {5, TPL_CALLBACK, 9, TPL_NOTIFY, 30};
    for (UINTN i = 0; i < COUNT(LEVELS); i++) {
        Tpl = 0;
        if (!EFI_ERROR(BS->CreateEvent(EVT_NOTIFY_SIGNAL, LEVELS[i], note_tpl, NULL, &event))) {
            BS->SignalEvent(event);
            BS->CloseEvent(event);
        }
        tell((const char *[]){"level in a function of TPL 5", "level in a function of CALLBACK",
                              "level in a function of TPL 9",
             "level in a function of NOTIFY", "level in a function of TPL 30"}[i], "%u", Tpl);
    }
    BS->CloseEvent(a), BS->CloseEvent(b), BS->CloseEvent(m), BS->CloseEvent(n);
}

static void groups(void)
{
    static const EFI_GUID GROUP = {0x77777777, 7, 7, {7}}, OTHER = {0x77777777, 7, 7, {8}};
    EFI_EVENT a, b, c, plain, other;
    about("an event group");
    NEED(BS->CreateEventEx(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, run, "a", &GROUP, &a));
    NEED(BS->CreateEventEx(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, run, "b", &GROUP, &b));
    NEED(BS->CreateEventEx(EVT_NOTIFY_SIGNAL, TPL_NOTIFY, run, "c", &GROUP, &c));
    NEED(BS->CreateEventEx(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, run, "o", &OTHER, &other));
    status("a member without a function", BS->CreateEventEx(0, 0, NULL, NULL, &GROUP, &plain));
    status("SignalEvent of a member", BS->SignalEvent(b));
    check("c came first", Ran[0] == 'c');
    tell("ran", "%u", Count);
    Count = Ran[0] = 0;
    if (plain)
        status("the member without a function is signaled", BS->CheckEvent(plain));
    EFI_TPL before = BS->RaiseTPL(TPL_NOTIFY);
    BS->SignalEvent(a), BS->SignalEvent(b);
    BS->RestoreTPL(before);
    tell("ran, when two members are signaled at NOTIFY", "%u", Count);
    Count = Ran[0] = 0;
    NEED(BS->CloseEvent(a));
    BS->SignalEvent(b);
    tell("ran, with one closed", "%u", Count);
    Count = Ran[0] = 0;
    BS->SignalEvent(other);
    ran("the other group");
    BS->CloseEvent(b), BS->CloseEvent(c), BS->CloseEvent(other), BS->CloseEvent(plain);
    NEED(BS->CreateEventEx(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, run, "e", &EFI_EVENT_GROUP_READY_TO_BOOT, &a));
    BS->SignalEvent(a);
    ran("READY_TO_BOOT signaled by hand");
    BS->CloseEvent(a);
    NEED(BS->CreateEventEx(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, run, "m", &EFI_EVENT_GROUP_MEMORY_MAP_CHANGE, &a));
    EFI_PHYSICAL_ADDRESS page;
    NEED(BS->AllocatePages(AllocateAnyPages, EfiLoaderData, 1, &page));
    check("MEMORY_MAP_CHANGE is signaled by AllocatePages", Count != 0);
    Count = Ran[0] = 0;
    NEED(BS->FreePages(page, 1));
    check("MEMORY_MAP_CHANGE is signaled by FreePages", Count != 0);
    Count = Ran[0] = 0;
    BS->CloseEvent(a);
}

#define MS 10000u                                       /* of 100 ns */

static void timers(void)
{
    EFI_EVENT timer = create(EVT_TIMER, 0, ""), with = create(EVT_TIMER | EVT_NOTIFY_SIGNAL, TPL_CALLBACK, "t"),
              late = create(EVT_TIMER, 0, ""), none = create(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, "x");
    UINTN index = 99;
    about("SetTimer");
    status("type 3", BS->SetTimer(timer, 3, MS));
    status("of an event that is no timer", BS->SetTimer(none, TimerRelative, MS));
    status("cancel what was not set", BS->SetTimer(timer, TimerCancel, 0));
    status("relative, 30 ms", BS->SetTimer(timer, TimerRelative, 30 * MS));
    status("CheckEvent at once", BS->CheckEvent(timer));
    status("WaitForEvent", BS->WaitForEvent(1, &timer, &index));
    status("CheckEvent after that", BS->CheckEvent(timer));
    NEED(BS->Stall(60000));
    status("CheckEvent after 60 ms more", BS->CheckEvent(timer));
    status("relative, 0", BS->SetTimer(timer, TimerRelative, 0));
    NEED(BS->Stall(40000));
    status("CheckEvent after 40 ms", BS->CheckEvent(timer));
    status("relative, 10 ms, and cancel", BS->SetTimer(timer, TimerRelative, 10 * MS) | BS->SetTimer(timer, TimerCancel, 0));
    NEED(BS->Stall(40000));
    status("CheckEvent after 40 ms of the canceled", BS->CheckEvent(timer));
    status("relative, 10 s, then 10 ms",
           BS->SetTimer(timer, TimerRelative, 10000 * MS) | BS->SetTimer(timer, TimerRelative, 10 * MS));
    NEED(BS->Stall(60000));
    status("CheckEvent after 60 ms, the later one counts", BS->CheckEvent(timer));
    status("relative, 2^62", BS->SetTimer(timer, TimerRelative, (UINT64)1 << 62));
    NEED(BS->Stall(20000));
    EFI_STATUS ended = BS->CheckEvent(timer);
    status("CheckEvent, 2^62", ended);
    NEED(BS->SetTimer(timer, TimerCancel, 0));

    status("periodic, 20 ms", BS->SetTimer(timer, TimerPeriodic, 20 * MS));
    for (int i = 0; i < 3; i++)
        NEED(BS->WaitForEvent(1, &timer, &index));
    check("periodic, three times", index == 0);
    NEED(BS->Stall(100000));
    status("periodic, after 100 ms", BS->CheckEvent(timer));
    status("periodic, signaled once", BS->CheckEvent(timer));
    status("periodic, SignalEvent", BS->SignalEvent(timer));
    NEED(BS->SetTimer(timer, TimerCancel, 0));
    status("cancel does not take the signal away", BS->CheckEvent(timer));
    status("periodic, 0, at every tick", BS->SetTimer(timer, TimerPeriodic, 0));
    NEED(BS->WaitForEvent(1, &timer, &index));
    NEED(BS->WaitForEvent(1, &timer, &index));
    NEED(BS->SetTimer(timer, TimerCancel, 0));

    NEED(BS->SetTimer(with, TimerPeriodic, 20 * MS));
    NEED(BS->Stall(130000));
    NEED(BS->SetTimer(with, TimerCancel, 0));
    check("with a function, periodic 20 ms, 3 to 7 times in 130 ms", Count >= 3 && Count <= 7);
    Count = Ran[0] = 0;
    EFI_TPL before = BS->RaiseTPL(TPL_CALLBACK);
    NEED(BS->SetTimer(with, TimerPeriodic, 20 * MS));
    NEED(BS->Stall(130000));
    ran("with a function, at its own level");
    NEED(BS->SetTimer(with, TimerCancel, 0));
    BS->RestoreTPL(before);
    ran("with a function, once the level is restored");
    before = BS->RaiseTPL(TPL_HIGH_LEVEL);
    NEED(BS->SetTimer(timer, TimerRelative, 10 * MS));
    NEED(BS->Stall(50000));
    status("no time passes at HIGH_LEVEL", BS->CheckEvent(timer));
    BS->RestoreTPL(before);
    NEED(BS->Stall(50000));
    status("but afterwards", BS->CheckEvent(timer));

    NEED(BS->SetTimer(late, TimerRelative, 100 * MS));
    NEED(BS->SetTimer(timer, TimerRelative, 30 * MS));
    EFI_EVENT two[2] = {late, timer};
    NEED(BS->WaitForEvent(2, two, &index));
    tell("the sooner of two", "%u", index);
    NEED(BS->WaitForEvent(1, &late, &index));
    NEED(BS->SetTimer(with, TimerRelative, 20 * MS));
    status("CloseEvent of a timer that runs", BS->CloseEvent(with));
    NEED(BS->Stall(50000));
    ran("it does not run");
    BS->CloseEvent(timer), BS->CloseEvent(late), BS->CloseEvent(none);
}

void guest(void)
{
    levels();
    create_errors();
    signals();
    order();
    groups();
    timers();
}
