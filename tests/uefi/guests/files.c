/* 13.4, 13.5: a FAT volume, its files and directories. build.py says which are on it. */
#include "guest.h"
#include "protocols.h"

static EFI_FILE_PROTOCOL *Root;
static UINT8 Buffer[64 * 1024] __attribute__((aligned(8)));
#define INFO ((EFI_FILE_INFO *)Buffer)
enum { READ = 1, WRITE = 2, READ_WRITE = 3 };
#define CREATE (EFI_FILE_MODE_CREATE | READ_WRITE)
#define END_OF_FILE 0xFFFFFFFFFFFFFFFF

static EFI_FILE_PROTOCOL *open(EFI_FILE_PROTOCOL *from, const CHAR16 *name, UINT64 mode, UINT64 attributes)
{
    EFI_FILE_PROTOCOL *file = NULL;
    NEED(from->Open(from, &file, name, mode, attributes));
    return file;
}

static EFI_STATUS get_info(EFI_FILE_PROTOCOL *file)
{
    UINTN size = sizeof Buffer;
    memset(Buffer, 0, 1024);
    return file->GetInfo(file, &EFI_FILE_INFO_ID, &size, Buffer);
}

/* What opening a name gives: status, and the name and size that the file then says to have. */
static void opens(const char *line, EFI_FILE_PROTOCOL *from, const CHAR16 *name, UINT64 mode, UINT64 attributes)
{
    EFI_FILE_PROTOCOL *file = (VOID *)1;
    EFI_STATUS ended = from->Open(from, &file, name, mode, attributes);
    if (EFI_ERROR(ended)) {
        tell(line, "%r", ended);
        return;
    }
    EFI_STATUS info = get_info(file);
    if (EFI_ERROR(info))
        tell(line, "%r, GetInfo %r", ended, info);
    else
        tell(line, "%r, \"%S\", %u bytes, attributes %x", ended, INFO->FileName,
             INFO->Attribute & EFI_FILE_DIRECTORY ? 0 : INFO->FileSize, INFO->Attribute & ~(UINT64)EFI_FILE_ARCHIVE);
    file->Close(file);
}

