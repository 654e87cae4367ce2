/* 8.2: variables. */
#include "guest.h"
#include "protocols.h"

static const EFI_GUID MINE = {0x11111111, 1, 1, {1, 1, 1, 1, 1, 1, 1, 1}}, OTHER = {0x22222222, 2, 2, {2}};
enum { NV = 1, BOOT = 2, RUNTIME = 4, HARDWARE = 8, AUTHENTICATED = 0x10, TIME = 0x20, APPEND = 0x40 };
static UINT8 Buffer[70000];

static void got(const char *line, const CHAR16 *name, const EFI_GUID *vendor, UINTN room)
{
    UINT32 attributes = 0xFFFF;
    UINTN size = room;
    memset(Buffer, 0, 64);
    EFI_STATUS ended = RT->GetVariable(name, vendor, &attributes, &size, Buffer);
    if (EFI_ERROR(ended))
        tell(line, "%r, size %u, attributes %x", ended, size == room ? 0 : size, (UINT64)attributes);
    else
        tell(line, "%r, \"%s\", size %u, attributes %x", ended, (char *)Buffer, size, (UINT64)attributes);
}

static EFI_STATUS set(const CHAR16 *name, UINT32 attributes, const char *text)
{
    UINTN size = 0;
    while (text[size])
        size++;
    return RT->SetVariable(name, &MINE, attributes, size, text);
}

static void get(void)
{
    UINTN size = 0;
    UINT32 attributes = 0xFFFF;
    NEED(set(u"V", BOOT | RUNTIME, "value"));
    about("GetVariable");
    got("V", u"V", &MINE, 64);
    got("just enough room", u"V", &MINE, 5);
    got("a byte too little", u"V", &MINE, 4);
    got("size 0", u"V", &MINE, 0);
    got("of another vendor", u"V", &OTHER, 64);
    got("in a small letter", u"v", &MINE, 64);
    got("a name that is not there", u"W", &MINE, 64);
    got("an empty name", u"", &MINE, 64);
    status("no name", RT->GetVariable(NULL, &MINE, &attributes, &size, Buffer));
    status("no vendor", RT->GetVariable(u"V", NULL, &attributes, &size, Buffer));
    status("no size", RT->GetVariable(u"V", &MINE, &attributes, NULL, Buffer));
    size = 0;
    status("size 0, no buffer", RT->GetVariable(u"V", &MINE, &attributes, &size, NULL));
    tell("size 0, no buffer, size and attributes", "%u, %x", size, (UINT64)attributes);
    size = 64;
    status("no buffer, with a size", RT->GetVariable(u"V", &MINE, &attributes, &size, NULL));
    size = 64;
    status("no attributes", RT->GetVariable(u"V", &MINE, NULL, &size, Buffer));
    size = 1;
    status("no attributes, too little", RT->GetVariable(u"V", &MINE, NULL, &size, Buffer));
}

