/* Device paths (UEFI 2.10, chapter 10): the way to a device or a file, node after node, as in
 *
 *     PciRoot(0x0)/Pci(0x1,0x1)/Ata(Primary,Master,0x0)/HD(1,GPT,...)/\EFI\BOOT\BOOTX64.EFI
 *
 * A node is
 *
 *      0      1        2        4
 *     +------+--------+--------+----------------------+
 *     | type | subtype| length | what the type says   |       length: of the node, these four bytes counted
 *     +------+--------+--------+----------------------+
 *
 * and the last one is 7Fh FFh 0004h. Nodes lie one behind the other with no padding, so nothing in them is aligned:
 * the structures are packed, and a path may not be handed to what expects an aligned string.
 */
#ifndef UEFI_DEVICE_PATH_H
#define UEFI_DEVICE_PATH_H

#include "uefi.h"

#define PACKED __attribute__((packed))

typedef struct PACKED EFI_DEVICE_PATH_PROTOCOL {
    UINT8 Type;
    UINT8 SubType;
    UINT8 Length[2];                                    /* low byte, high byte */
} EFI_DEVICE_PATH_PROTOCOL;

#define EFI_DEVICE_PATH_PROTOCOL_GUID \
    EFI_GUID_OF(0x09576E91, 0x6D3F, 0x11D2, 0x8E, 0x39, 0x00, 0xA0, 0xC9, 0x69, 0x72, 0x3B)

/* ---- 10.3 Types and subtypes ------------------------------------------------------------------------------------ */

#define HARDWARE_DEVICE_PATH    0x01
#define   HW_PCI_DP             0x01
#define   HW_MEMMAP_DP          0x03
#define   HW_VENDOR_DP          0x04
#define   HW_CONTROLLER_DP      0x05
#define ACPI_DEVICE_PATH        0x02
#define   ACPI_DP               0x01
#define MESSAGING_DEVICE_PATH   0x03
#define   MSG_ATAPI_DP          0x01
#define   MSG_SCSI_DP           0x02
#define   MSG_USB_DP            0x05
#define   MSG_VENDOR_DP         0x0A
#define   MSG_MAC_ADDR_DP       0x0B
#define   MSG_UART_DP           0x0E
#define   MSG_SATA_DP           0x12
#define   MSG_NVME_NAMESPACE_DP 0x17
#define   MSG_URI_DP            0x18
#define MEDIA_DEVICE_PATH       0x04
#define   MEDIA_HARDDRIVE_DP    0x01
#define   MEDIA_CDROM_DP        0x02
#define   MEDIA_VENDOR_DP       0x03
#define   MEDIA_FILEPATH_DP     0x04
#define   MEDIA_PROTOCOL_DP     0x05
#define   MEDIA_PIWG_FW_FILE_DP 0x06
#define   MEDIA_PIWG_FW_VOL_DP  0x07
#define BBS_DEVICE_PATH         0x05
#define END_DEVICE_PATH_TYPE    0x7F
#define   END_INSTANCE_DEVICE_PATH_SUBTYPE  0x01        /* another path follows, as in the variable ConOut */
#define   END_ENTIRE_DEVICE_PATH_SUBTYPE    0xFF

/* ---- 10.3 Nodes ------------------------------------------------------------------------------------------------- */

typedef struct PACKED {
    EFI_DEVICE_PATH_PROTOCOL Header;
    UINT8 Function;
    UINT8 Device;
} PCI_DEVICE_PATH;

typedef struct PACKED {
    EFI_DEVICE_PATH_PROTOCOL Header;
    UINT32 MemoryType;
    EFI_PHYSICAL_ADDRESS StartingAddress;
    EFI_PHYSICAL_ADDRESS EndingAddress;
} MEMMAP_DEVICE_PATH;

typedef struct PACKED {                                 /* hardware, messaging or media; data may follow */
    EFI_DEVICE_PATH_PROTOCOL Header;
    EFI_GUID Guid;
} VENDOR_DEVICE_PATH;