static void names(void)
{
    EFI_FILE_PROTOCOL *dir = open(Root, u"dir", READ, 0), *sub = open(dir, u"sub", READ, 0),
                      *file = open(dir, u"one.txt", READ, 0);
    about("Open");
    opens("HELLO.TXT", Root, u"HELLO.TXT", READ, 0);
    opens("hello.txt", Root, u"hello.txt", READ, 0);
    opens("\\HELLO.TXT", Root, u"\\HELLO.TXT", READ, 0);
    opens("\\\\HELLO.TXT", Root, u"\\\\HELLO.TXT", READ, 0);
    opens("HELLO.TXT\\", Root, u"HELLO.TXT\\", READ, 0);
    opens("HELLO.TXT with blanks in front", Root, u"  HELLO.TXT", READ, 0);
    opens("HELLO.TXT with blanks behind", Root, u"HELLO.TXT  ", READ, 0);
    opens("HELLO.TXT with dots behind", Root, u"HELLO.TXT...", READ, 0);
    opens("HELLO", Root, u"HELLO", READ, 0);
    opens("a long name", Root, u"A Long File Name.text", READ, 0);
    opens("a long name in other letters", Root, u"a lOnG fILE nAME.TEXT", READ, 0);
    opens("its short name", Root, u"ALONGF~1.TEX", READ, 0);
    opens("dir\\one.txt", Root, u"dir\\one.txt", READ, 0);
    opens("dir/one.txt", Root, u"dir/one.txt", READ, 0);
    opens("DIR\\ONE.TXT", Root, u"DIR\\ONE.TXT", READ, 0);
    opens("dir\\\\one.txt", Root, u"dir\\\\one.txt", READ, 0);
    opens("dir", Root, u"dir", READ, 0);
    opens("dir\\", Root, u"dir\\", READ, 0);
    opens("dir\\sub\\deep.txt", Root, u"dir\\sub\\deep.txt", READ, 0);
    opens("dir\\.\\sub\\..\\one.txt", Root, u"dir\\.\\sub\\..\\one.txt", READ, 0);
    opens("dir\\nothing\\..\\one.txt", Root, u"dir\\nothing\\..\\one.txt", READ, 0);
    opens("a name that is not there", Root, u"NOTHING.TXT", READ, 0);
    opens("a directory that is not there", Root, u"nothing\\one.txt", READ, 0);
    opens("a file as a directory", Root, u"HELLO.TXT\\one.txt", READ, 0);
    opens("an empty name", Root, u"", READ, 0);
    opens(".", Root, u".", READ, 0);
    opens("..", Root, u"..", READ, 0);
    opens("..\\..\\HELLO.TXT", Root, u"..\\..\\HELLO.TXT", READ, 0);
    opens("\\", Root, u"\\", READ, 0);
    opens("a wildcard", Root, u"HELLO.*", READ, 0);
    opens("a colon", Root, u"HELLO:TXT", READ, 0);
    opens("from dir, one.txt", dir, u"one.txt", READ, 0);
    opens("from dir, sub\\deep.txt", dir, u"sub\\deep.txt", READ, 0);
    opens("from dir, \\HELLO.TXT", dir, u"\\HELLO.TXT", READ, 0);
    opens("from dir, HELLO.TXT", dir, u"HELLO.TXT", READ, 0);
    opens("from dir, ..", dir, u"..", READ, 0);
    opens("from dir, ..\\HELLO.TXT", dir, u"..\\HELLO.TXT", READ, 0);
    opens("from dir, .", dir, u".", READ, 0);
    opens("from dir, an empty name", dir, u"", READ, 0);
    opens("from sub, ..\\..\\HELLO.TXT", sub, u"..\\..\\HELLO.TXT", READ, 0);
    opens("from a file, two.txt", file, u"two.txt", READ, 0);
    opens("from a file, ..", file, u"..", READ, 0);
    opens("from a file, .", file, u".", READ, 0);
    opens("from a file, an empty name", file, u"", READ, 0);
    opens("from a file, \\HELLO.TXT", file, u"\\HELLO.TXT", READ, 0);
    static CHAR16 endless[400];
    for (UINTN i = 0; i < COUNT(endless) - 1; i++)
        endless[i] = u'a';
    opens("a name of 399 letters", Root, endless, READ, 0);
    file->Close(file), sub->Close(sub), dir->Close(dir);
}

static void set_name(const char *line, EFI_FILE_PROTOCOL *file, const CHAR16 *name)
{
    NEED(get_info(file));
    memcpy(INFO->FileName, name, (length(name) + 1) * 2);
    INFO->Size = 80 + (length(name) + 1) * 2;
    status(line, file->SetInfo(file, &EFI_FILE_INFO_ID, INFO->Size, INFO));
}

static void set_size(const char *line, EFI_FILE_PROTOCOL *file, UINT64 size)
{
    NEED(get_info(file));
    INFO->FileSize = size;
    status(line, file->SetInfo(file, &EFI_FILE_INFO_ID, INFO->Size, INFO));
}

static void set_attribute(const char *line, EFI_FILE_PROTOCOL *file, UINT64 attribute)
{
    NEED(get_info(file));
    INFO->Attribute = attribute;
    status(line, file->SetInfo(file, &EFI_FILE_INFO_ID, INFO->Size, INFO));
}

