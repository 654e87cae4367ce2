/* 10.5, 10.6: device paths are put together, taken apart, written as text and read from it. */
#include "guest.h"
#include "protocols.h"

static EFI_DEVICE_PATH_UTILITIES_PROTOCOL *Utilities;
static EFI_DEVICE_PATH_TO_TEXT_PROTOCOL *ToText;
static EFI_DEVICE_PATH_FROM_TEXT_PROTOCOL *FromText;

#define ENTIRE {END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}}
#define INSTANCE {END_DEVICE_PATH_TYPE, END_INSTANCE_DEVICE_PATH_SUBTYPE, {4, 0}}
#define ROOT {{ACPI_DEVICE_PATH, ACPI_DP, {12, 0}}, EISA_PNP_ID(0x0A03), 0}
#define PCI(device, function) {{HARDWARE_DEVICE_PATH, HW_PCI_DP, {6, 0}}, function, device}

static struct PACKED { ACPI_HID_DEVICE_PATH root; PCI_DEVICE_PATH pci; EFI_DEVICE_PATH_PROTOCOL end; }
    Path = {ROOT, PCI(0x1F, 2), ENTIRE};
static struct PACKED { ACPI_HID_DEVICE_PATH root; EFI_DEVICE_PATH_PROTOCOL end; } Other = {ROOT, ENTIRE};
static struct PACKED { EFI_DEVICE_PATH_PROTOCOL end; } Nothing = {ENTIRE};
static struct PACKED {
    ACPI_HID_DEVICE_PATH root; PCI_DEVICE_PATH pci; EFI_DEVICE_PATH_PROTOCOL middle;
    ACPI_HID_DEVICE_PATH other; EFI_DEVICE_PATH_PROTOCOL end;
} Two = {ROOT, PCI(1, 0), INSTANCE, ROOT, ENTIRE};

/* A new path as text, and freed. */
static void named(const char *subject, const char *line, VOID *path)
{
    about(subject);
    if (!path)
        tell(line, "NULL");
    else {
        CHAR16 *text = ToText->ConvertDevicePathToText(path, FALSE, FALSE);
        UINTN size = Utilities->GetDevicePathSize(path);
        if (text)
            tell(line, "%u bytes, %S, FreePool %r", size, text, BS->FreePool(path));
        else
            tell(line, "%u bytes, no text, FreePool %r", size, BS->FreePool(path));
        if (text)
            BS->FreePool(text);
    }
}

