/* 13.16: how names are compared, changed to small and capital letters, matched, and made short. */
#include "guest.h"
#include "protocols.h"

static EFI_UNICODE_COLLATION_PROTOCOL *Collation;

static const char *order(INTN value) { return value < 0 ? "before" : value > 0 ? "behind" : "the same"; }

static void compare(void)
{
    static const CHAR16 *const PAIRS[][2] = {
        {u"a", u"a"}, {u"a", u"A"}, {u"a", u"b"}, {u"B", u"a"}, {u"", u""}, {u"", u"a"}, {u"abc", u"ABD"}, {u"abc", u"ab"},
        {u"_", u"a"}, {u"_", u"A"}, {u"1", u"a"}, {u"\u00E4", u"\u00C4"}, {u"\u00DF", u"ss"}, {u"\u00FF", u"\u0178"},
        {u"\u0105", u"\u0104"}, {u"\u03B1", u"\u0391"}, {u"~", u"z"}, {u"[", u"A"}, {u"\u00F7", u"\u00D7"},
    };
    about("StriColl");
    for (UINTN i = 0; i < COUNT(PAIRS); i++) {
        static char name[4] = "00";
        name[0] = (char)('0' + i / 10), name[1] = (char)('0' + i % 10);
        tell(name, "%S is %s %S", PAIRS[i][0], order(Collation->StriColl(Collation, PAIRS[i][0], PAIRS[i][1])), PAIRS[i][1]);
    }
}

static void match(void)
{
    static const CHAR16 *const CASES[][2] = {
        {u"hello.txt", u"hello.txt"}, {u"hello.txt", u"HELLO.TXT"}, {u"hello.txt", u"*"},
        {u"hello.txt", u"*.txt"},
        {u"hello.txt", u"*.TXT"},
        {u"hello.txt", u"h*o.t?t"}, {u"hello.txt", u"?ello.txt"}, {u"hello.txt", u"?hello.txt"},
        {u"hello.txt", u"hello.txt?"},
        {u"hello.txt", u"hello.txt*"}, {u"hello.txt", u"**l**"}, {u"hello.txt", u"*.*"}, {u"hello", u"*.*"},
        {u"hello", u"hell[a-z]"},
        {u"hello", u"hell[A-Z]"}, {u"hello", u"hell[abc]"}, {u"hello", u"hell[o]"}, {u"hello", u"hell[0-9]"},
        {u"hello", u"hell["},
        {u"hello", u""}, {u"", u""}, {u"", u"*"}, {u"", u"?"}, {u"a*b", u"a*b"}, {u"a]b", u"a]b"},
        {u"hello", u"h[a-ek-z]llo"},
        {u"mississippi", u"m*iss*p?i"}, {u"mississippi", u"*issip*ss*"}, {u"\u00E4", u"\u00C4"}, {u"a-b", u"a[-]b"},
    };
    about("MetaiMatch");
    for (UINTN i = 0; i < COUNT(CASES); i++) {
        static char name[4] = "00";
        name[0] = (char)('0' + i / 10), name[1] = (char)('0' + i % 10);
        tell(name, "\"%S\" and \"%S\" %b", CASES[i][0], CASES[i][1],
             Collation->MetaiMatch(Collation, CASES[i][0], CASES[i][1]));
    }
}

static void letters(void)
{
    static CHAR16 text[] = u"Hello, 123 \u00C4\u00DF\u00FF\u0104\u03B1 [Z]{z}", other[sizeof text / 2];
    memcpy(other, text, sizeof text);
    Collation->StrLwr(Collation, text);
    about("");
    tell("StrLwr", "%S", text);
    Collation->StrUpr(Collation, other);
    tell("StrUpr", "%S", other);
}

static void fat(void)
{
    static const CHAR16 *const NAMES[] = {
        u"hello", u"HELLO", u"a b", u"a.b", u"a+b", u"a[b]", u"a*b", u"a\u00E4b", u"toolongname", u"", u"...",
        u"a_b-c", u"a\x7F", u"\u4E2D", u"a b.c d", u"a,b;c=d",
    };
    about("StrToFat");
    for (UINTN i = 0; i < COUNT(NAMES); i++) {
        static char name[4] = "00";
        char made[12];
        memset(made, '#', sizeof made);
        made[11] = 0;
        name[0] = (char)('0' + i / 10), name[1] = (char)('0' + i % 10);
        BOOLEAN long_name = Collation->StrToFat(Collation, NAMES[i], 8, made);
        for (int j = 0; j < 11; j++)
            if (made[j] < ' ')
                made[j] = '@';
        tell(name, "\"%S\" is \"%s\", needs a long name %b", NAMES[i], made, (int)long_name);
    }
    static const char *const SHORT[] = {"HELLO   ", "A B     ", "        ", "A\0BCDEFG", "ABCDEFGHIJ"};
    about("FatToStr");
    for (UINTN i = 0; i < COUNT(SHORT); i++) {
        static char name[4] = "0";
        CHAR16 text[12];
        name[0] = (char)('0' + i);
        Collation->FatToStr(Collation, 8, SHORT[i], text);
        tell(name, "\"%S\"", text);
    }
}

void guest(void)
{
    NEED(BS->LocateProtocol(&EFI_UNICODE_COLLATION_PROTOCOL2_GUID, NULL, (VOID **)&Collation));
    tell("SupportedLanguages", "%s", Collation->SupportedLanguages);
    compare();
    match();
    letters();
    fat();
}
