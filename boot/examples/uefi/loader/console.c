/* Text by SIMPLE_TEXT_OUTPUT, and how failures are told. */
#include "loader.h"

static CHAR16 line[128];
static UINTN used;

void console_open(void)
{
    used = 0;
    ST->ConOut->Reset(ST->ConOut, FALSE);               /* the firmware's own text may have left any colour or mode */
}

void colour(UINTN attribute)
{
    ST->ConOut->SetAttribute(ST->ConOut, attribute);
}

static void flush(void)
{
    line[used] = 0;
    ST->ConOut->OutputString(ST->ConOut, line);
    used = 0;
}

static void put(char character)
{
    if (used > sizeof line / sizeof *line - 3)
        flush();
    if (character == '\n')
        line[used++] = '\r';                            /* \n alone only goes down */
    line[used++] = (CHAR16)character;
}

void print(const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    format(put, text, arguments);
    va_end(arguments);
    flush();                                            /* a call a text: a call a character would be slow */
}

static const char *status_name(EFI_STATUS status)
{
    static const char *const NAMES[] = {
        "SUCCESS", "LOAD_ERROR", "INVALID_PARAMETER", "UNSUPPORTED", "BAD_BUFFER_SIZE", "BUFFER_TOO_SMALL", "NOT_READY",
        "DEVICE_ERROR", "WRITE_PROTECTED", "OUT_OF_RESOURCES", "VOLUME_CORRUPTED", "VOLUME_FULL", "NO_MEDIA",
        "MEDIA_CHANGED", "NOT_FOUND", "ACCESS_DENIED", "NO_RESPONSE", "NO_MAPPING", "TIMEOUT", "NOT_STARTED",
        "ALREADY_STARTED", "ABORTED", "ICMP_ERROR", "TFTP_ERROR", "PROTOCOL_ERROR", "INCOMPATIBLE_VERSION",
        "SECURITY_VIOLATION", "CRC_ERROR", "END_OF_MEDIA",
    };
    UINTN number = status & ~EFI_ERROR_BIT;
    return number < sizeof NAMES / sizeof *NAMES ? NAMES[number] : "an unknown status";
}

/* Says "Cannot <what>: <status>" and what may be done about it, gives people three seconds to read it, since the firmware
 * clears the screen when it goes on to what it boots next, and returns the status. */
EFI_STATUS failed(EFI_STATUS status, const char *hint, const char *what, ...)
{
    colour(EFI_TEXT_ATTR(EFI_YELLOW, EFI_RED));
    print("  Cannot ");
    va_list arguments;
    va_start(arguments, what);
    format(put, what, arguments);
    va_end(arguments);
    print(": EFI_%s", status_name(status));
    colour(EFI_TEXT_ATTR(EFI_WHITE, EFI_BLUE));
    print("\n  %s\n", hint);
    BS->Stall(3 * 1000 * 1000);
    return status;
}
