/* PCI of UEFI (2.10, chapter 14): a device's registers and configuration space through its handle (14.4), or everything
 * behind a root bridge (14.2).
 */
#ifndef UEFI_PCI_H
#define UEFI_PCI_H

#include "uefi.h"

/* ---- 14.4 PCI I/O: one function of one device ------------------------------------------------------------------- */

#define EFI_PCI_IO_PROTOCOL_GUID \
    EFI_GUID_OF(0x4CF5B200, 0x68B8, 0x4CA5, 0x9E, 0xEC, 0xB2, 0x3E, 0x3F, 0x50, 0x02, 0x9A)

typedef enum {
    EfiPciIoWidthUint8, EfiPciIoWidthUint16, EfiPciIoWidthUint32, EfiPciIoWidthUint64,
    EfiPciIoWidthFifoUint8, EfiPciIoWidthFifoUint16, EfiPciIoWidthFifoUint32, EfiPciIoWidthFifoUint64,  /* one address */
    EfiPciIoWidthFillUint8, EfiPciIoWidthFillUint16, EfiPciIoWidthFillUint32, EfiPciIoWidthFillUint64,  /* one value */
    EfiPciIoWidthMaximum
} EFI_PCI_IO_PROTOCOL_WIDTH;

typedef enum {
    EfiPciIoOperationBusMasterRead, EfiPciIoOperationBusMasterWrite, EfiPciIoOperationBusMasterCommonBuffer,
    EfiPciIoOperationMaximum
} EFI_PCI_IO_PROTOCOL_OPERATION;

typedef enum {
    EfiPciIoAttributeOperationGet, EfiPciIoAttributeOperationSet, EfiPciIoAttributeOperationEnable,
    EfiPciIoAttributeOperationDisable, EfiPciIoAttributeOperationSupported, EfiPciIoAttributeOperationMaximum
} EFI_PCI_IO_PROTOCOL_ATTRIBUTE_OPERATION;

#define EFI_PCI_IO_PASS_THROUGH_BAR             0xFF
#define EFI_PCI_IO_ATTRIBUTE_IO                 0x0100u
#define EFI_PCI_IO_ATTRIBUTE_MEMORY             0x0200u
#define EFI_PCI_IO_ATTRIBUTE_BUS_MASTER         0x0400u
#define EFI_PCI_IO_ATTRIBUTE_EMBEDDED_DEVICE    0x2000u
#define EFI_PCI_IO_ATTRIBUTE_EMBEDDED_ROM       0x4000u

typedef struct EFI_PCI_IO_PROTOCOL EFI_PCI_IO_PROTOCOL;

typedef EFI_STATUS (EFIAPI *EFI_PCI_IO_PROTOCOL_POLL)(
    EFI_PCI_IO_PROTOCOL *This, EFI_PCI_IO_PROTOCOL_WIDTH Width, UINT8 BarIndex, UINT64 Offset, UINT64 Mask, UINT64 Value,
    UINT64 Delay, OUT UINT64 *Result);
typedef EFI_STATUS (EFIAPI *EFI_PCI_IO_PROTOCOL_IO_MEM)(
    EFI_PCI_IO_PROTOCOL *This, EFI_PCI_IO_PROTOCOL_WIDTH Width, UINT8 BarIndex, UINT64 Offset, UINTN Count,
    IN OUT VOID *Buffer);
typedef EFI_STATUS (EFIAPI *EFI_PCI_IO_PROTOCOL_CONFIG)(
    EFI_PCI_IO_PROTOCOL *This, EFI_PCI_IO_PROTOCOL_WIDTH Width, UINT32 Offset, UINTN Count, IN OUT VOID *Buffer);

struct EFI_PCI_IO_PROTOCOL {
    EFI_PCI_IO_PROTOCOL_POLL PollMem;
    EFI_PCI_IO_PROTOCOL_POLL PollIo;
    struct { EFI_PCI_IO_PROTOCOL_IO_MEM Read, Write; } Mem;     /* behind a memory BAR */
    struct { EFI_PCI_IO_PROTOCOL_IO_MEM Read, Write; } Io;      /* behind an I/O BAR */
    struct { EFI_PCI_IO_PROTOCOL_CONFIG Read, Write; } Pci;     /* configuration space */
    EFI_STATUS (EFIAPI *CopyMem)(EFI_PCI_IO_PROTOCOL *This, EFI_PCI_IO_PROTOCOL_WIDTH Width, UINT8 DestBarIndex,
                                 UINT64 DestOffset, UINT8 SrcBarIndex, UINT64 SrcOffset, UINTN Count);
    EFI_STATUS (EFIAPI *Map)(EFI_PCI_IO_PROTOCOL *This, EFI_PCI_IO_PROTOCOL_OPERATION Operation, VOID *HostAddress,
                             IN OUT UINTN *NumberOfBytes, OUT EFI_PHYSICAL_ADDRESS *DeviceAddress, OUT VOID **Mapping);
    EFI_STATUS (EFIAPI *Unmap)(EFI_PCI_IO_PROTOCOL *This, VOID *Mapping);
    EFI_STATUS (EFIAPI *AllocateBuffer)(EFI_PCI_IO_PROTOCOL *This, EFI_ALLOCATE_TYPE Type, EFI_MEMORY_TYPE MemoryType,
                                        UINTN Pages, OUT VOID **HostAddress, UINT64 Attributes);
    EFI_STATUS (EFIAPI *FreeBuffer)(EFI_PCI_IO_PROTOCOL *This, UINTN Pages, VOID *HostAddress);
    EFI_STATUS (EFIAPI *Flush)(EFI_PCI_IO_PROTOCOL *This);
    EFI_STATUS (EFIAPI *GetLocation)(EFI_PCI_IO_PROTOCOL *This, OUT UINTN *SegmentNumber, OUT UINTN *BusNumber,
                                     OUT UINTN *DeviceNumber, OUT UINTN *FunctionNumber);
    EFI_STATUS (EFIAPI *Attributes)(EFI_PCI_IO_PROTOCOL *This, EFI_PCI_IO_PROTOCOL_ATTRIBUTE_OPERATION Operation,
                                    UINT64 Attributes, OPTIONAL OUT UINT64 *Result);
    EFI_STATUS (EFIAPI *GetBarAttributes)(EFI_PCI_IO_PROTOCOL *This, UINT8 BarIndex, OPTIONAL OUT UINT64 *Supports,
                                          OPTIONAL OUT VOID **Resources);       /* an ACPI resource list, to FreePool */
    EFI_STATUS (EFIAPI *SetBarAttributes)(EFI_PCI_IO_PROTOCOL *This, UINT64 Attributes, UINT8 BarIndex,
                                          IN OUT UINT64 *Offset, IN OUT UINT64 *Length);
    UINT64 RomSize;
    VOID  *RomImage;                                    /* the option ROM, or NULL */
};