static void modes(void)
{
    static const struct { const char *name; UINT64 mode, attributes; } CASES[] = {
        {"mode 0", 0, 0}, {"mode READ", READ, 0}, {"mode WRITE", WRITE, 0}, {"mode READ and WRITE", READ_WRITE, 0},
        {"mode CREATE", EFI_FILE_MODE_CREATE, 0}, {"mode CREATE and READ", EFI_FILE_MODE_CREATE | READ, 0},
        {"mode CREATE and WRITE", EFI_FILE_MODE_CREATE | WRITE, 0}, {"mode CREATE, READ and WRITE", CREATE, 0},
        {"mode 4", 4, 0},
        {"mode READ and 4", READ | 4, 0}, {"mode READ, attributes FFFF", READ, 0xFFFF},
        {"mode CREATE, attributes 40", CREATE, 0x40}, {"mode CREATE, attributes 8", CREATE, 8},
        {"mode CREATE, attribute DIRECTORY, of a file", CREATE, EFI_FILE_DIRECTORY},
    };
    about("Open");
    for (UINTN i = 0; i < COUNT(CASES); i++)
        opens(CASES[i].name, Root, u"HELLO.TXT", CASES[i].mode, CASES[i].attributes);
    EFI_FILE_PROTOCOL *file;
    opens("READ of what is not there", Root, u"new", READ, 0);
    opens("READ and WRITE of what is not there", Root, u"new", READ_WRITE, 0);
    opens("CREATE", Root, u"new", CREATE, 0);
    opens("CREATE again", Root, u"NEW", CREATE, 0);
    opens("CREATE of a directory that is a file", Root, u"new", CREATE, EFI_FILE_DIRECTORY);
    opens("CREATE of a directory", Root, u"New Directory", CREATE, EFI_FILE_DIRECTORY);
    opens("CREATE of a directory again", Root, u"New Directory", CREATE, EFI_FILE_DIRECTORY);
    opens("CREATE of a file that is a directory", Root, u"New Directory", CREATE, 0);
    opens("CREATE in it", Root, u"New Directory\\a file", CREATE, 0);
    opens("CREATE in a directory that is not there", Root, u"nowhere\\a file", CREATE, 0);
    opens("CREATE in a file", Root, u"new\\a file", CREATE, 0);
    opens("CREATE of a name with *", Root, u"a*b", CREATE, 0);
    opens("CREATE of a name with :", Root, u"a:b", CREATE, 0);
    opens("CREATE of a name with a blank and a dot behind", Root, u"blank .", CREATE, 0);
    opens("CREATE of \\", Root, u"\\", CREATE, 0);
    opens("CREATE of an empty name", Root, u"", CREATE, 0);
    opens("CREATE of ..", Root, u"..", CREATE, 0);
    opens("CREATE of a hidden one", Root, u"hidden", CREATE, EFI_FILE_HIDDEN | EFI_FILE_SYSTEM);
    opens("CREATE of a new read-only one", Root, u"readonly", CREATE, EFI_FILE_READ_ONLY);
    file = open(Root, u"readonly", CREATE, 0);
    set_attribute("attribute READ_ONLY", file, EFI_FILE_READ_ONLY);
    file->Close(file);
    opens("READ of a read-only one", Root, u"readonly", READ, 0);
    opens("READ and WRITE of a read-only one", Root, u"readonly", READ_WRITE, 0);
    opens("CREATE of a read-only one", Root, u"readonly", CREATE, 0);
    opens("READ and WRITE of a directory", Root, u"dir", READ_WRITE, 0);
}

static void reading(void)
{
    UINT64 position;
    UINTN size;
    EFI_FILE_PROTOCOL *file = open(Root, u"HELLO.TXT", READ, 0);
    about("Read");
    tell("Revision of a file", "%x", file->Revision);
    size = 5;
    EFI_STATUS ended = file->Read(file, &size, Buffer);
    tell("5 bytes", "%r, %u, %c%c", ended, size, Buffer[0], Buffer[4]);
    file->GetPosition(file, &position);
    tell("position", "%u", position);
    size = 0;
    ended = file->Read(file, &size, Buffer);
    tell("0 bytes", "%r, %u", ended, size);
    size = 100;
    ended = file->Read(file, &size, Buffer);
    tell("100 bytes, 9 are left", "%r, %u", ended, size);
    size = 100;
    ended = file->Read(file, &size, Buffer);
    tell("at the end", "%r, %u", ended, size);
    status("SetPosition to 7", file->SetPosition(file, 7));
    size = 1;
    ended = file->Read(file, &size, Buffer);
    tell("at 7", "%r, %u, %c", ended, size, Buffer[0]);
    status("SetPosition to the end", file->SetPosition(file, END_OF_FILE));
    file->GetPosition(file, &position);
    tell("position of the end", "%u", position);
    status("SetPosition to 1000", file->SetPosition(file, 1000));
    status("GetPosition then", file->GetPosition(file, &position));
    tell("position then", "%u", position);
    size = 1;
    ended = file->Read(file, &size, Buffer);
    tell("beyond the end", "%r, %u", ended, size);
    status("SetPosition to 2^63", file->SetPosition(file, (UINT64)1 << 63));
    file->SetPosition(file, 0);
    size = 4;
    status("Write to what was opened with READ", file->Write(file, &size, "abcd"));
    status("Flush of what was opened with READ", file->Flush(file));
    status("Close", file->Close(file));
    file = open(Root, u"EMPTY", READ, 0);
    size = 10;
    ended = file->Read(file, &size, Buffer);
    tell("an empty file", "%r, %u", ended, size);
    file->SetPosition(file, END_OF_FILE);
    file->GetPosition(file, &position);
    tell("position of its end", "%u", position);
    file->Close(file);
    file = open(Root, u"pages.bin", READ, 0);
    file->SetPosition(file, 4090);
    size = 8200;
    ended = file->Read(file, &size, Buffer);
    int right = 1;
    for (UINTN i = 0; i < size; i++)
        right &= Buffer[i] == (4090 + i) / 4096;
    tell("across clusters", "%r, %u, %b", ended, size, right);
    file->SetPosition(file, 0);
    size = sizeof Buffer;
    ended = file->Read(file, &size, Buffer);
    tell("all of it", "%r, %u, last %u", ended, size, (UINT64)Buffer[size - 1]);
    file->Close(file);
}