static void utilities(void)
{
    EFI_DEVICE_PATH_PROTOCOL *path = &Path.root.Header, *other = &Other.root.Header, *nothing = &Nothing.end,
                             *two = &Two.root.Header, *at;
    UINTN size;
    about("GetDevicePathSize");
    tell("two nodes", "%u", Utilities->GetDevicePathSize(path));
    tell("only the end", "%u", Utilities->GetDevicePathSize(nothing));
    tell("two instances", "%u", Utilities->GetDevicePathSize(two));
    tell("NULL", "%u", Utilities->GetDevicePathSize(NULL));
    named("DuplicateDevicePath", "two nodes", Utilities->DuplicateDevicePath(path));
    named("DuplicateDevicePath", "two instances", Utilities->DuplicateDevicePath(two));
    named("DuplicateDevicePath", "only the end", Utilities->DuplicateDevicePath(nothing));
    named("DuplicateDevicePath", "NULL", Utilities->DuplicateDevicePath(NULL));
    named("AppendDevicePath", "both", Utilities->AppendDevicePath(other, &Path.pci.Header));
    named("AppendDevicePath", "the first NULL", Utilities->AppendDevicePath(NULL, path));
    named("AppendDevicePath", "the second NULL", Utilities->AppendDevicePath(path, NULL));
    named("AppendDevicePath", "both NULL", Utilities->AppendDevicePath(NULL, NULL));
    named("AppendDevicePath", "nothing behind", Utilities->AppendDevicePath(path, nothing));
    named("AppendDeviceNode", "both", Utilities->AppendDeviceNode(other, &Path.pci.Header));
    named("AppendDeviceNode", "no path", Utilities->AppendDeviceNode(NULL, &Path.pci.Header));
    named("AppendDeviceNode", "no node", Utilities->AppendDeviceNode(path, NULL));
    named("AppendDeviceNode", "both NULL", Utilities->AppendDeviceNode(NULL, NULL));
    named("AppendDevicePathInstance", "both", Utilities->AppendDevicePathInstance(path, other));
    named("AppendDevicePathInstance", "no path", Utilities->AppendDevicePathInstance(NULL, other));
    named("AppendDevicePathInstance", "no instance", Utilities->AppendDevicePathInstance(path, NULL));
    named("AppendDevicePathInstance", "to two", Utilities->AppendDevicePathInstance(two, path));
    about("IsDevicePathMultiInstance");
    tell("two instances", "%u", (UINT64)Utilities->IsDevicePathMultiInstance(two));
    tell("one", "%u", (UINT64)Utilities->IsDevicePathMultiInstance(path));
    tell("only the end", "%u", (UINT64)Utilities->IsDevicePathMultiInstance(nothing));
    tell("NULL", "%u", (UINT64)Utilities->IsDevicePathMultiInstance(NULL));
    at = two;
    EFI_DEVICE_PATH_PROTOCOL *first = Utilities->GetNextDevicePathInstance(&at, &size);
    about("GetNextDevicePathInstance");
    tell("size of the first", "%u", size);
    tell("the next is at", "%u", (UINTN)((UINT8 *)at - (UINT8 *)two));
    named("GetNextDevicePathInstance", "the first", first);
    EFI_DEVICE_PATH_PROTOCOL *second = Utilities->GetNextDevicePathInstance(&at, &size);
    about("GetNextDevicePathInstance");
    tell("size of the second", "%u", size);
    check("there is no third", at == NULL);
    named("GetNextDevicePathInstance", "the second", second);
    named("GetNextDevicePathInstance", "of NULL", Utilities->GetNextDevicePathInstance(&at, &size));
    about("CreateDeviceNode");
    at = Utilities->CreateDeviceNode(3, 7, 20);
    tell("of 20 bytes", "%u %u %u %u, byte 19 is %u", (UINT64)at->Type, (UINT64)at->SubType, (UINT64)at->Length[0],
         (UINT64)at->Length[1], (UINT64)((UINT8 *)at)[19]);
    status("FreePool", BS->FreePool(at));
    check("of 4 bytes", (at = Utilities->CreateDeviceNode(3, 7, 4)) != NULL);
    BS->FreePool(at);
    check("of 3 bytes is NULL", Utilities->CreateDeviceNode(3, 7, 3) == NULL);
    check("of 0 bytes is NULL", Utilities->CreateDeviceNode(3, 7, 0) == NULL);
    about("");
}