static void change(void)
{
    about("SetVariable");
    status("another value", set(u"V", BOOT | RUNTIME, "other value"));
    got("another value, then", u"V", &MINE, 64);
    status("a shorter one", set(u"V", BOOT | RUNTIME, "x"));
    got("a shorter one, then", u"V", &MINE, 64);
    status("other attributes", set(u"V", BOOT, "y"));
    status("other attributes, NV", set(u"V", NV | BOOT | RUNTIME, "y"));
    got("other attributes, then", u"V", &MINE, 64);
    status("APPEND", set(u"V", BOOT | RUNTIME | APPEND, "yz"));
    got("APPEND, then", u"V", &MINE, 64);
    status("APPEND of nothing", set(u"V", BOOT | RUNTIME | APPEND, ""));
    got("APPEND of nothing, then", u"V", &MINE, 64);
    status("APPEND to what is not there", set(u"New", BOOT | APPEND, "new"));
    got("APPEND to what is not there, then", u"New", &MINE, 64);
    status("APPEND of nothing to what is not there", set(u"Newer", BOOT | APPEND, ""));
    got("APPEND of nothing, then there is nothing", u"Newer", &MINE, 64);
    status("size 0 deletes", set(u"New", BOOT, ""));
    got("deleted", u"New", &MINE, 64);
    status("size 0, once more", set(u"New", BOOT, ""));
    status("attributes 0 delete", set(u"V", 0, "value"));
    got("deleted, too", u"V", &MINE, 64);
    status("attributes 0 of what is not there", set(u"V", 0, "value"));
    status("size 0 and no data of what is not there", RT->SetVariable(u"V", &MINE, BOOT, 0, NULL));
    NEED(set(u"V", NV | BOOT, "value"));
    status("size 0 with other attributes", set(u"V", BOOT, ""));
    got("then", u"V", &MINE, 64);
    status("RUNTIME and size 0", set(u"V", NV | BOOT | RUNTIME, ""));
    status("attributes 0 and size 0 and no data", RT->SetVariable(u"V", &MINE, 0, 0, NULL));
    got("then, in the end", u"V", &MINE, 64);

    static const struct { const char *name; UINT32 attributes; } CASES[] = {
        {"attributes NV", NV}, {"attributes RUNTIME", RUNTIME}, {"attributes NV and RUNTIME", NV | RUNTIME},
        {"attributes BOOT", BOOT}, {"attributes NV and BOOT", NV | BOOT},
        {"attributes NV, BOOT and RUNTIME", NV | BOOT | RUNTIME},
        {"attributes HARDWARE", NV | BOOT | RUNTIME | HARDWARE}, {"attributes AUTHENTICATED", NV | BOOT | AUTHENTICATED},
        {"attributes AUTHENTICATED and TIME", NV | BOOT | AUTHENTICATED | TIME},
        {"attributes TIME, no header", NV | BOOT | TIME}, {"attributes APPEND", APPEND}, {"attributes 80", BOOT | 0x80},
        {"attributes 100", BOOT | 0x100}, {"attributes 80000000", BOOT | 0x80000000}, {"attributes FFFFFFFF", 0xFFFFFFFF},
    };
    for (UINTN i = 0; i < COUNT(CASES); i++) {
        status(CASES[i].name, set(u"A", CASES[i].attributes, "abcd"));
        RT->SetVariable(u"A", &MINE, CASES[i].attributes & ~(UINT32)APPEND, 0, NULL);
    }
    static UINT8 authentication[60] = {0xE8, 7, 1, 1, [16] = 24, [18] = 0, 2, [20] = 0xF1, 0x0E};
    status("attributes TIME, a header that is no PKCS #7",
           RT->SetVariable(u"A", &MINE, NV | BOOT | TIME, 60, authentication));
    status("no name", RT->SetVariable(NULL, &MINE, BOOT, 1, "x"));
    status("an empty name", RT->SetVariable(u"", &MINE, BOOT, 1, "x"));
    status("no vendor", RT->SetVariable(u"A", NULL, BOOT, 1, "x"));
    status("no data, size 1", RT->SetVariable(u"A", &MINE, BOOT, 1, NULL));
    status("64 KB", RT->SetVariable(u"A", &MINE, NV | BOOT, 65536, Buffer));
    status("2^63 bytes", RT->SetVariable(u"A", &MINE, NV | BOOT, (UINTN)1 << 63, Buffer));
    status("2^64-1 bytes", RT->SetVariable(u"A", &MINE, NV | BOOT, -1, Buffer));
    status("20000 bytes", RT->SetVariable(u"A", &MINE, NV | BOOT, 20000, Buffer));
    got("20000 bytes, too little room", u"A", &MINE, 19999);
    RT->SetVariable(u"A", &MINE, 0, 0, NULL);
    static CHAR16 name[600];
    for (UINTN i = 0; i < COUNT(name) - 1; i++)
        name[i] = u'n';
    status("a name of 599 letters", set(name, BOOT, "x"));
    status("a name of 599 letters is deleted", set(name, BOOT, ""));
    status("a name with a blank and an umlaut", set(u"a \u00E4", BOOT, "x"));
    status("and deleted", set(u"a \u00E4", BOOT, ""));
}