typedef struct PACKED {
    EFI_DEVICE_PATH_PROTOCOL Header;
    UINT32 HID;                                         /* EISA_PNP_ID(0x0A03): a PCI root bridge */
    UINT32 UID;
} ACPI_HID_DEVICE_PATH;

#define EISA_PNP_ID(number) ((UINT32)(0x41D0 | (number) << 16))     /* "PNP" in five bits a letter */

typedef struct PACKED {
    EFI_DEVICE_PATH_PROTOCOL Header;
    UINT8  PrimarySecondary;
    UINT8  SlaveMaster;
    UINT16 Lun;
} ATAPI_DEVICE_PATH;

typedef struct PACKED {
    EFI_DEVICE_PATH_PROTOCOL Header;
    UINT16 HBAPortNumber;
    UINT16 PortMultiplierPortNumber;
    UINT16 Lun;
} SATA_DEVICE_PATH;

typedef struct PACKED {
    EFI_DEVICE_PATH_PROTOCOL Header;
    UINT32 Reserved;
    UINT64 BaudRate;
    UINT8  DataBits;
    UINT8  Parity;
    UINT8  StopBits;
} UART_DEVICE_PATH;

typedef struct PACKED {
    EFI_DEVICE_PATH_PROTOCOL Header;
    UINT32 PartitionNumber;                             /* from 1 */
    UINT64 PartitionStart;                              /* in blocks, as is */
    UINT64 PartitionSize;
    UINT8  Signature[16];                               /* GPT: the partition's GUID; MBR: the disk's 4 bytes and zeros */
    UINT8  MBRType;                                     /* of the partition table: 1 MBR, 2 GPT */
    UINT8  SignatureType;                               /* 0 none, 1 MBR, 2 GUID */
} HARDDRIVE_DEVICE_PATH;

typedef struct PACKED {
    EFI_DEVICE_PATH_PROTOCOL Header;
    UINT32 BootEntry;                                   /* of the El Torito catalogue; the initial one is 0 */
    UINT64 PartitionStart;
    UINT64 PartitionSize;
} CDROM_DEVICE_PATH;

typedef struct PACKED {
    EFI_DEVICE_PATH_PROTOCOL Header;
    CHAR16 PathName[];                                  /* with its zero; several such nodes make one path */
} FILEPATH_DEVICE_PATH;

static inline UINTN DevicePathNodeLength(const VOID *Node)
{
    const EFI_DEVICE_PATH_PROTOCOL *Header = Node;
    return Header->Length[0] | (UINTN)Header->Length[1] << 8;
}

static inline EFI_DEVICE_PATH_PROTOCOL *NextDevicePathNode(const VOID *Node)
{
    return (EFI_DEVICE_PATH_PROTOCOL *)((UINT8 *)Node + DevicePathNodeLength(Node));
}

static inline BOOLEAN IsDevicePathEnd(const VOID *Node)
{
    const EFI_DEVICE_PATH_PROTOCOL *Header = Node;
    return Header->Type == END_DEVICE_PATH_TYPE && Header->SubType == END_ENTIRE_DEVICE_PATH_SUBTYPE;
}

/* ---- 10.5 Device Path Utilities: what they return is the caller's to FreePool ----------------------------------- */

#define EFI_DEVICE_PATH_UTILITIES_PROTOCOL_GUID \
    EFI_GUID_OF(0x0379BE4E, 0xD706, 0x437D, 0xB0, 0x37, 0xED, 0xB8, 0x2F, 0xB7, 0x72, 0xA4)