/* Text that is read: the bytes that it becomes, and what these are as text again, in both manners. */
static void texts(void)
{
    static const CHAR16 *const TEXTS[] = {
        u"PciRoot(0x0)", u"PciRoot(1)", u"PcieRoot(0x0)", u"Pci(0x1F,0x2)", u"Pci(31,2)", u"Pci(0x1)",
        u"PciRoot(0x0)/Pci(0x1,0x1)", u"Acpi(PNP0A03,0x0)", u"Acpi(PNP0501,0x1)", u"Acpi(PNP0C0A,0x3)",
        u"AcpiEx(PNP0A03,PNP0A08,0x0,0x1,a,b)", u"Floppy(0x1)", u"Keyboard(0x0)", u"Serial(0x1)",
        u"ParallelPort(0x0)", u"AcpiAdr(0x1,0x2)", u"AcpiExp(PNP0A03,PNP0A08,unique)", u"PcCard(0x3)",
        u"MemoryMapped(0xB,0x1000,0x1FFF)", u"VenHw(11111111-2222-3333-4444-555555555555)",
        u"VenHw(11111111-2222-3333-4444-555555555555,0102FF)", u"Ctrl(0x5)", u"BMC(0x1,0xCA2)",
        u"Ata(Primary,Master,0x0)", u"Ata(Secondary,Slave,0x1)", u"Ata(0x0)", u"Scsi(0x1,0x2)", u"Fibre(0x1,0x2)",
        u"I1394(0123456789ABCDEF)", u"USB(0x1,0x0)", u"I2O(0x1)",
        u"Infiniband(0x1,11111111-2222-3333-4444-555555555555,0x2,0x3,0x4)",
        u"VenMsg(11111111-2222-3333-4444-555555555555)", u"VenPcAnsi()", u"VenVt100()", u"VenVt100Plus()",
        u"VenUtf8()", u"MAC(525400123456,0x1)", u"MAC(525400123456,0x0)",
        u"IPv4(192.168.0.1,TCP,DHCP,10.0.0.2,10.0.0.1,255.255.255.0)", u"IPv4(192.168.0.1)",
        u"IPv4(0.0.0.0,0x0,DHCP,0.0.0.0,0.0.0.0,0.0.0.0)",
        u"IPv6(2001:0db8:0000:0000:0000:0000:0000:0001,TCP,Static,2001:0db8::2,40,fe80::1)", u"IPv6(2001:db8::1)",
        u"Uart(115200,8,N,1)", u"Uart(9600,7,E,2)", u"Uart(DEFAULT,DEFAULT,DEFAULT,D)", u"Uart(0,0,D,1.5)",
        u"UartFlowCtrl(Hardware)", u"UartFlowCtrl(None)", u"UsbClass(0x8086,0x1234,0x3,0x1,0x2)",
        u"UsbHID(0x1,0x2,0x1,0x1)", u"UsbMassStorage(0x1,0x2,0x6,0x50)", u"UsbWwid(0x1,0x2,0x3,\"serial\")",
        u"Unit(0x3)", u"Sata(0x0,0xFFFF,0x0)", u"Sata(0x1,0x0,0x0)",
        u"iSCSI(name,0x1,0x0000000000000002,None,None,None,TCP)", u"Vlan(5)", u"NVMe(0x1,00-11-22-33-44-55-66-77)",
        u"Uri(http://example.org/boot.efi)", u"Uri()", u"UFS(0x1,0x2)", u"SD(0x1)", u"eMMC(0x2)",
        u"Bluetooth(001122334455)", u"Wi-Fi(network)", u"Dns(10.0.0.1,10.0.0.2)",
        u"SasEx(0x0000000000000001,0x0000000000000002,0x3,SATA,Internal,Direct)",
        u"HD(1,MBR,0x12345678,0x800,0x10000)", u"HD(2,GPT,11111111-2222-3333-4444-555555555555,0x800,0x1000)",
        u"HD(1,0x3,0,0x1,0x2)", u"HD(3,MBR,0x12345678)", u"CDROM(0x0)", u"CDROM(0x1,0x20,0x40)",
        u"VenMedia(11111111-2222-3333-4444-555555555555,AB)", u"\\EFI\\BOOT\\BOOTX64.EFI", u"EFI/BOOT/BOOTX64.EFI",
        u"File.txt", u"a\\b", u"\"a/b,c\"", u"Media(11111111-2222-3333-4444-555555555555)",
        u"Fv(11111111-2222-3333-4444-555555555555)", u"FvFile(11111111-2222-3333-4444-555555555555)",
        u"Offset(0x10,0x20)", u"RamDisk(0x1000,0x1FFF,0,11111111-2222-3333-4444-555555555555)",
        u"VirtualDisk(0x1000,0x1FFF,0)", u"VirtualCD(0x1000,0x1FFF,0)", u"PersistentVirtualDisk(0x1000,0x1FFF,1)",
        u"BBS(HD,disk,0x1)", u"BBS(Floppy,x)", u"BBS(0x80,net,0x0)", u"Path(1,2,0304)", u"HardwarePath(7,0102)",
        u"AcpiPath(9,01)", u"Msg(99,0102)", u"MediaPath(20,0102)", u"BbsPath(2,01)",
        u"PciRoot(0x0)/Pci(0x1,0x1)/Ata(0x0)/HD(1,MBR,0x12345678,0x800,0x10000)/\\EFI\\BOOT\\BOOTX64.EFI",
        u"PciRoot(0x0)/Pci(0x1,0x0),PciRoot(0x1)", u"", u"/", u"PciRoot", u"PciRoot(", u"PciRoot()", u"PciRoot(0x0)/",
        u"/PciRoot(0x0)", u"PciRoot(0x0)//Pci(0x1,0x1)", u"pciroot(0x0)", u"Unknown(0x1)", u"PciRoot(0xFFFFFFFFFF)",
        u"PciRoot(zero)", u"PciRoot(-1)", u"VenHw(not a GUID)", u" PciRoot(0x0)", u"PciRoot( 0x0 )",
        u"Pci(0x1FF,0x2)",
    };
    static char name[8] = "000";
    for (UINTN i = 0; i < COUNT(TEXTS); i++) {
        name[0] = (char)('0' + i / 100), name[1] = (char)('0' + i / 10 % 10), name[2] = (char)('0' + i % 10);
        EFI_DEVICE_PATH_PROTOCOL *path = FromText->ConvertTextToDevicePath(TEXTS[i]);
        about(name);
        if (!path) {
            tell("text", "%S: NULL", TEXTS[i]);
            continue;
        }
        UINT32 crc;
        UINTN size = Utilities->GetDevicePathSize(path);
        NEED(BS->CalculateCrc32(path, size, &crc));
        CHAR16 *text = ToText->ConvertDevicePathToText(path, FALSE, FALSE),
               *shorter = ToText->ConvertDevicePathToText(path, TRUE, TRUE);
        tell("text", "%S: %S", TEXTS[i], text ? text : u"NULL");
        tell("display only, with shortcuts", "%S", shorter ? shorter : u"NULL");
        tell("bytes", "%u, type %u %u, CRC %x", size, (UINT64)path->Type, (UINT64)path->SubType, (UINT64)crc);
        if (text)
            BS->FreePool(text);
        if (shorter)
            BS->FreePool(shorter);
        BS->FreePool(path);
    }
    about("NULL");
    check("ConvertTextToDevicePath", FromText->ConvertTextToDevicePath(NULL) == NULL);
    check("ConvertTextToDeviceNode", FromText->ConvertTextToDeviceNode(NULL) == NULL);
    check("ConvertDevicePathToText", ToText->ConvertDevicePathToText(NULL, FALSE, FALSE) == NULL);
    check("ConvertDeviceNodeToText", ToText->ConvertDeviceNodeToText(NULL, FALSE, FALSE) == NULL);
    about("ConvertTextToDeviceNode");
    EFI_DEVICE_PATH_PROTOCOL *node = FromText->ConvertTextToDeviceNode(u"Pci(0x3,0x1)");
    tell("Pci(0x3,0x1)", "%u %u, %u bytes", (UINT64)node->Type, (UINT64)node->SubType, DevicePathNodeLength(node));
    CHAR16 *text = ToText->ConvertDeviceNodeToText(node, FALSE, FALSE);
    tell("as text", "%S", text);
    BS->FreePool(text), BS->FreePool(node);
}