/* All names, ours counted and in which order they come. */
static void walk(void)
{
    static CHAR16 name[512];
    EFI_GUID vendor;
    UINTN size, count = 0, ours = 0, longest = 0;
    char order[16] = {0};
    NEED(set(u"First", BOOT, "1")), NEED(set(u"Second", NV | BOOT, "2")), NEED(set(u"Third", BOOT | RUNTIME, "3"));
    about("GetNextVariableName");
    name[0] = 0;
    EFI_STATUS ended;
    int terminated = 1;
    for (;;) {
        size = sizeof name;
        ended = RT->GetNextVariableName(&size, name, &vendor);
        if (EFI_ERROR(ended))
            break;
        count++;
        terminated &= size == (length(name) + 1) * 2;
        longest = size > longest ? size : longest;
        if (equal(&vendor, &MINE, sizeof vendor) && ours < sizeof order - 1)
            order[ours++] = (char)name[0];
    }
    status("ends with", ended);
    check("size is that of the name with its zero", terminated);
    check("there are others", count > ours);
    tell("ours", "%u", ours);
    check("all three are there", ours == 3 && order[0] + order[1] + order[2] == 'F' + 'S' + 'T');
    tell("name behind the last", "%s", size == sizeof name ? "size as it was" : "another size");

    memcpy(name, u"First", 12), vendor = MINE;
    size = 2;
    ended = RT->GetNextVariableName(&size, name, &vendor);
    tell("size 2", "%r", ended);
    size = sizeof name;
    memcpy(name, u"Nothing", 16), vendor = MINE;
    status("after a name that is not there", RT->GetNextVariableName(&size, name, &vendor));
    size = sizeof name;
    memcpy(name, u"First", 12), vendor = OTHER;
    status("after a name of another vendor", RT->GetNextVariableName(&size, name, &vendor));
    name[0] = 0, size = 0;
    ended = RT->GetNextVariableName(&size, name, &vendor);
    tell("size 0", "%r", ended);
    name[0] = 0, size = 2;
    ended = RT->GetNextVariableName(&size, name, &vendor);
    tell("size 2, the first", "%r, size says how much %b", ended, size > 2);
    check("the name is as it was", name[0] == 0);
    status("no size", RT->GetNextVariableName(NULL, name, &vendor));
    size = sizeof name;
    status("no name", RT->GetNextVariableName(&size, NULL, &vendor));
    status("no vendor", RT->GetNextVariableName(&size, name, NULL));
    for (UINTN i = 0; i < COUNT(name); i++)
        name[i] = u'x';
    size = sizeof name;
    status("a name without an end", RT->GetNextVariableName(&size, name, &vendor));
    NEED(set(u"First", BOOT, "")), NEED(set(u"Second", BOOT | NV, "")), NEED(set(u"Third", BOOT | RUNTIME, ""));
}

static void capacity(void)
{
    static const struct { const char *name; UINT32 attributes; } CASES[] = {
        {"NV and BOOT", NV | BOOT}, {"BOOT", BOOT}, {"NV, BOOT and RUNTIME", NV | BOOT | RUNTIME},
        {"BOOT and RUNTIME", BOOT | RUNTIME},
        {"0", 0}, {"NV", NV}, {"RUNTIME", RUNTIME}, {"NV and RUNTIME", NV | RUNTIME},
        {"APPEND", NV | BOOT | APPEND},
        {"80", BOOT | 0x80},
        {"AUTHENTICATED", NV | BOOT | AUTHENTICATED}, {"TIME", NV | BOOT | TIME}, {"FFFFFFFF", 0xFFFFFFFF},
    };
    about("QueryVariableInfo");
    for (UINTN i = 0; i < COUNT(CASES); i++) {
        UINT64 most = 0, left = 0, largest = 0;
        EFI_STATUS ended = RT->QueryVariableInfo(CASES[i].attributes, &most, &left, &largest);
        if (EFI_ERROR(ended))
            status(CASES[i].name, ended);
        else
            tell(CASES[i].name, "%r, left is at most all %b, one is at most what is left %b", ended,
                 left <= most && most > 0,
                 largest <= left && largest >= 1024);
    }
    UINT64 most, before, after, largest;
    status("no maximum", RT->QueryVariableInfo(NV | BOOT, NULL, &before, &largest));
    status("no remainder", RT->QueryVariableInfo(NV | BOOT, &most, NULL, &largest));
    status("no largest", RT->QueryVariableInfo(NV | BOOT, &most, &before, NULL));
    NEED(RT->QueryVariableInfo(NV | BOOT, &most, &before, &largest));
    NEED(RT->SetVariable(u"A", &MINE, NV | BOOT, 1000, Buffer));
    NEED(RT->QueryVariableInfo(NV | BOOT, &most, &after, &largest));
    check("a variable of 1000 bytes takes 1000 to 1200", before - after >= 1000 && before - after <= 1200);
    NEED(RT->SetVariable(u"A", &MINE, NV | BOOT, 0, NULL));
}

