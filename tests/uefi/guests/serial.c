/* 12.8: the serial line. The guest's own lines go there by its ports, so what is written here is a few blanks. */
#include "guest.h"
#include "protocols.h"

static EFI_SERIAL_IO_PROTOCOL *Serial;

static void attributes(const char *line, UINT64 rate, UINT32 fifo, UINT32 timeout, EFI_PARITY_TYPE parity, UINT8 bits, EFI_STOP_BITS_TYPE stop)
{
    EFI_STATUS ended = Serial->SetAttributes(Serial, rate, fifo, timeout, parity, bits, stop);
    SERIAL_IO_MODE mode = *Serial->Mode;
    NEED(Serial->SetAttributes(Serial, 115200, 1, 1000000, NoParity, 8, OneStopBit));
    if (EFI_ERROR(ended))
        status(line, ended);
    else
        tell(line, "%r, %u baud, %u bits, parity %u, stop %u, timeout %u", ended, mode.BaudRate, (UINT64)mode.DataBits, (UINT64)mode.Parity,
             (UINT64)mode.StopBits, (UINT64)mode.Timeout);
}

void guest(void)
{
    EFI_HANDLE *handles;
    UINTN count, size;
    EFI_GUID guid = EFI_SERIAL_IO_PROTOCOL_GUID;
    EFI_DEVICE_PATH_PROTOCOL *path;
    NEED(BS->LocateHandleBuffer(ByProtocol, &guid, NULL, &count, &handles));
    tell("lines", "%u of them", count);
    NEED(BS->HandleProtocol(handles[0], &guid, (VOID **)&Serial));
    NEED(BS->HandleProtocol(handles[0], &EFI_DEVICE_PATH_PROTOCOL_GUID, (VOID **)&path));
    EFI_DEVICE_PATH_TO_TEXT_PROTOCOL *text;
    NEED(BS->LocateProtocol(&EFI_DEVICE_PATH_TO_TEXT_PROTOCOL_GUID, NULL, (VOID **)&text));
    CHAR16 *words = text->ConvertDevicePathToText(path, FALSE, FALSE);
    tell("device path", "%S", words);
    check("Revision is 1.0 or 1.1", Serial->Revision == 0x10000 || Serial->Revision == 0x10001);

    about("Mode");
    tell("baud, bits, parity, stop bits", "%u %u %u %u", Serial->Mode->BaudRate, (UINT64)Serial->Mode->DataBits,
         (UINT64)Serial->Mode->Parity, (UINT64)Serial->Mode->StopBits);
    tell("ControlMask", "%x", (UINT64)Serial->Mode->ControlMask);
    tell("Timeout", "%u", (UINT64)Serial->Mode->Timeout);
    about("SetAttributes");
    attributes("all by default", 0, 0, 0, DefaultParity, 0, DefaultStopBits);
    attributes("9600 baud", 9600, 0, 0, NoParity, 8, OneStopBit);
    attributes("9601 baud", 9601, 0, 0, NoParity, 8, OneStopBit);
    attributes("50 baud", 50, 0, 0, NoParity, 8, OneStopBit);
    attributes("49 baud", 49, 0, 0, NoParity, 8, OneStopBit);
    attributes("1000000 baud", 1000000, 0, 0, NoParity, 8, OneStopBit);
    attributes("even parity, 7 bits, 2 stop bits", 115200, 0, 0, EvenParity, 7, TwoStopBits);
    attributes("odd parity, 5 bits, 1.5 stop bits", 115200, 0, 0, OddParity, 5, OneFiveStopBits);
    attributes("mark parity", 115200, 0, 0, MarkParity, 8, OneStopBit);
    attributes("parity 6", 115200, 0, 0, 6, 8, OneStopBit);
    attributes("4 bits", 115200, 0, 0, NoParity, 4, OneStopBit);
    attributes("9 bits", 115200, 0, 0, NoParity, 9, OneStopBit);
    attributes("5 bits, 2 stop bits", 115200, 0, 0, NoParity, 5, TwoStopBits);
    attributes("8 bits, 1.5 stop bits", 115200, 0, 0, NoParity, 8, OneFiveStopBits);
    attributes("stop bits 4", 115200, 0, 0, NoParity, 8, 4);
    attributes("a timeout of a second", 115200, 0, 1000000, NoParity, 8, OneStopBit);
    attributes("a timeout of 101 seconds", 115200, 0, 101000000, NoParity, 8, OneStopBit);
    attributes("a FIFO of 1000", 115200, 1000, 0, NoParity, 8, OneStopBit);

    UINT32 control = 0;
    about("control");
    status("GetControl", Serial->GetControl(Serial, &control));
    check("nothing has come in", control & EFI_SERIAL_INPUT_BUFFER_EMPTY);
    check("all has gone out", control & EFI_SERIAL_OUTPUT_BUFFER_EMPTY);
    check("DTR and RTS are on", (control & 3) == 3);
    status("SetControl, RTS only", Serial->SetControl(Serial, EFI_SERIAL_REQUEST_TO_SEND));
    NEED(Serial->GetControl(Serial, &control));
    tell("SetControl, RTS only, then", "%x", (UINT64)(control & 3));
    status("SetControl, both", Serial->SetControl(Serial, 3));
    status("SetControl, what cannot be set", Serial->SetControl(Serial, EFI_SERIAL_CARRIER_DETECT));
    status("SetControl, bit 31", Serial->SetControl(Serial, 0x80000000));
    status("SetControl, back", Serial->SetControl(Serial, 3));
    about("");
    status("Reset", Serial->Reset(Serial));
    size = 4;
    EFI_STATUS ended = Serial->Write(Serial, &size, "    ");
    tell("Write, 4 bytes", "%r, %u", ended, size);
    size = 0;
    ended = Serial->Write(Serial, &size, "");
    tell("Write, 0 bytes", "%r, %u", ended, size);
    UINT8 buffer[4];
    NEED(Serial->SetAttributes(Serial, 115200, 1, 10000, NoParity, 8, OneStopBit));
    size = 4;
    ended = Serial->Read(Serial, &size, buffer);
    tell("Read, when nothing comes", "%r, %u", ended, size);
    size = 0;
    ended = Serial->Read(Serial, &size, buffer);
    tell("Read, 0 bytes", "%r, %u", ended, size);
}