/* ---- 14.2 PCI Root Bridge I/O: everything behind it ------------------------------------------------------------- */

#define EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_GUID \
    EFI_GUID_OF(0x2F707EBB, 0x4A1A, 0x11D4, 0x9A, 0x38, 0x00, 0x90, 0x27, 0x3F, 0xC1, 0x4D)

/* The address of a register in configuration space:
 *
 *      63          32 31        24 23        16 15        8 7         0
 *     +--------------+------------+------------+-----------+-----------+
 *     | register, if | bus        | device     | function  | register  |
 *     | above 255    |            |            |           |           |
 *     +--------------+------------+------------+-----------+-----------+
 */
#define EFI_PCI_ADDRESS(bus, device, function, reg) \
    ((UINT64)(bus) << 24 | (UINT64)(device) << 16 | (UINT64)(function) << 8 | \
     ((reg) < 256 ? (UINT64)(reg) : (UINT64)(reg) << 32))

typedef EFI_PCI_IO_PROTOCOL_WIDTH EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH;        /* the same numbers */

typedef enum {
    EfiPciOperationBusMasterRead, EfiPciOperationBusMasterWrite, EfiPciOperationBusMasterCommonBuffer,
    EfiPciOperationBusMasterRead64, EfiPciOperationBusMasterWrite64, EfiPciOperationBusMasterCommonBuffer64,
    EfiPciOperationMaximum
} EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_OPERATION;

typedef struct EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL;

typedef EFI_STATUS (EFIAPI *EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_POLL_IO_MEM)(
    EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL *This, EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH Width, UINT64 Address, UINT64 Mask,
    UINT64 Value, UINT64 Delay, OUT UINT64 *Result);
typedef EFI_STATUS (EFIAPI *EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_IO_MEM)(
    EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL *This, EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH Width, UINT64 Address, UINTN Count,
    IN OUT VOID *Buffer);

struct EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL {
    EFI_HANDLE ParentHandle;
    EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_POLL_IO_MEM PollMem;
    EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_POLL_IO_MEM PollIo;
    struct { EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_IO_MEM Read, Write; } Mem;
    struct { EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_IO_MEM Read, Write; } Io;
    struct { EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_IO_MEM Read, Write; } Pci;         /* by EFI_PCI_ADDRESS */
    EFI_STATUS (EFIAPI *CopyMem)(EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL *This, EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_WIDTH Width,
                                 UINT64 DestAddress, UINT64 SrcAddress, UINTN Count);
    EFI_STATUS (EFIAPI *Map)(EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL *This, EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_OPERATION Operation,
                             VOID *HostAddress, IN OUT UINTN *NumberOfBytes, OUT EFI_PHYSICAL_ADDRESS *DeviceAddress,
                             OUT VOID **Mapping);
    EFI_STATUS (EFIAPI *Unmap)(EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL *This, VOID *Mapping);
    EFI_STATUS (EFIAPI *AllocateBuffer)(EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL *This, EFI_ALLOCATE_TYPE Type,
                                        EFI_MEMORY_TYPE MemoryType, UINTN Pages, OUT VOID **HostAddress,
                                        UINT64 Attributes);
    EFI_STATUS (EFIAPI *FreeBuffer)(EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL *This, UINTN Pages, VOID *HostAddress);
    EFI_STATUS (EFIAPI *Flush)(EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL *This);
    EFI_STATUS (EFIAPI *GetAttributes)(EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL *This, OUT UINT64 *Supports,
                                       OUT UINT64 *Attributes);
    EFI_STATUS (EFIAPI *SetAttributes)(EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL *This, UINT64 Attributes,
                                       IN OUT UINT64 *ResourceBase, IN OUT UINT64 *ResourceLength);
    EFI_STATUS (EFIAPI *Configuration)(EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL *This, OUT VOID **Resources);
    UINT32     SegmentNumber;
};

_Static_assert(sizeof(EFI_PCI_IO_PROTOCOL) == 20 * 8, "EFI_PCI_IO_PROTOCOL");
_Static_assert(sizeof(EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL) == 19 * 8, "EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL");

#endif