static void known(void)
{
    static const struct { const char *line; const CHAR16 *name; } NAMES[] = {
        {"SecureBoot", u"SecureBoot"}, {"SetupMode", u"SetupMode"}, {"PK", u"PK"}, {"KEK", u"KEK"}, {"Lang", u"Lang"},
        {"PlatformLang", u"PlatformLang"}, {"PlatformLangCodes", u"PlatformLangCodes"}, {"BootCurrent", u"BootCurrent"},
        {"BootOrder", u"BootOrder"}, {"BootNext", u"BootNext"}, {"Timeout", u"Timeout"}, {"ConOut", u"ConOut"},
        {"ConIn", u"ConIn"},
        {"OsIndications", u"OsIndications"}, {"OsIndicationsSupported", u"OsIndicationsSupported"},
        {"SignatureSupport", u"SignatureSupport"}, {"AuditMode", u"AuditMode"}, {"DeployedMode", u"DeployedMode"},
        {"VendorKeys", u"VendorKeys"}, {"BootOptionSupport", u"BootOptionSupport"},
    };
    EFI_GUID global = EFI_GLOBAL_VARIABLE;
    about("the specification's variables");
    for (UINTN i = 0; i < COUNT(NAMES); i++) {
        UINT32 attributes = 0;
        UINTN size = sizeof Buffer;
        EFI_STATUS ended = RT->GetVariable(NAMES[i].name, &global, &attributes, &size, Buffer);
        if (EFI_ERROR(ended))
            status(NAMES[i].line, ended);
        else
            tell(NAMES[i].line, "%r, attributes %x", ended, (UINT64)attributes);
    }
    static const struct { const char *line; const CHAR16 *name; UINT32 attributes; UINTN size; } WRITES[] = {
        {"SecureBoot is written", u"SecureBoot", BOOT | RUNTIME, 1},
        {"SetupMode is written", u"SetupMode", BOOT | RUNTIME, 1},
        {"BootNext is written", u"BootNext", NV | BOOT | RUNTIME, 2},
        {"BootNext of 1 byte", u"BootNext", NV | BOOT | RUNTIME, 1},
        {"BootNext without NV", u"BootNext", BOOT | RUNTIME, 2},
        {"BootOrder of 3 bytes", u"BootOrder", NV | BOOT | RUNTIME, 3},
        {"OsIndications is written", u"OsIndications", NV | BOOT | RUNTIME, 8},
        {"OsIndicationsSupported is written", u"OsIndicationsSupported", BOOT | RUNTIME, 8},
        {"a name that the specification has not", u"Unheard", NV | BOOT, 1},
        {"Boot0042 is written", u"Boot0042", NV | BOOT | RUNTIME, 4},
    };
    static const UINT8 zeros[8];
    for (UINTN i = 0; i < COUNT(WRITES); i++) {
        status(WRITES[i].line, RT->SetVariable(WRITES[i].name, &global, WRITES[i].attributes, WRITES[i].size, zeros));
        if (equal_text(WRITES[i].name, u"BootNext"))
            RT->SetVariable(WRITES[i].name, &global, NV | BOOT | RUNTIME, 0, NULL);
    }
    UINTN size = 1;
    NEED(RT->GetVariable(u"SecureBoot", &global, NULL, &size, Buffer));
    tell("SecureBoot, byte", "is %u", (UINT64)Buffer[0]);
    size = 1;
    NEED(RT->GetVariable(u"SetupMode", &global, NULL, &size, Buffer));
    tell("SetupMode, byte", "is %u", (UINT64)Buffer[0]);
}

void guest(void)
{
    get();
    change();
    walk();
    capacity();
    known();
}