/* Nodes that nobody can write as text, and ones that lie. */
static void strange(void)
{
    static const struct { const char *name; UINT8 bytes[48]; } NODES[] = {
        {"type 6", {6, 1, 8, 0, 1, 2, 3, 4}}, {"type 0", {0, 1, 4, 0}}, {"hardware, subtype 99", {1, 99, 6, 0, 1, 2}},
        {"ACPI, subtype 99", {2, 99, 6, 0, 1, 2}}, {"messaging, subtype 99", {3, 99, 6, 0, 1, 2}},
        {"media, subtype 99", {4, 99, 6, 0, 1, 2}}, {"BBS, subtype 99", {5, 99, 6, 0, 1, 2}},
        {"ACPI of PNP0A08", {2, 1, 12, 0, 0xD0, 0x41, 0x08, 0x0A, 2, 0, 0, 0}},
        {"ACPI of PNP0303", {2, 1, 12, 0, 0xD0, 0x41, 0x03, 0x03, 0, 0, 0, 0}},
        {"ACPI of another maker", {2, 1, 12, 0, 0x22, 0x11, 0x33, 0x44, 1, 0, 0, 0}},
        {"a PC's keyboard on PNP0F03", {2, 1, 12, 0, 0xD0, 0x41, 0x03, 0x0F, 0, 0, 0, 0}},
        {"UART, default everything", {3, 14, 19, 0}},
        {"UART, parity 9", {3, 14, 19, 0, 0, 0, 0, 0, 0, 0xC2, 1, 0, 0, 0, 0, 0, 8, 9, 9}},
        {"USB class of a hub", {3, 15, 11, 0, 1, 0, 2, 0, 9, 0, 0}},
        {"USB class of a disk", {3, 15, 11, 0, 0xFF, 0xFF, 0xFF, 0xFF, 8, 6, 0x50}},
        {"USB class 1", {3, 15, 11, 0, 1, 0, 2, 0, 1, 0, 0}},
        {"hard drive without a signature", {4, 1, 42, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9, [40] = 1, 0}},
        {"hard drive with a signature of type 7", {4, 1, 42, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9, [40] = 1, 7}},
        {"an empty file name", {4, 4, 6, 0, 0, 0}}, {"a file name with a comma", {4, 4, 10, 0, 'a', 0, ',', 0, 0, 0}},
        {"SATA, directly connected", {3, 18, 10, 0, 2, 0, 0, 0x80, 0, 0}},
        {"vendor of a PC ANSI terminal", {3, 10, 20, 0, 0x53, 0x47, 0xC1, 0xE0, 0xBE, 0xF9, 0xD2, 0x11, 0x9A, 0x0C, 0,
                                          0x90, 0x27, 0x3F, 0xC1, 0x4D}},
        {"BBS, device type 1", {5, 1, 10, 0, 1, 0, 0, 0, 'A', 0}}, {"BBS, device type 5", {5, 1, 10, 0, 5, 0, 0, 0, 'A', 0}},
        {"BBS, device type 128", {5, 1, 10, 0, 128, 0, 0, 0, 'A', 0}},
    };
    for (UINTN i = 0; i < COUNT(NODES); i++) {
        CHAR16 *text = ToText->ConvertDeviceNodeToText((VOID *)NODES[i].bytes, FALSE, FALSE),
               *shorter = ToText->ConvertDeviceNodeToText((VOID *)NODES[i].bytes, TRUE, TRUE),
               *with = ToText->ConvertDeviceNodeToText((VOID *)NODES[i].bytes, FALSE, TRUE);
        about(NODES[i].name);
        tell("text", "%S", text ? text : u"NULL");
        tell("display only, with shortcuts", "%S", shorter ? shorter : u"NULL");
        tell("with shortcuts", "%S", with ? with : u"NULL");
        if (text)
            BS->FreePool(text);
        if (shorter)
            BS->FreePool(shorter);
        if (with)
            BS->FreePool(with);
    }
}

void guest(void)
{
    NEED(BS->LocateProtocol(&EFI_DEVICE_PATH_UTILITIES_PROTOCOL_GUID, NULL, (VOID **)&Utilities));
    NEED(BS->LocateProtocol(&EFI_DEVICE_PATH_TO_TEXT_PROTOCOL_GUID, NULL, (VOID **)&ToText));
    NEED(BS->LocateProtocol(&EFI_DEVICE_PATH_FROM_TEXT_PROTOCOL_GUID, NULL, (VOID **)&FromText));
    utilities();
    texts();
    strange();
}