static void directories(void)
{
    EFI_FILE_PROTOCOL *dir = open(Root, u"dir", READ, 0);
    UINTN size;
    EFI_STATUS ended;
    static const char *const NAMES[] = {"entry 1", "entry 2", "entry 3", "entry 4", "entry 5", "entry 6", "entry 7",
                                        "entry 8"};
    about("Read of a directory");
    size = 0;
    ended = dir->Read(dir, &size, NULL);
    tell("0 bytes", "%r, %u", ended, size);
    size = 84;
    ended = dir->Read(dir, &size, Buffer);
    tell("84 bytes", "%r, %u", ended, size);
    UINTN wanted = size;
    size = wanted - 1;
    ended = dir->Read(dir, &size, Buffer);
    tell("a byte too little", "%r, %u", ended, size);
    size = wanted;
    ended = dir->Read(dir, &size, Buffer);
    tell("just enough", "%r, %u, Size %u, \"%S\"", ended, size, INFO->Size, INFO->FileName);
    dir->SetPosition(dir, 0);
    for (UINTN i = 0; i < COUNT(NAMES); i++) {
        size = sizeof Buffer;
        ended = dir->Read(dir, &size, Buffer);
        if (EFI_ERROR(ended) || !size) {
            tell(NAMES[i], "%r, %u", ended, size);
            break;
        }
        tell(NAMES[i], "%r, %u, \"%S\", %u bytes, %u on the disk, attributes %x", ended, size, INFO->FileName,
             INFO->FileSize,
             INFO->PhysicalSize, INFO->Attribute);
    }
    size = sizeof Buffer;
    ended = dir->Read(dir, &size, Buffer);
    tell("behind the end, again", "%r, %u", ended, size);
    UINT64 position;
    status("GetPosition", dir->GetPosition(dir, &position));
    status("SetPosition to 1", dir->SetPosition(dir, 1));
    status("SetPosition to the end", dir->SetPosition(dir, END_OF_FILE));
    status("SetPosition to 0", dir->SetPosition(dir, 0));
    size = sizeof Buffer;
    ended = dir->Read(dir, &size, Buffer);
    tell("after SetPosition to 0", "%r, \"%S\"", ended, INFO->FileName);
    size = 4;
    status("Write", dir->Write(dir, &size, "abcd"));
    dir->Close(dir);
    dir = open(Root, u"dir", READ_WRITE, 0);
    size = 4;
    status("Write, opened to be written", dir->Write(dir, &size, "abcd"));
    status("Flush", dir->Flush(dir));
    dir->Close(dir);
    Root->SetPosition(Root, 0);
    int dots = 0, self = 0;
    for (size = sizeof Buffer; !EFI_ERROR(Root->Read(Root, &size, Buffer)) && size; size = sizeof Buffer) {
        dots |= INFO->FileName[0] == u'.';
        self |= equal_text(INFO->FileName, u"GUESTS");
    }
    check("the root has . and ..", dots);
    check("the root has the volume's label", self);
    Root->SetPosition(Root, 0);
}

