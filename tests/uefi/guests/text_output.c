/* 12.4: the console's output. What it shows is asked by way of the cursor. */
#include "guest.h"
#include "protocols.h"

static EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL *Out;
static UINTN Columns, Rows;

static void cursor(const char *name)
{
    tell(name, "column %d, row %d", (INT64)Out->Mode->CursorColumn, (INT64)Out->Mode->CursorRow);
}

/* From a place on the screen, a string. */
static void write(const char *name, UINTN column, UINTN row, const CHAR16 *text)
{
    NEED(Out->SetCursorPosition(Out, column, row));
    EFI_STATUS said = Out->OutputString(Out, text);
    tell(name, "%r, column %d, row %d", said, (INT64)Out->Mode->CursorColumn, (INT64)Out->Mode->CursorRow);
}

static void beginning(void)
{
    about("at the beginning");
    check("ConOut's handle has text output", BS->HandleProtocol(ST->ConsoleOutHandle, &EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL_GUID,
                                                                 (void **)&Out) == EFI_SUCCESS);
    check("and it is ConOut", Out == ST->ConOut);
    Out = ST->ConOut;
    check("ConOut's handle has graphics output", BS->HandleProtocol(ST->ConsoleOutHandle, &EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID,
                                                                     &(void *){0}) == EFI_SUCCESS);
    check("StdErr is there", ST->StdErr != NULL && ST->StdErr->Mode != NULL);
    tell("attribute", "%x", (UINT64)Out->Mode->Attribute);
    check("cursor is visible", Out->Mode->CursorVisible);
    check("there are modes", Out->Mode->MaxMode >= 1);
    check("the present one is one of them", Out->Mode->Mode >= 0 && Out->Mode->Mode < Out->Mode->MaxMode);
}

static void modes(void)
{
    about("modes");
    UINTN columns = 1, rows = 1;
    status("query 0", Out->QueryMode(Out, 0, &columns, &rows));
    tell("0", "%u by %u", columns, rows);
    columns = rows = 77;
    EFI_STATUS one = Out->QueryMode(Out, 1, &columns, &rows);
    tell("1 is 80 by 50 or there is none", "%b", (UINT64)(one == EFI_UNSUPPORTED || (columns == 80 && rows == 50)));
    for (INT32 mode = 0; mode < Out->Mode->MaxMode; mode++)
        if (Out->QueryMode(Out, mode, &columns, &rows) == EFI_SUCCESS && (columns < 80 || rows < 25))
            tell("a mode smaller than 80 by 25", "%d", (INT64)mode);
    status("query the first that is none", Out->QueryMode(Out, Out->Mode->MaxMode, &columns, &rows));
    status("query -1", Out->QueryMode(Out, (UINTN)-1, &columns, &rows));
    status("query 2^32", Out->QueryMode(Out, (UINTN)1 << 32, &columns, &rows));

    INT32 before = Out->Mode->Mode;
    status("set the first that is none", Out->SetMode(Out, Out->Mode->MaxMode));
    status("set -1", Out->SetMode(Out, (UINTN)-1));
    check("those change nothing", Out->Mode->Mode == before);
    NEED(Out->SetAttribute(Out, EFI_YELLOW | EFI_BLUE << 4));
    NEED(Out->OutputString(Out, u"abc"));
    status("set 0", Out->SetMode(Out, 0));
    tell("mode then", "%d", (INT64)Out->Mode->Mode);
    cursor("cursor then");
    tell("attribute then", "%x", (UINT64)Out->Mode->Attribute);
    check("cursor is visible then", Out->Mode->CursorVisible);
    NEED(Out->OutputString(Out, u"abc"));
    status("set 0 again", Out->SetMode(Out, 0));
    cursor("cursor after the same mode");
    NEED(Out->QueryMode(Out, 0, &Columns, &Rows));
}

static void strings(void)
{
    about("string");
    write("of nothing", 3, 4, u"");
    write("of letters", 3, 4, u"abc");
    write("with CR", 3, 4, u"abc\rde");
    write("with LF", 3, 4, u"abc\nde");
    write("with CR LF", 3, 4, u"abc\r\n");
    write("with BS", 3, 4, u"abc\b\b");
    write("with BS to the left edge", 3, 4, u"a\b\b\b\b");
    write("with BS at the upper left corner", 0, 0, u"\b");
    write("up to the last column", 77, 4, u"ab");
    write("over the last column", 77, 4, u"abc");
    write("well over it", 77, 4, u"abcdef");
    write("over it, and CR LF", 77, 4, u"abc\r\n");
    write("of two lines", 0, 4, u"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
                                u"12345678901234567890123456789012345678901234567890123456789012345678901234567890");
    write("LF in the last row", 3, 24, u"\n");
    write("over the last column in the last row", 78, 24, u"abcd");
    write("of lines", 0, 0, u"a\r\nb\r\nc\r\n");
    write("of boxes", 0, 5, u"\u2500\u2502\u250c\u2588\u2591\u25b2\u25ba\u25bc\u25c4\u2190\u2191\u2192\u2193");
    write("of Latin-1", 0, 5, u"\u00e4\u00e9\u00f1\u00bf\u00b5");
    write("with a character that the font has not", 0, 5, u"a\u4e00b");
    write("with half a surrogate pair", 0, 5, u"a\xD800");
    write("with a tab", 0, 5, u"a\tb");
    write("with an escape", 0, 5, u"a\x1B");
    write("with a delete", 0, 5, u"a\x7F");

    about("test");
    status("nothing", Out->TestString(Out, u""));
    status("ASCII", Out->TestString(Out, u"Hello, world! 0123~{}"));
    status("controls", Out->TestString(Out, u"a\r\n\b"));
    status("a character that the font has not", Out->TestString(Out, u"a\u4e00b"));
    status("a tab", Out->TestString(Out, u"a\tb"));
    status("boxes", Out->TestString(Out, u"\u2500\u2502\u250c\u256c\u2588\u2591\u25b2\u25ba\u25bc\u25c4\u2190\u2191\u2192\u2193"));
}

