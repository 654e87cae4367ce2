/* The entry point of all guests, and their lines. */
#include "guest.h"
#include <stdarg.h>

EFI_HANDLE Image;
EFI_SYSTEM_TABLE *ST;
EFI_BOOT_SERVICES *BS;
EFI_RUNTIME_SERVICES *RT;

enum { COM1 = 0x3F8, LINE_STATUS = COM1 + 5, EMPTY = 0x20, DEBUG_EXIT = 0xF4 };

static const char *subject = "";
UINT64 Written;

static void out(UINT16 port, UINT8 value) { __asm__ volatile("outb %0, %1" :: "a"(value), "Nd"(port)); }
static UINT8 in(UINT16 port) { UINT8 value; __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port)); return value; }

static void put_char(char character)
{
    while (!(in(LINE_STATUS) & EMPTY))
        ;
    out(COM1, character);
}

static void put(const char *text)
{
    while (*text)
        put_char(*text++);
}

static void put_wide(const CHAR16 *text)
{
    for (; *text; text++)
        if (*text >= ' ' && *text < 0x7F)
            put_char(*text);
        else {                                          /* \r as <d>, so that a line stays one */
            put_char('<');
            for (int shift = 12; shift >= 0; shift -= 4)
                if (*text >> shift || !shift)
                    put_char("0123456789abcdef"[*text >> shift & 15]);
            put_char('>');
        }
}

static void put_number(UINT64 value, unsigned base, int digits)
{
    char text[24], *at = text + sizeof text;
    *--at = 0;
    do
        *--at = "0123456789abcdef"[value % base];
    while (value /= base, --digits > 0 || value);
    put(at);
}

static void put_guid(const EFI_GUID *guid)
{
    put_number(guid->Data1, 16, 8), put_char('-');
    put_number(guid->Data2, 16, 4), put_char('-');
    put_number(guid->Data3, 16, 4), put_char('-');
    for (int i = 0; i < 8; i++) {
        if (i == 2)
            put_char('-');
        put_number(guid->Data4[i], 16, 2);
    }
}

static void put_status(EFI_STATUS value)
{
    static const char *const ERRORS[] = {"", "LOAD_ERROR", "INVALID_PARAMETER", "UNSUPPORTED", "BAD_BUFFER_SIZE",
        "BUFFER_TOO_SMALL", "NOT_READY", "DEVICE_ERROR", "WRITE_PROTECTED", "OUT_OF_RESOURCES", "VOLUME_CORRUPTED",
        "VOLUME_FULL", "NO_MEDIA", "MEDIA_CHANGED", "NOT_FOUND", "ACCESS_DENIED", "NO_RESPONSE", "NO_MAPPING", "TIMEOUT",
        "NOT_STARTED", "ALREADY_STARTED", "ABORTED", "ICMP_ERROR", "TFTP_ERROR", "PROTOCOL_ERROR",
        "INCOMPATIBLE_VERSION", "SECURITY_VIOLATION", "CRC_ERROR", "END_OF_MEDIA", "29", "30", "END_OF_FILE",
        "INVALID_LANGUAGE", "COMPROMISED_DATA", "IP_ADDRESS_CONFLICT", "HTTP_ERROR"};
    static const char *const WARNINGS[] = {"SUCCESS", "WARN_UNKNOWN_GLYPH", "WARN_DELETE_FAILURE", "WARN_WRITE_FAILURE",
        "WARN_BUFFER_TOO_SMALL", "WARN_STALE_DATA", "WARN_FILE_SYSTEM", "WARN_RESET_REQUIRED"};
    UINT64 number = value & ~EFI_ERROR_BIT;
    if (EFI_ERROR(value) && number && number < COUNT(ERRORS))
        put(ERRORS[number]);
    else if (!EFI_ERROR(value) && number < COUNT(WARNINGS))
        put(WARNINGS[number]);
    else
        put("status "), put_number(value, 16, 1);
}

/* A line starts with a line's end, because the console may have left the cursor anywhere, and with "=> ". */
void tell(const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    Written++;
    put("\n=> ");
    if (*subject)
        put(subject), put(", ");
    put(name), put(": ");
    for (; *format; format++) {
        if (*format != '%') {
            put_char(*format);
            continue;
        }
        switch (*++format) {
        case 's': put(va_arg(arguments, const char *)); break;
        case 'S': put_wide(va_arg(arguments, const CHAR16 *)); break;
        case 'u': put_number(va_arg(arguments, UINT64), 10, 1); break;
        case 'x': put_number(va_arg(arguments, UINT64), 16, 1); break;
        case 'r': put_status(va_arg(arguments, EFI_STATUS)); break;
        case 'g': put_guid(va_arg(arguments, const EFI_GUID *)); break;
        case 'c': put_char(va_arg(arguments, int)); break;
        case 'b': put(va_arg(arguments, int) ? "yes" : "no"); break;
        case 'd': {
            INT64 value = va_arg(arguments, INT64);
            if (value < 0)
                put_char('-');
            put_number(value < 0 ? -(UINT64)value : (UINT64)value, 10, 1);
        }
        }
    }
    put_char('\n');
    va_end(arguments);
}

void status(const char *name, EFI_STATUS value) { tell(name, "%r", value); }
void check(const char *name, int holds) { tell(name, "%b", holds != 0); }
void about(const char *what) { subject = what; }

void need(EFI_STATUS value, const char *call, int line)
{
    if (EFI_ERROR(value)) {
        tell("the guest cannot go on", "line %d, %s: %r", (INT64)line, call, value);
        finish();
    }
}

int equal(const void *left, const void *right, UINTN bytes)
{
    const UINT8 *a = left, *b = right;
    while (bytes && *a == *b)
        bytes--, a++, b++;
    return !bytes;
}

UINTN length(const CHAR16 *text)
{
    UINTN count = 0;
    while (text[count])
        count++;
    return count;
}

int equal_text(const CHAR16 *left, const CHAR16 *right)
{
    return length(left) == length(right) && equal(left, right, length(left) * sizeof *left);
}

void *memset(void *buffer, int value, UINTN bytes)
{
    void *at = buffer;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(value) : "memory");
    return buffer;
}

void *memcpy(void *target, const void *source, UINTN bytes)
{
    void *at = target;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(source), "+c"(bytes) :: "memory");
    return target;
}

void finish(void)
{
    about("");
    tell("lines", "%u", Written);
    out(DEBUG_EXIT, 0);
    RT->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* The entry point: what the firmware left in RSP and RFLAGS is kept before the compiler's code runs. */
UINT64 EntryStack, EntryFlags;
__asm__(".globl efi_main\n"
        "efi_main: mov %rsp, EntryStack(%rip)\n"
        "          pushfq\n"
        "          pop EntryFlags(%rip)\n"
        "          jmp efi_start\n");

EFI_STATUS EFIAPI efi_start(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
    Image = image, ST = table, BS = table->BootServices, RT = table->RuntimeServices;
    guest();
    finish();
}