static void writing(void)
{
    EFI_FILE_PROTOCOL *file = open(Root, u"written.bin", CREATE, 0), *other;
    UINT64 position;
    UINTN size = 5;
    about("Write");
    EFI_STATUS ended = file->Write(file, &size, "12345");
    tell("5 bytes", "%r, %u", ended, size);
    size = 0;
    ended = file->Write(file, &size, Buffer);
    tell("0 bytes", "%r, %u", ended, size);
    file->SetPosition(file, 2);
    size = 1;
    NEED(file->Write(file, &size, "X"));
    file->SetPosition(file, 0);
    size = 100;
    ended = file->Read(file, &size, Buffer);
    tell("a byte over another", "%r, %u, %c%c%c%c%c", ended, size, Buffer[0], Buffer[1], Buffer[2], Buffer[3], Buffer[4]);
    status("SetPosition beyond the end", file->SetPosition(file, 5000));
    size = 3;
    ended = file->Write(file, &size, "end");
    tell("beyond the end", "%r, %u", ended, size);
    file->GetPosition(file, &position);
    tell("position then", "%u", position);
    get_info(file);
    tell("size then", "%u, %u on the disk", INFO->FileSize, INFO->PhysicalSize);
    file->SetPosition(file, 5);
    size = 4995;
    memset(Buffer, 1, 5000);
    ended = file->Read(file, &size, Buffer);
    int zero = 1;
    for (UINTN i = 0; i < size; i++)
        zero &= Buffer[i] == 0;
    tell("the hole", "%r, %u, zeros %b", ended, size, zero);
    status("Flush", file->Flush(file));
    other = open(Root, u"WRITTEN.BIN", READ, 0);
    size = sizeof Buffer;
    ended = other->Read(other, &size, Buffer);
    tell("seen by another that opens it meanwhile", "%r, %u", ended, size);
    other->Close(other);
    file->Close(file);
    opens("after Close", Root, u"written.bin", READ, 0);
    file = open(Root, u"written.bin", CREATE, 0);
    file->SetPosition(file, END_OF_FILE);
    size = 4;
    ended = file->Write(file, &size, "more");
    tell("at the end", "%r, %u", ended, size);
    file->Close(file);
    opens("after that", Root, u"written.bin", READ, 0);
    file = open(Root, u"big", CREATE, 0);
    memset(Buffer, 0x5A, sizeof Buffer);
    UINTN total = 0;
    for (int i = 0; i < 8; i++) {
        size = sizeof Buffer;
        NEED(file->Write(file, &size, Buffer));
        total += size;
    }
    tell("eight times 64 KB", "%u", total);
    file->Close(file);
    opens("eight times 64 KB, then", Root, u"big", READ, 0);

    about("Delete");
    file = open(Root, u"big", READ, 0);
    status("of what was opened with READ", file->Delete(file));
    opens("then", Root, u"big", READ, 0);
    file = open(Root, u"big", READ_WRITE, 0);
    status("of a file", file->Delete(file));
    opens("the file then", Root, u"big", READ, 0);
    file = open(Root, u"dir", READ_WRITE, 0);
    status("of a directory that has files", file->Delete(file));
    opens("the directory then", Root, u"dir", READ, 0);
    opens("make a directory", Root, u"empty directory", CREATE, EFI_FILE_DIRECTORY);
    file = open(Root, u"empty directory", READ_WRITE, 0);
    status("of a directory that is empty", file->Delete(file));
    opens("the empty directory then", Root, u"empty directory", READ, 0);
    file = open(Root, u"\\", READ, 0);
    status("of the root", file->Delete(file));
    file = open(Root, u"twice", CREATE, 0), other = open(Root, u"twice", READ, 0);
    status("of what another has open", file->Delete(file));
    size = 4;
    ended = other->Read(other, &size, Buffer);
    tell("what the other reads", "%r, %u", ended, size);
    other->Close(other);
}