static void attributes(void)
{
    about("attribute");
    static const UINTN values[] = {0, 7, 0x0F, 0x1E, 0x70, 0x7F, 0x80, 0x87, 0xFF, 0x100, 0x107, 1ull << 32, (UINTN)-1};
    for (UINTN i = 0; i < COUNT(values); i++) {
        char name[24] = "0";
        UINTN value = values[i], at = 0;
        for (int shift = 60; shift >= 0; shift -= 4)
            if (value >> shift || !shift)
                name[at++] = "0123456789ABCDEF"[value >> shift & 15];
        name[at] = 0;
        NEED(Out->SetAttribute(Out, 7));
        EFI_STATUS said = Out->SetAttribute(Out, value);
        tell(name, "%r, %x", said, (UINT64)(UINT32)Out->Mode->Attribute);
    }
    NEED(Out->SetAttribute(Out, 0x2E));
    NEED(Out->SetCursorPosition(Out, 5, 5));
    status("clearing", Out->ClearScreen(Out));
    tell("stays when cleared", "%x", (UINT64)Out->Mode->Attribute);
    cursor("cursor is at the beginning when cleared");
    NEED(Out->SetAttribute(Out, 0x2E));
    NEED(Out->SetCursorPosition(Out, 5, 5));
    Out->EnableCursor(Out, FALSE);
    status("reset", Out->Reset(Out, FALSE));
    tell("after a reset", "%x", (UINT64)Out->Mode->Attribute);
    cursor("cursor after a reset");
    check("cursor is visible after a reset", Out->Mode->CursorVisible);
    tell("mode after a reset", "%d", (INT64)Out->Mode->Mode);
    status("extended reset", Out->Reset(Out, TRUE));
    for (INT32 mode = Out->Mode->MaxMode - 1; mode > 0; mode--)
        if (Out->SetMode(Out, mode) == EFI_SUCCESS)
            break;
    check("another mode", Out->Mode->Mode > 0);
    status("reset in another mode", Out->Reset(Out, FALSE));
    tell("mode after that", "%d", (INT64)Out->Mode->Mode);
}

static void positions(void)
{
    about("position");
    NEED(Out->SetMode(Out, 0));
    status("79, 24", Out->SetCursorPosition(Out, 79, 24));
    cursor("79, 24 is");
    status("80, 24", Out->SetCursorPosition(Out, 80, 24));
    status("79, 25", Out->SetCursorPosition(Out, 79, 25));
    status("-1, 0", Out->SetCursorPosition(Out, (UINTN)-1, 0));
    status("0, -1", Out->SetCursorPosition(Out, 0, (UINTN)-1));
    status("2^32, 0", Out->SetCursorPosition(Out, (UINTN)1 << 32, 0));
    cursor("what is none changes nothing");
    status("0, 0", Out->SetCursorPosition(Out, 0, 0));
    cursor("0, 0 is");

    about("cursor");
    status("off", Out->EnableCursor(Out, FALSE));
    check("is off", !Out->Mode->CursorVisible);
    status("off again", Out->EnableCursor(Out, FALSE));
    NEED(Out->OutputString(Out, u"abc"));
    check("stays off", !Out->Mode->CursorVisible);
    status("on", Out->EnableCursor(Out, TRUE));
    check("is on", Out->Mode->CursorVisible);
    status("2", Out->EnableCursor(Out, 2));
    check("is on by 2", Out->Mode->CursorVisible);
}

static void errors(void)
{
    about("StdErr");
    EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL *error = ST->StdErr;
    status("string", error->OutputString(error, u"x\r\n"));
    status("attribute", error->SetAttribute(error, 0x0C));
    status("clear", error->ClearScreen(error));
    NEED(error->SetAttribute(error, 7));
}

void guest(void)
{
    beginning();
    modes();
    strings();
    attributes();
    positions();
    errors();
    about("");
}