typedef struct {
    UINTN (EFIAPI *GetDevicePathSize)(const EFI_DEVICE_PATH_PROTOCOL *DevicePath);          /* the end node counted */
    EFI_DEVICE_PATH_PROTOCOL *(EFIAPI *DuplicateDevicePath)(const EFI_DEVICE_PATH_PROTOCOL *DevicePath);
    EFI_DEVICE_PATH_PROTOCOL *(EFIAPI *AppendDevicePath)(const EFI_DEVICE_PATH_PROTOCOL *Src1,
                                                         const EFI_DEVICE_PATH_PROTOCOL *Src2);
    EFI_DEVICE_PATH_PROTOCOL *(EFIAPI *AppendDeviceNode)(const EFI_DEVICE_PATH_PROTOCOL *DevicePath,
                                                         const EFI_DEVICE_PATH_PROTOCOL *DeviceNode);
    EFI_DEVICE_PATH_PROTOCOL *(EFIAPI *AppendDevicePathInstance)(const EFI_DEVICE_PATH_PROTOCOL *DevicePath,
                                                                 const EFI_DEVICE_PATH_PROTOCOL *DevicePathInstance);
    EFI_DEVICE_PATH_PROTOCOL *(EFIAPI *GetNextDevicePathInstance)(
        IN OUT EFI_DEVICE_PATH_PROTOCOL **DevicePathInstance, OPTIONAL OUT UINTN *DevicePathInstanceSize);
    BOOLEAN (EFIAPI *IsDevicePathMultiInstance)(const EFI_DEVICE_PATH_PROTOCOL *DevicePath);
    EFI_DEVICE_PATH_PROTOCOL *(EFIAPI *CreateDeviceNode)(UINT8 NodeType, UINT8 NodeSubType, UINT16 NodeLength);
} EFI_DEVICE_PATH_UTILITIES_PROTOCOL;

/* ---- 10.6 Device Path to Text and back -------------------------------------------------------------------------- */

#define EFI_DEVICE_PATH_TO_TEXT_PROTOCOL_GUID \
    EFI_GUID_OF(0x8B843E20, 0x8132, 0x4852, 0x90, 0xCC, 0x55, 0x1A, 0x4E, 0x4A, 0x7F, 0x1C)
#define EFI_DEVICE_PATH_FROM_TEXT_PROTOCOL_GUID \
    EFI_GUID_OF(0x05C99A21, 0xC70F, 0x4AD2, 0x8A, 0x5F, 0x35, 0xDF, 0x33, 0x43, 0xF5, 0x1E)

typedef struct {                                        /* DisplayOnly: short; AllowShortcuts: as UsbClass(...) */
    CHAR16 *(EFIAPI *ConvertDeviceNodeToText)(const EFI_DEVICE_PATH_PROTOCOL *DeviceNode, BOOLEAN DisplayOnly,
                                              BOOLEAN AllowShortcuts);
    CHAR16 *(EFIAPI *ConvertDevicePathToText)(const EFI_DEVICE_PATH_PROTOCOL *DevicePath, BOOLEAN DisplayOnly,
                                              BOOLEAN AllowShortcuts);
} EFI_DEVICE_PATH_TO_TEXT_PROTOCOL;

typedef struct {
    EFI_DEVICE_PATH_PROTOCOL *(EFIAPI *ConvertTextToDeviceNode)(const CHAR16 *TextDeviceNode);
    EFI_DEVICE_PATH_PROTOCOL *(EFIAPI *ConvertTextToDevicePath)(const CHAR16 *TextDevicePath);
} EFI_DEVICE_PATH_FROM_TEXT_PROTOCOL;

_Static_assert(sizeof(EFI_DEVICE_PATH_PROTOCOL) == 4, "EFI_DEVICE_PATH_PROTOCOL");
_Static_assert(sizeof(PCI_DEVICE_PATH) == 6, "PCI_DEVICE_PATH");
_Static_assert(sizeof(ACPI_HID_DEVICE_PATH) == 12, "ACPI_HID_DEVICE_PATH");
_Static_assert(sizeof(HARDDRIVE_DEVICE_PATH) == 42, "HARDDRIVE_DEVICE_PATH");
_Static_assert(sizeof(CDROM_DEVICE_PATH) == 24, "CDROM_DEVICE_PATH");
_Static_assert(sizeof(UART_DEVICE_PATH) == 19, "UART_DEVICE_PATH");

#endif
