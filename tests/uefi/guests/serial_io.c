/* 12.8: the serial port, in its loop mode, so that the guest is the other end, too. */
#include "guest.h"
#include "protocols.h"
#include "device_path.h"

static EFI_SERIAL_IO_PROTOCOL *Serial;
static EFI_HANDLE Handle;

#define LOOPBACK 0x1000u
#define SOFTWARE_LOOPBACK 0x2000u
#define FLOW_CONTROL 0x4000u

static void mode(const char *name)
{
    SERIAL_IO_MODE *mode = Serial->Mode;
    tell(name, "control %x, %u baud, FIFO %u, %u bits, parity %u, stop bits %u", (UINT64)mode->ControlMask,
         (UINT64)mode->BaudRate, (UINT64)mode->ReceiveFifoDepth, (UINT64)mode->DataBits,
         (UINT64)mode->Parity, (UINT64)mode->StopBits);
}

static void control(const char *name)
{
    UINT32 bits = 0;
    EFI_STATUS said = Serial->GetControl(Serial, &bits);
    tell(name, "%r, %x", said, (UINT64)bits);
}

static void attributes(const char *name, UINT64 baud, UINT32 fifo, UINT32 timeout, EFI_PARITY_TYPE parity, UINT8 bits,
                       EFI_STOP_BITS_TYPE stop)
{
    EFI_STATUS said = Serial->SetAttributes(Serial, baud, fifo, timeout, parity, bits, stop);
    SERIAL_IO_MODE *mode = Serial->Mode;
    tell(name, "%r: %u baud, FIFO %u, %u bits, parity %u, stop bits %u", said,
         (UINT64)mode->BaudRate, (UINT64)mode->ReceiveFifoDepth, (UINT64)mode->DataBits,
         (UINT64)mode->Parity, (UINT64)mode->StopBits);
}

static void loop(void)
{
    about("loop mode");
    UINT8 back[32];
    UINTN size = 5;
    EFI_TPL before = BS->RaiseTPL(TPL_NOTIFY);                  /* the console's terminal must not read it first */
    EFI_STATUS on = Serial->SetControl(Serial, EFI_SERIAL_DATA_TERMINAL_READY | EFI_SERIAL_REQUEST_TO_SEND | LOOPBACK);
    UINT32 bits = 0;
    EFI_STATUS got = Serial->GetControl(Serial, &bits);
    EFI_STATUS wrote = Serial->Write(Serial, &size, "hello");
    UINTN written = size;
    UINT32 with = 0;
    Serial->GetControl(Serial, &with);
    memset(back, 0, sizeof back);
    size = 5;
    EFI_STATUS read = Serial->Read(Serial, &size, back);
    UINTN taken = size;
    size = 4;
    UINT64 none = Serial->Read(Serial, &size, back + 8);
    UINTN nothing = size;
    EFI_STATUS off = Serial->SetControl(Serial, EFI_SERIAL_DATA_TERMINAL_READY | EFI_SERIAL_REQUEST_TO_SEND);
    BS->RestoreTPL(before);
    status("SetControl on", on);
    tell("GetControl", "%r, %x", got, (UINT64)bits);
    tell("Write", "%r, %u", wrote, written);
    tell("GetControl with bytes to read", "%x", (UINT64)with);
    tell("Read", "%r, %u, \"%s\"", read, taken, back);
    tell("Read when there is nothing", "%r, %u", none, nothing);
    status("SetControl off", off);
}

static void path(void)
{
    about("device path");
    EFI_DEVICE_PATH_PROTOCOL *node;
    NEED(BS->HandleProtocol(Handle, &EFI_DEVICE_PATH_PROTOCOL_GUID, (void **)&node));
    const UINT8 *byte = (const UINT8 *)node;
    for (UINTN i = 0; i < 8; i++) {
        UINTN size = byte[2] | byte[3] << 8;
        static char name[] = "node 0";
        name[5] = '0' + i;
        static char text[128];
        for (UINTN at = 0; at < size && at < 60; at++) {
            text[2 * at] = "0123456789abcdef"[byte[at] >> 4];
            text[2 * at + 1] = "0123456789abcdef"[byte[at] & 15];
            text[2 * at + 2] = 0;
        }
        tell(name, "%s", text);
        if (byte[0] == 0x7F)
            return;
        byte += size;
    }
}

