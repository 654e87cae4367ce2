/* 12.2, 12.3: the console's input. The guest types by itself: the 8042's command D2h makes a byte appear as the keyboard's, and
   in loop mode the serial port receives what is sent. */
#include "guest.h"
#include "protocols.h"

static EFI_SIMPLE_TEXT_INPUT_PROTOCOL *In;
static EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *Ex;

static void out(UINT16 port, UINT8 value) { __asm__ volatile("outb %0, %1" :: "a"(value), "Nd"(port)); }
static UINT8 in(UINT16 port)
{
    UINT8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* Scan codes of set 1, each given time to be taken. */
static void strike(const char *codes, UINTN count)
{
    for (UINTN i = 0; i < count; i++) {
        while (in(0x64) & 3)
            BS->Stall(1000);
        out(0x64, 0xD2);
        while (in(0x64) & 2)
            BS->Stall(1000);
        out(0x60, codes[i]);
        BS->Stall(60000);
    }
}
#define STRIKE(codes) strike(codes, sizeof codes - 1)

/* What a terminal sends. */
static void send(const char *bytes)
{
    UINT8 before = in(0x3FC);
    out(0x3FC, before | 0x10);
    for (; *bytes; bytes++) {
        while (!(in(0x3FD) & 0x20))
            ;
        out(0x3F8, *bytes);
    }
    BS->Stall(100000);
    out(0x3FC, before);
    BS->Stall(100000);
}

/* OVMF answers NOT_READY for each partial keystroke that it hides, so it is asked again; and it says that those are exposed. */
#define PATIENCE 5
static const EFI_KEY_TOGGLE_STATE SHOWN = 0xFF & ~EFI_KEY_STATE_EXPOSED;

static void read_ex(const char *name)
{
    EFI_KEY_DATA data;
    memset(&data, 0x55, sizeof data);
    EFI_STATUS said = EFI_NOT_READY;
    for (UINTN i = 0; i < PATIENCE && said == EFI_NOT_READY; i++)
        said = Ex->ReadKeyStrokeEx(Ex, &data);
    if (said == EFI_SUCCESS)
        tell(name, "scan %x, character %x, shift %x, toggle %x", (UINT64)data.Key.ScanCode, (UINT64)data.Key.UnicodeChar,
             (UINT64)data.KeyState.KeyShiftState, (UINT64)(data.KeyState.KeyToggleState & SHOWN));
    else
        tell(name, "%r", said);
}

static void read_state(const char *name)
{
    EFI_KEY_DATA data;
    memset(&data, 0x55, sizeof data);
    EFI_STATUS said = Ex->ReadKeyStrokeEx(Ex, &data);
    if (said == EFI_SUCCESS)
        tell(name, "scan %x, character %x, shift %x, toggle %x", (UINT64)data.Key.ScanCode, (UINT64)data.Key.UnicodeChar,
             (UINT64)data.KeyState.KeyShiftState, (UINT64)data.KeyState.KeyToggleState);
    else
        tell(name, "%r", said);
}

static void read(const char *name)
{
    EFI_INPUT_KEY key = {0x5555, 0x5555};
    EFI_STATUS said = EFI_NOT_READY;
    for (UINTN i = 0; i < PATIENCE && said == EFI_NOT_READY; i++)
        said = In->ReadKeyStroke(In, &key);
    if (said == EFI_SUCCESS)
        tell(name, "scan %x, character %x", (UINT64)key.ScanCode, (UINT64)key.UnicodeChar);
    else
        tell(name, "%r", said);
}

/* What an operating system finds: interrupts and translation, whatever firmware thinks of them. */
static void controller(void)
{
    EFI_TPL before = BS->RaiseTPL(TPL_HIGH_LEVEL);
    out(0x64, 0x20);
    while (!(in(0x64) & 1))
        ;
    UINT8 byte = in(0x60);
    BS->RestoreTPL(before);
    tell("the controller's command byte", "%x", (UINT64)byte);
}

static void nothing(void)
{
    about("no key");
    NEED(In->Reset(In, FALSE));
    EFI_INPUT_KEY key = {0x5555, 0x5555};
    EFI_KEY_DATA data;
    memset(&data, 0x55, sizeof data);
    status("ReadKeyStroke", In->ReadKeyStroke(In, &key));
    status("ReadKeyStrokeEx", Ex->ReadKeyStrokeEx(Ex, &data));
    tell("its key", "scan %x, character %x", (UINT64)data.Key.ScanCode, (UINT64)data.Key.UnicodeChar);
    tell("its states", "shift %x, toggle %x", (UINT64)data.KeyState.KeyShiftState,
         (UINT64)(data.KeyState.KeyToggleState & SHOWN));
    status("ReadKeyStrokeEx, NULL", Ex->ReadKeyStrokeEx(Ex, NULL));
    status("CheckEvent WaitForKey", BS->CheckEvent(In->WaitForKey));
    status("CheckEvent WaitForKeyEx", BS->CheckEvent(Ex->WaitForKeyEx));
    status("Reset", In->Reset(In, FALSE));
    status("Reset, extended", In->Reset(In, TRUE));
    status("Reset of the Ex", Ex->Reset(Ex, FALSE));
    status("Reset of the Ex, extended", Ex->Reset(Ex, TRUE));
}

static void keyboard(void)
{
    about("keyboard");
    STRIKE("\x1E\x9E");
    UINTN index = 7;
    status("WaitForEvent", BS->WaitForEvent(1, &In->WaitForKey, &index));
    status("CheckEvent while the key waits", BS->CheckEvent(In->WaitForKey));
    read_ex("a");
    status("CheckEvent when it is read", BS->CheckEvent(Ex->WaitForKeyEx));
    STRIKE("\x2A\x1E\x9E\xAA");
    read_ex("Shift and a");
    STRIKE("\x1D\x2E\xAE\x9D");
    read_ex("Ctrl and c");
    STRIKE("\x1D\x2E\xAE\x9D");
    read("Ctrl and c, without states");
    STRIKE("\x1D\x1A\x9A\x9D");
    read("Ctrl and [, without states");
    STRIKE("\x38\x2D\xAD\xB8");
    read_ex("Alt and x");
    STRIKE("\xE0\x38\x2D\xAD\xE0\xB8");
    read_ex("right Alt and x");
    STRIKE("\x36\xE0\x1D\xE0\x5B\x3C\xBC\xE0\xDB\xE0\x9D\xB6");
    read_ex("right Shift, right Ctrl, left logo and F2");
    STRIKE("\x2A\x39\xB9\xAA");
    read_ex("Shift and space");
    STRIKE("\x2A\x0F\x8F\xAA");
    read_ex("Shift and Tab");
    STRIKE("\x1C\x9C");
    read_ex("Enter");
    STRIKE("\x0E\x8E");
    read_ex("Backspace");
    STRIKE("\x01\x81");
    read_ex("Esc");
    STRIKE("\xE0\x48\xE0\xC8");
    read_ex("up");
    STRIKE("\xE0\x53\xE0\xD3");
    read_ex("Delete");
    STRIKE("\x48\xC8");
    read_ex("8 of the keypad");
    STRIKE("\x4C\xCC");
    read_ex("5 of the keypad");
    STRIKE("\x37\xB7");
    read_ex("* of the keypad");
    STRIKE("\xE0\x35\xE0\xB5");
    read_ex("/ of the keypad");
    STRIKE("\xE0\x1C\xE0\x9C");
    read_ex("Enter of the keypad");
    STRIKE("\x57\xD7");
    read_ex("F11");
    STRIKE("\x58\xD8");
    read_ex("F12");
    STRIKE("\x56\xD6");
    read_ex("the 102nd key");
    STRIKE("\x2A\x28\xA8\xAA");
    read_ex("Shift and '");
    STRIKE("\x2A\xAA\x1D\x9D");
    read_ex("Shift and Ctrl alone");
    STRIKE("\x2A\xAA");
    status("CheckEvent after Shift alone", BS->CheckEvent(In->WaitForKey));
    STRIKE("\x1E\x9E\x30\xB0");
    read_ex("a and b, the first");
    read("the second");
    read("the third");
    STRIKE("\x1E\x9E");
    NEED(In->Reset(In, FALSE));
    read("a, and then Reset");
}

static void locks(void)
{
    about("locks");
    STRIKE("\x3A\xBA\x1E\x9E");
    read_ex("Caps Lock, a");
    STRIKE("\x2A\x1E\x9E\xAA");
    read_ex("Caps Lock, Shift and a");
    STRIKE("\x02\x82");
    read_ex("Caps Lock, 1");
    STRIKE("\x3A\xBA\x45\xC5\x48\xC8");
    read_ex("Num Lock, 8 of the keypad");
    STRIKE("\x2A\x48\xC8\xAA");
    read_ex("Num Lock, Shift and 8 of the keypad");
    STRIKE("\x53\xD3");
    read_ex("Num Lock, . of the keypad");
    STRIKE("\x45\xC5\x46\xC6\x1E\x9E");
    read_ex("Scroll Lock, a");
    STRIKE("\x46\xC6");

    EFI_KEY_TOGGLE_STATE state = EFI_CAPS_LOCK_ACTIVE;
    status("SetState, not valid", Ex->SetState(Ex, &state));
    status("SetState, NULL", Ex->SetState(Ex, NULL));
    state = EFI_TOGGLE_STATE_VALID | EFI_CAPS_LOCK_ACTIVE;
    status("SetState, Caps Lock", Ex->SetState(Ex, &state));
    BS->Stall(100000);
    STRIKE("\x1E\x9E");
    read_ex("then a");
    state = EFI_TOGGLE_STATE_VALID | EFI_KEY_STATE_EXPOSED;
    status("SetState, partial keystrokes", Ex->SetState(Ex, &state));
    BS->Stall(100000);
    STRIKE("\x2A");
    status("CheckEvent after Shift", BS->CheckEvent(Ex->WaitForKeyEx));
    read_state("Shift goes down");
    read_ex("and then");
    STRIKE("\xAA");
    read_ex("Shift goes up");
    NEED(In->Reset(In, FALSE));
    STRIKE("\x1E\x9E");
    read_ex("a");
    STRIKE("\x2A\xAA\x1E\x9E");
    read("Shift alone, then a, without states");
    state = EFI_TOGGLE_STATE_VALID;
    status("SetState, whole keystrokes", Ex->SetState(Ex, &state));
    NEED(In->Reset(In, FALSE));
}

static void terminal(void)
{
    about("terminal");
    static const struct { const char *name, *bytes; } rows[] = {
        {"a", "a"}, {"A", "A"}, {"CR", "\r"}, {"BS", "\b"}, {"tab", "\t"}, {"CSI A", "\33[A"}, {"CSI B", "\33[B"},
        {"CSI C", "\33[C"}, {"CSI D", "\33[D"}, {"CSI H", "\33[H"}, {"CSI F", "\33[F"},
    };
    for (UINTN i = 0; i < COUNT(rows); i++) {
        send(rows[i].bytes);
        read_ex(rows[i].name);
    }
    send("\3");
    read_ex("ETX");
    send("\3");
    read("ETX, without states");
    send("xy");
    read("x and y, the first");
    read("the second");
    send("\33");
    BS->Stall(2500000);
    read_ex("ESC alone");
    read_ex("no more");
}

static EFI_KEY_DATA Seen;
static UINTN Calls;
static UINT64 Level;
static EFI_STATUS EFIAPI notice(EFI_KEY_DATA *data)
{
    Seen = *data;
    Calls++;
    Level = BS->RaiseTPL(TPL_HIGH_LEVEL);
    BS->RestoreTPL(Level);
    return EFI_SUCCESS;
}
static EFI_STATUS EFIAPI other(EFI_KEY_DATA *data) { return EFI_SUCCESS; }

static void notifications(void)
{
    about("RegisterKeyNotify");
    EFI_KEY_DATA wanted = {{0, 'q'}, {0, 0}};
    VOID *handle = NULL, *again = NULL, *third = NULL;
    status("no key", Ex->RegisterKeyNotify(Ex, NULL, notice, &handle));
    status("no function", Ex->RegisterKeyNotify(Ex, &wanted, NULL, &handle));
    status("no handle", Ex->RegisterKeyNotify(Ex, &wanted, notice, NULL));
    status("q", Ex->RegisterKeyNotify(Ex, &wanted, notice, &handle));
    status("q again", Ex->RegisterKeyNotify(Ex, &wanted, notice, &again));
    check("the same handle", handle == again);
    status("q, another function", Ex->RegisterKeyNotify(Ex, &wanted, other, &third));
    check("another handle", handle != third);
    STRIKE("\x10\x90");
    tell("calls after q", "%u, at %u", (UINT64)Calls, Level);
    tell("what it gets", "scan %x, character %x, shift %x, toggle %x", (UINT64)Seen.Key.ScanCode, (UINT64)Seen.Key.UnicodeChar,
         (UINT64)Seen.KeyState.KeyShiftState, (UINT64)(Seen.KeyState.KeyToggleState & SHOWN));
    read("the key is there, too");
    STRIKE("\x11\x91");
    tell("calls after w", "%u", (UINT64)Calls);
    STRIKE("\x1D\x10\x90\x9D");
    tell("calls after Ctrl and q", "%u", (UINT64)Calls);
    send("q");
    tell("calls after q from the terminal", "%u", (UINT64)Calls);
    status("UnregisterKeyNotify", Ex->UnregisterKeyNotify(Ex, handle));
    status("UnregisterKeyNotify again", Ex->UnregisterKeyNotify(Ex, handle));
    status("UnregisterKeyNotify, NULL", Ex->UnregisterKeyNotify(Ex, NULL));
    status("UnregisterKeyNotify, the other", Ex->UnregisterKeyNotify(Ex, third));
    STRIKE("\x10\x90");
    tell("calls after q, unregistered", "%u", (UINT64)Calls);

    wanted.KeyState.KeyShiftState = EFI_SHIFT_STATE_VALID | EFI_LEFT_CONTROL_PRESSED;
    NEED(Ex->RegisterKeyNotify(Ex, &wanted, notice, &handle));
    Calls = 0;
    STRIKE("\x10\x90");
    tell("calls for Ctrl and q after q", "%u", (UINT64)Calls);
    STRIKE("\x1D\x10\x90\x9D");
    tell("calls for Ctrl and q after Ctrl and q", "%u", (UINT64)Calls);
    NEED(Ex->UnregisterKeyNotify(Ex, handle));
    wanted.KeyState.KeyShiftState = EFI_SHIFT_STATE_VALID;
    NEED(Ex->RegisterKeyNotify(Ex, &wanted, notice, &handle));
    Calls = 0;
    STRIKE("\x10\x90");
    tell("calls for q with nothing held after q", "%u", (UINT64)Calls);
    STRIKE("\x1D\x10\x90\x9D");
    tell("calls for q with nothing held after Ctrl and q", "%u", (UINT64)Calls);
    NEED(Ex->UnregisterKeyNotify(Ex, handle));
}

void guest(void)
{
    In = ST->ConIn;
    VOID *found = NULL;
    status("ConIn's handle has text input", BS->HandleProtocol(ST->ConsoleInHandle, &EFI_SIMPLE_TEXT_INPUT_PROTOCOL_GUID, &found));
    check("it is ConIn", found == In);
    NEED(BS->HandleProtocol(ST->ConsoleInHandle, &EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL_GUID, (void **)&Ex));
    controller();
    nothing();
    keyboard();
    locks();
    terminal();
    notifications();
}