static void information(void)
{
    EFI_FILE_PROTOCOL *file = open(Root, u"HELLO.TXT", READ, 0);
    static const EFI_GUID STRANGE = {0x99999999, 9, 9, {9}};
    UINTN size = 0;
    about("GetInfo");
    EFI_STATUS ended = file->GetInfo(file, &EFI_FILE_INFO_ID, &size, NULL);
    tell("FILE_INFO, 0 bytes", "%r, %u", ended, size);
    size--;
    ended = file->GetInfo(file, &EFI_FILE_INFO_ID, &size, Buffer);
    tell("FILE_INFO, a byte too little", "%r, %u", ended, size);
    ended = file->GetInfo(file, &EFI_FILE_INFO_ID, &size, Buffer);
    tell("FILE_INFO", "%r, %u, Size %u", ended, size, INFO->Size);
    tell("FILE_INFO, PhysicalSize", "%u", INFO->PhysicalSize);
    check("FILE_INFO, the times are dates", INFO->CreateTime.Month >= 1 && INFO->CreateTime.Month <= 12 &&
          INFO->ModificationTime.Day >= 1 && INFO->ModificationTime.Year >= 1980);
    tell("FILE_INFO, time zone", "%d", (INT64)INFO->ModificationTime.TimeZone);
    size = sizeof Buffer;
    status("a GUID that nobody knows", file->GetInfo(file, &STRANGE, &size, Buffer));
    file->Close(file);
    opens("of the root", Root, u"\\", READ, 0);

    size = 0;
    ended = Root->GetInfo(Root, &EFI_FILE_SYSTEM_INFO_ID, &size, NULL);
    tell("FILE_SYSTEM_INFO, 0 bytes", "%r, %u", ended, size);
    size = sizeof Buffer;
    ended = Root->GetInfo(Root, &EFI_FILE_SYSTEM_INFO_ID, &size, Buffer);
    EFI_FILE_SYSTEM_INFO *volume = (VOID *)Buffer;
    tell("FILE_SYSTEM_INFO", "%r, %u, Size %u, ReadOnly %u, BlockSize %u, \"%S\"", ended, size, volume->Size,
         (UINT64)volume->ReadOnly,
         (UINT64)volume->BlockSize, volume->VolumeLabel);
    tell("FILE_SYSTEM_INFO, VolumeSize", "%u", volume->VolumeSize);
    check("FILE_SYSTEM_INFO, FreeSpace is whole clusters, and less", volume->FreeSpace % volume->BlockSize == 0 &&
          volume->FreeSpace < volume->VolumeSize && volume->FreeSpace > volume->VolumeSize / 2);
    size = 0;
    ended = Root->GetInfo(Root, &EFI_FILE_SYSTEM_VOLUME_LABEL_ID, &size, NULL);
    tell("VOLUME_LABEL, 0 bytes", "%r, %u", ended, size);
    size = sizeof Buffer;
    ended = Root->GetInfo(Root, &EFI_FILE_SYSTEM_VOLUME_LABEL_ID, &size, Buffer);
    tell("VOLUME_LABEL", "%r, %u, \"%S\"", ended, size, (CHAR16 *)Buffer);
    file = open(Root, u"dir\\one.txt", READ, 0);
    size = sizeof Buffer;
    ended = file->GetInfo(file, &EFI_FILE_SYSTEM_VOLUME_LABEL_ID, &size, Buffer);
    tell("VOLUME_LABEL of a file", "%r, \"%S\"", ended, (CHAR16 *)Buffer);
    file->Close(file);

    about("SetInfo");
    file = open(Root, u"HELLO.TXT", READ, 0);
    set_size("of what was opened with READ", file, 3);
    set_attribute("attributes of what was opened with READ", file, EFI_FILE_HIDDEN);
    set_name("name of what was opened with READ", file, u"OTHER.TXT");
    file->Close(file);
    file = open(Root, u"changed", CREATE, 0);
    size = 6;
    NEED(file->Write(file, &size, "abcdef"));
    set_size("size 3", file, 3);
    opens("size 3, then", Root, u"changed", READ, 0);
    set_size("size 10000", file, 10000);
    file->SetPosition(file, 3);
    size = 9997;
    NEED(file->Read(file, &size, Buffer));
    int zero = 1;
    for (UINTN i = 0; i < size; i++)
        zero &= Buffer[i] == 0;
    check("size 10000, zeros are behind", zero);
    opens("size 10000, then", Root, u"changed", READ, 0);
    set_size("size 2^40", file, (UINT64)1 << 40);
    set_size("size 0", file, 0);
    opens("size 0, then", Root, u"changed", READ, 0);
    set_attribute("attribute HIDDEN", file, EFI_FILE_HIDDEN);
    opens("attribute HIDDEN, then", Root, u"changed", READ, 0);
    set_attribute("attribute DIRECTORY", file, EFI_FILE_DIRECTORY);
    set_attribute("attribute 40", file, 0x40);
    set_name("a name that is there", file, u"HELLO.TXT");
    set_name("a name with *", file, u"a*b");
    set_name("its own name", file, u"changed");
    set_name("its own name in capitals", file, u"CHANGED");
    opens("capitals, then", Root, u"changed", READ, 0);
    set_name("a long name", file, u"The Changed File, renamed.text");
    opens("the long name, then", Root, u"the changed file, renamed.text", READ, 0);
    opens("the old name, then", Root, u"changed", READ, 0);
    set_name("a name in another directory", file, u"\\dir\\moved");
    opens("there, then", Root, u"dir\\moved", READ, 0);
    opens("here, then", Root, u"The Changed File, renamed.text", READ, 0);
    set_name("a directory that is not there", file, u"\\nowhere\\moved");
    size = 2;
    file->SetPosition(file, 0);
    ended = file->Write(file, &size, "ok");
    tell("it can be written still", "%r, %u", ended, size);
    NEED(get_info(file));
    status("FILE_INFO, a size of 80", file->SetInfo(file, &EFI_FILE_INFO_ID, 80, INFO));
    status("FILE_INFO, a size of 8", file->SetInfo(file, &EFI_FILE_INFO_ID, 8, INFO));
    status("a GUID that nobody knows", file->SetInfo(file, &STRANGE, 100, INFO));
    set_attribute("attribute READ_ONLY", file, EFI_FILE_READ_ONLY);
    size = 2;
    status("Write to it then", file->Write(file, &size, "ok"));
    set_size("size of it then", file, 1);
    set_attribute("attributes 0 again", file, 0);
    status("Delete", file->Delete(file));
    file = open(Root, u"dir", READ_WRITE, 0);
    set_size("size of a directory", file, 100);
    set_name("name of a directory", file, u"directory");
    opens("the directory, then", Root, u"directory\\one.txt", READ, 0);
    set_name("a directory into itself", file, u"\\directory\\sub\\inside");
    set_name("name of a directory back", file, u"dir");
    file->Close(file);
    set_name("name of the root", Root, u"root");
    struct { CHAR16 label[16]; } label = {u"NEW LABEL"};
    file = open(Root, u"\\", READ_WRITE, 0);
    status("VOLUME_LABEL", file->SetInfo(file, &EFI_FILE_SYSTEM_VOLUME_LABEL_ID, 20, &label));
    size = sizeof Buffer;
    ended = file->GetInfo(file, &EFI_FILE_SYSTEM_VOLUME_LABEL_ID, &size, Buffer);
    tell("VOLUME_LABEL then", "%r, \"%S\"", ended, (CHAR16 *)Buffer);
    file->Close(file);
}

void guest(void)
{
    EFI_LOADED_IMAGE_PROTOCOL *me;
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *volume;
    NEED(BS->HandleProtocol(Image, &EFI_LOADED_IMAGE_PROTOCOL_GUID, (VOID **)&me));
    NEED(BS->HandleProtocol(me->DeviceHandle, &EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID, (VOID **)&volume));
    tell("Revision of the file system", "%x", volume->Revision);
    EFI_FILE_PROTOCOL *second;
    status("OpenVolume", volume->OpenVolume(volume, &Root));
    status("OpenVolume again", volume->OpenVolume(volume, &second));
    check("OpenVolume gives another root", second != Root);
    status("Close of it", second->Close(second));
    names();
    reading();
    directories();
    modes();
    writing();
    information();
    status("Close", Root->Close(Root));
}