void guest(void)
{
    UINTN count = 0;
    EFI_HANDLE *handles;
    NEED(BS->LocateHandleBuffer(ByProtocol, &EFI_SERIAL_IO_PROTOCOL_GUID, NULL, &count, &handles));
    tell("serial ports", "%u", (UINT64)count);
    Handle = handles[0];
    NEED(BS->HandleProtocol(Handle, &EFI_SERIAL_IO_PROTOCOL_GUID, (void **)&Serial));
    tell("revision", "%x", (UINT64)Serial->Revision);
    path();
    about("");
    mode("mode");
    control("GetControl");
    status("SetControl, an input", Serial->SetControl(Serial, EFI_SERIAL_CLEAR_TO_SEND));
    status("SetControl, unknown bit", Serial->SetControl(Serial, 0x10000));
    status("SetControl, software loop", Serial->SetControl(Serial, SOFTWARE_LOOPBACK));
    control("then GetControl");
    status("SetControl, flow control", Serial->SetControl(Serial, FLOW_CONTROL | EFI_SERIAL_DATA_TERMINAL_READY));
    control("and then GetControl");
    mode("mode with flow control");
    status("SetControl, none", Serial->SetControl(Serial, 0));
    control("GetControl with none");
    status("SetControl, the usual", Serial->SetControl(Serial, EFI_SERIAL_DATA_TERMINAL_READY | EFI_SERIAL_REQUEST_TO_SEND));
    loop();
    about("SetAttributes");
    attributes("defaults", 0, 0, 0, DefaultParity, 0, DefaultStopBits);
    attributes("9600 baud", 9600, 1, 500000, NoParity, 8, OneStopBit);
    attributes("115199 baud", 115199, 1, 500000, NoParity, 8, OneStopBit);
    attributes("60000 baud", 60000, 1, 500000, NoParity, 8, OneStopBit);
    attributes("80000 baud", 80000, 1, 500000, NoParity, 8, OneStopBit);
    attributes("200000 baud", 200000, 1, 500000, NoParity, 8, OneStopBit);
    attributes("300000 baud", 300000, 1, 500000, NoParity, 8, OneStopBit);
    attributes("2 baud", 2, 1, 500000, NoParity, 8, OneStopBit);
    attributes("1 baud", 1, 1, 500000, NoParity, 8, OneStopBit);
    attributes("50 baud", 50, 1, 500000, NoParity, 8, OneStopBit);
    attributes("115201 baud", 115201, 1, 500000, NoParity, 8, OneStopBit);
    attributes("FIFO 16", 115200, 16, 500000, NoParity, 8, OneStopBit);
    attributes("FIFO 17", 115200, 17, 500000, NoParity, 8, OneStopBit);
    attributes("timeout 0", 115200, 1, 0, NoParity, 8, OneStopBit);
    attributes("timeout 1", 115200, 1, 1, NoParity, 8, OneStopBit);
    attributes("timeout 100000001", 115200, 1, 100000001, NoParity, 8, OneStopBit);
    attributes("4 bits", 115200, 1, 500000, NoParity, 4, OneStopBit);
    attributes("9 bits", 115200, 1, 500000, NoParity, 9, OneStopBit);
    attributes("7 bits, even", 115200, 1, 500000, EvenParity, 7, OneStopBit);
    attributes("odd", 115200, 1, 500000, OddParity, 8, OneStopBit);
    attributes("mark", 115200, 1, 500000, MarkParity, 8, OneStopBit);
    attributes("space", 115200, 1, 500000, SpaceParity, 8, OneStopBit);
    attributes("parity 6", 115200, 1, 500000, (EFI_PARITY_TYPE)6, 8, OneStopBit);
    attributes("two stop bits", 115200, 1, 500000, NoParity, 8, TwoStopBits);
    attributes("1.5 stop bits", 115200, 1, 500000, NoParity, 8, OneFiveStopBits);
    attributes("1.5 stop bits of 5", 115200, 1, 500000, NoParity, 5, OneFiveStopBits);
    attributes("stop bits 4", 115200, 1, 500000, NoParity, 8, (EFI_STOP_BITS_TYPE)4);
    attributes("defaults again", 0, 0, 0, DefaultParity, 0, DefaultStopBits);
    about("");
    status("Reset", Serial->Reset(Serial));
    mode("mode at the end");
    control("GetControl at the end");
}
