/* The protocols of UEFI that an application or loader meets, and the GUIDs of configuration tables and events.
 *
 * A protocol is a GUID and a structure of functions and data. A handle has it or has not:
 *
 *     EFI_GRAPHICS_OUTPUT_PROTOCOL *Gop;
 *     Status = BS->LocateProtocol(&EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID, NULL, (VOID **)&Gop);
 *
 * Each function is handed its own structure first (`This`). Source: UEFI specification 2.10; sections in the comments.
 */
#ifndef UEFI_PROTOCOLS_H
#define UEFI_PROTOCOLS_H

#include "device_path.h"
#include "uefi.h"

/* ---- 4.6 Configuration tables ----------------------------------------------------------------------------------- */

#define EFI_ACPI_20_TABLE_GUID      /* the RSDP of ACPI 2.0 and later */ \
    EFI_GUID_OF(0x8868E871, 0xE4F1, 0x11D3, 0xBC, 0x22, 0x00, 0x80, 0xC7, 0x3C, 0x88, 0x81)
#define ACPI_TABLE_GUID             /* the RSDP of ACPI 1.0 */ \
    EFI_GUID_OF(0xEB9D2D30, 0x2D88, 0x11D3, 0x9A, 0x16, 0x00, 0x90, 0x27, 0x3F, 0xC1, 0x4D)
#define SMBIOS_TABLE_GUID           /* the 32-bit entry point, _SM_ */ \
    EFI_GUID_OF(0xEB9D2D31, 0x2D88, 0x11D3, 0x9A, 0x16, 0x00, 0x90, 0x27, 0x3F, 0xC1, 0x4D)
#define SMBIOS3_TABLE_GUID          /* the 64-bit entry point, _SM3_ */ \
    EFI_GUID_OF(0xF2FD1544, 0x9794, 0x4A2C, 0x99, 0x2E, 0xE5, 0xBB, 0xCF, 0x20, 0xE3, 0x94)
#define MPS_TABLE_GUID \
    EFI_GUID_OF(0xEB9D2D2F, 0x2D88, 0x11D3, 0x9A, 0x16, 0x00, 0x90, 0x27, 0x3F, 0xC1, 0x4D)
#define EFI_DTB_TABLE_GUID \
    EFI_GUID_OF(0xB1B621D5, 0xF19C, 0x41A5, 0x83, 0x0B, 0xD9, 0x15, 0x2C, 0x69, 0xAA, 0xE0)
#define EFI_RT_PROPERTIES_TABLE_GUID \
    EFI_GUID_OF(0xEB66918A, 0x7EEF, 0x402A, 0x84, 0x2E, 0x93, 0x1D, 0x21, 0xC3, 0x8A, 0xE9)
#define EFI_MEMORY_ATTRIBUTES_TABLE_GUID \
    EFI_GUID_OF(0xDCFA911D, 0x26EB, 0x469F, 0xA2, 0x20, 0x38, 0xB7, 0xDC, 0x46, 0x12, 0x20)
#define EFI_SYSTEM_RESOURCE_TABLE_GUID \
    EFI_GUID_OF(0xB122A263, 0x3661, 0x4F68, 0x99, 0x29, 0x78, 0xF8, 0xB0, 0xD6, 0x21, 0x80)
#define EFI_CONFORMANCE_PROFILES_TABLE_GUID \
    EFI_GUID_OF(0x36122546, 0xF7E7, 0x4C8F, 0xBD, 0x9B, 0xEB, 0x85, 0x25, 0xB5, 0x0C, 0x0B)

/* ---- 3.3 The vendor of BootOrder, SecureBoot and the other architectural variables ------------------------------ */

#define EFI_GLOBAL_VARIABLE \
    EFI_GUID_OF(0x8BE4DF61, 0x93CA, 0x11D2, 0xAA, 0x0D, 0x00, 0xE0, 0x98, 0x03, 0x2B, 0x8C)

/* ---- 7.1 Event groups, for CreateEventEx ------------------------------------------------------------------------ */

#define EFI_EVENT_GROUP_EXIT_BOOT_SERVICES \
    EFI_GUID_OF(0x27ABF055, 0xB1B8, 0x4C26, 0x80, 0x48, 0x74, 0x8F, 0x37, 0xBA, 0xA2, 0xDF)
#define EFI_EVENT_GROUP_BEFORE_EXIT_BOOT_SERVICES \
    EFI_GUID_OF(0x8BE0E274, 0x3970, 0x4B44, 0x80, 0xC5, 0x1A, 0xB9, 0x50, 0x2F, 0x3B, 0xFC)
#define EFI_EVENT_GROUP_VIRTUAL_ADDRESS_CHANGE \
    EFI_GUID_OF(0x13FA7698, 0xC831, 0x49C7, 0x87, 0xEA, 0x8F, 0x43, 0xFC, 0xC2, 0x51, 0x96)
#define EFI_EVENT_GROUP_MEMORY_MAP_CHANGE \
    EFI_GUID_OF(0x78BEE926, 0x692F, 0x48FD, 0x9E, 0xDB, 0x01, 0x42, 0x2E, 0xF0, 0xD7, 0xAB)
#define EFI_EVENT_GROUP_READY_TO_BOOT \
    EFI_GUID_OF(0x7CE88FB3, 0x4BD7, 0x4679, 0x87, 0xA8, 0xA8, 0xD8, 0xDE, 0xE5, 0x0D, 0x2B)
#define EFI_EVENT_GROUP_AFTER_READY_TO_BOOT \
    EFI_GUID_OF(0x3A2A00AD, 0x98B9, 0x4CDF, 0xA4, 0x78, 0x70, 0x27, 0x77, 0xF1, 0xC1, 0x0B)
#define EFI_EVENT_GROUP_RESET_SYSTEM \
    EFI_GUID_OF(0x62DA6A56, 0x13FB, 0x485A, 0xA8, 0xDA, 0xA3, 0xDD, 0x79, 0x12, 0xCB, 0x6B)

/* ---- 9.1 Loaded Image: who am I, and where do I come from? ------------------------------------------------------ */

#define EFI_LOADED_IMAGE_PROTOCOL_GUID \
    EFI_GUID_OF(0x5B1B31A1, 0x9562, 0x11D2, 0x8E, 0x3F, 0x00, 0xA0, 0xC9, 0x69, 0x72, 0x3B)
#define EFI_LOADED_IMAGE_DEVICE_PATH_PROTOCOL_GUID      /* 9.2: device and file in one path */ \
    EFI_GUID_OF(0xBC62157E, 0x3E33, 0x4FEC, 0x99, 0x20, 0x2D, 0x3B, 0x36, 0xD7, 0x50, 0xDF)
#define EFI_LOADED_IMAGE_PROTOCOL_REVISION 0x1000u

typedef struct {
    UINT32                    Revision;
    EFI_HANDLE                ParentHandle;             /* who loaded it */
    EFI_SYSTEM_TABLE         *SystemTable;
    EFI_HANDLE                DeviceHandle;             /* the volume that it was read from */
    EFI_DEVICE_PATH_PROTOCOL *FilePath;                 /* its name there */
    VOID                     *Reserved;
    UINT32                    LoadOptionsSize;          /* bytes */
    VOID                     *LoadOptions;              /* the command line, mostly CHAR16; its parent sets it */
    VOID                     *ImageBase;
    UINT64                    ImageSize;
    EFI_MEMORY_TYPE           ImageCodeType;
    EFI_MEMORY_TYPE           ImageDataType;
    EFI_STATUS (EFIAPI *Unload)(EFI_HANDLE ImageHandle);
} EFI_LOADED_IMAGE_PROTOCOL;

/* ---- 11 Drivers ------------------------------------------------------------------------------------------------- */

#define EFI_DRIVER_BINDING_PROTOCOL_GUID \
    EFI_GUID_OF(0x18A031AB, 0xB443, 0x4D1A, 0xA5, 0xC0, 0x0C, 0x09, 0x26, 0x1E, 0x9F, 0x71)
#define EFI_COMPONENT_NAME2_PROTOCOL_GUID \
    EFI_GUID_OF(0x6A7A5CFF, 0xE8D9, 0x4F70, 0xBA, 0xDA, 0x75, 0xAB, 0x30, 0x25, 0xCE, 0x14)

typedef struct EFI_DRIVER_BINDING_PROTOCOL EFI_DRIVER_BINDING_PROTOCOL;
struct EFI_DRIVER_BINDING_PROTOCOL {
    EFI_STATUS (EFIAPI *Supported)(EFI_DRIVER_BINDING_PROTOCOL *This, EFI_HANDLE ControllerHandle,
                                   OPTIONAL EFI_DEVICE_PATH_PROTOCOL *RemainingDevicePath);
    EFI_STATUS (EFIAPI *Start)(EFI_DRIVER_BINDING_PROTOCOL *This, EFI_HANDLE ControllerHandle,
                               OPTIONAL EFI_DEVICE_PATH_PROTOCOL *RemainingDevicePath);
    EFI_STATUS (EFIAPI *Stop)(EFI_DRIVER_BINDING_PROTOCOL *This, EFI_HANDLE ControllerHandle, UINTN NumberOfChildren,
                              OPTIONAL EFI_HANDLE *ChildHandleBuffer);
    UINT32     Version;
    EFI_HANDLE ImageHandle;
    EFI_HANDLE DriverBindingHandle;
};

typedef struct EFI_COMPONENT_NAME2_PROTOCOL EFI_COMPONENT_NAME2_PROTOCOL;
struct EFI_COMPONENT_NAME2_PROTOCOL {
    EFI_STATUS (EFIAPI *GetDriverName)(EFI_COMPONENT_NAME2_PROTOCOL *This, CHAR8 *Language, OUT CHAR16 **DriverName);
    EFI_STATUS (EFIAPI *GetControllerName)(EFI_COMPONENT_NAME2_PROTOCOL *This, EFI_HANDLE ControllerHandle,
                                           OPTIONAL EFI_HANDLE ChildHandle, CHAR8 *Language,
                                           OUT CHAR16 **ControllerName);
    CHAR8 *SupportedLanguages;                          /* "en;fr" */
};

/* ---- 12.1 to 12.4 The console (SIMPLE_TEXT_INPUT and OUTPUT are in uefi.h, since the system table has them) ----- */

#define EFI_SIMPLE_TEXT_INPUT_PROTOCOL_GUID \
    EFI_GUID_OF(0x387477C1, 0x69C7, 0x11D2, 0x8E, 0x39, 0x00, 0xA0, 0xC9, 0x69, 0x72, 0x3B)
#define EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL_GUID \
    EFI_GUID_OF(0x387477C2, 0x69C7, 0x11D2, 0x8E, 0x39, 0x00, 0xA0, 0xC9, 0x69, 0x72, 0x3B)
#define EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL_GUID \
    EFI_GUID_OF(0xDD9E7534, 0x7762, 0x4698, 0x8C, 0x14, 0xF5, 0x85, 0x17, 0xA6, 0x25, 0xAA)

#define EFI_SHIFT_STATE_VALID       0x80000000u
#define EFI_RIGHT_SHIFT_PRESSED     0x00000001u
#define EFI_LEFT_SHIFT_PRESSED      0x00000002u
#define EFI_RIGHT_CONTROL_PRESSED   0x00000004u
#define EFI_LEFT_CONTROL_PRESSED    0x00000008u
#define EFI_RIGHT_ALT_PRESSED       0x00000010u
#define EFI_LEFT_ALT_PRESSED        0x00000020u
#define EFI_RIGHT_LOGO_PRESSED      0x00000040u
#define EFI_LEFT_LOGO_PRESSED       0x00000080u
#define EFI_MENU_KEY_PRESSED        0x00000100u
#define EFI_SYS_REQ_PRESSED         0x00000200u
#define EFI_TOGGLE_STATE_VALID      0x80
#define EFI_KEY_STATE_EXPOSED       0x40                /* shift keys alone are reported, too */
#define EFI_SCROLL_LOCK_ACTIVE      0x01
#define EFI_NUM_LOCK_ACTIVE         0x02
#define EFI_CAPS_LOCK_ACTIVE        0x04

typedef UINT8 EFI_KEY_TOGGLE_STATE;

typedef struct {
    UINT32               KeyShiftState;
    EFI_KEY_TOGGLE_STATE KeyToggleState;
} EFI_KEY_STATE;

typedef struct {
    EFI_INPUT_KEY Key;
    EFI_KEY_STATE KeyState;
} EFI_KEY_DATA;

typedef EFI_STATUS (EFIAPI *EFI_KEY_NOTIFY_FUNCTION)(EFI_KEY_DATA *KeyData);

typedef struct EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL;
struct EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL {
    EFI_STATUS (EFIAPI *Reset)(EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *This, BOOLEAN ExtendedVerification);
    EFI_STATUS (EFIAPI *ReadKeyStrokeEx)(EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *This, OUT EFI_KEY_DATA *KeyData);
    EFI_EVENT  WaitForKeyEx;
    EFI_STATUS (EFIAPI *SetState)(EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *This, EFI_KEY_TOGGLE_STATE *KeyToggleState);
    EFI_STATUS (EFIAPI *RegisterKeyNotify)(EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *This, EFI_KEY_DATA *KeyData,
                                           EFI_KEY_NOTIFY_FUNCTION KeyNotificationFunction, OUT VOID **NotifyHandle);
    EFI_STATUS (EFIAPI *UnregisterKeyNotify)(EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *This, VOID *NotificationHandle);
};

/* ---- 12.8 Serial I/O -------------------------------------------------------------------------------------------- */

#define EFI_SERIAL_IO_PROTOCOL_GUID \
    EFI_GUID_OF(0xBB25CF6F, 0xF1D4, 0x11D2, 0x9A, 0x0C, 0x00, 0x90, 0x27, 0x3F, 0xC1, 0xFD)

typedef enum { DefaultParity, NoParity, EvenParity, OddParity, MarkParity, SpaceParity } EFI_PARITY_TYPE;
typedef enum { DefaultStopBits, OneStopBit, OneFiveStopBits, TwoStopBits } EFI_STOP_BITS_TYPE;

#define EFI_SERIAL_DATA_TERMINAL_READY      0x0001u
#define EFI_SERIAL_REQUEST_TO_SEND          0x0002u
#define EFI_SERIAL_CLEAR_TO_SEND            0x0010u
#define EFI_SERIAL_DATA_SET_READY           0x0020u
#define EFI_SERIAL_RING_INDICATE            0x0040u
#define EFI_SERIAL_CARRIER_DETECT           0x0080u
#define EFI_SERIAL_INPUT_BUFFER_EMPTY       0x0100u
#define EFI_SERIAL_OUTPUT_BUFFER_EMPTY      0x0200u

typedef struct {
    UINT32 ControlMask;
    UINT32 Timeout;                                     /* microseconds a character */
    UINT64 BaudRate;
    UINT32 ReceiveFifoDepth;
    UINT32 DataBits;
    UINT32 Parity;
    UINT32 StopBits;
} SERIAL_IO_MODE;

typedef struct EFI_SERIAL_IO_PROTOCOL EFI_SERIAL_IO_PROTOCOL;
struct EFI_SERIAL_IO_PROTOCOL {
    UINT32     Revision;
    EFI_STATUS (EFIAPI *Reset)(EFI_SERIAL_IO_PROTOCOL *This);
    EFI_STATUS (EFIAPI *SetAttributes)(EFI_SERIAL_IO_PROTOCOL *This, UINT64 BaudRate, UINT32 ReceiveFifoDepth,
                                       UINT32 Timeout, EFI_PARITY_TYPE Parity, UINT8 DataBits,
                                       EFI_STOP_BITS_TYPE StopBits);
    EFI_STATUS (EFIAPI *SetControl)(EFI_SERIAL_IO_PROTOCOL *This, UINT32 Control);
    EFI_STATUS (EFIAPI *GetControl)(EFI_SERIAL_IO_PROTOCOL *This, OUT UINT32 *Control);
    EFI_STATUS (EFIAPI *Write)(EFI_SERIAL_IO_PROTOCOL *This, IN OUT UINTN *BufferSize, const VOID *Buffer);
    EFI_STATUS (EFIAPI *Read)(EFI_SERIAL_IO_PROTOCOL *This, IN OUT UINTN *BufferSize, OUT VOID *Buffer);
    SERIAL_IO_MODE *Mode;
    const EFI_GUID *DeviceTypeGuid;                     /* from Revision 1.1 on */
};

/* ---- 12.9 Graphics Output --------------------------------------------------------------------------------------- */

#define EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID \
    EFI_GUID_OF(0x9042A9DE, 0x23DC, 0x4A38, 0x96, 0xFB, 0x7A, 0xDE, 0xD0, 0x80, 0x51, 0x6A)
#define EFI_EDID_DISCOVERED_PROTOCOL_GUID \
    EFI_GUID_OF(0x1C0C34F6, 0xD380, 0x41FA, 0xA0, 0x49, 0x8A, 0xD0, 0x6C, 0x1A, 0x66, 0xAA)
#define EFI_EDID_ACTIVE_PROTOCOL_GUID \
    EFI_GUID_OF(0xBD8C1056, 0x9F36, 0x44EC, 0x92, 0xA8, 0xA6, 0x33, 0x7F, 0x81, 0x79, 0x86)
#define EFI_EDID_OVERRIDE_PROTOCOL_GUID \
    EFI_GUID_OF(0x48ECB431, 0xFB72, 0x45C0, 0xA9, 0x22, 0xF4, 0x58, 0xFE, 0x04, 0x0B, 0xD5)

typedef enum {
    PixelRedGreenBlueReserved8BitPerColor,              /* bytes R G B x */
    PixelBlueGreenRedReserved8BitPerColor,              /* bytes B G R x: what most PCs have */
    PixelBitMask,                                       /* as PixelInformation says */
    PixelBltOnly,                                       /* there is no frame buffer: only Blt draws */
    PixelFormatMax
} EFI_GRAPHICS_PIXEL_FORMAT;

typedef struct {
    UINT32 RedMask;
    UINT32 GreenMask;
    UINT32 BlueMask;
    UINT32 ReservedMask;
} EFI_PIXEL_BITMASK;

typedef struct {
    UINT32                    Version;
    UINT32                    HorizontalResolution;
    UINT32                    VerticalResolution;
    EFI_GRAPHICS_PIXEL_FORMAT PixelFormat;
    EFI_PIXEL_BITMASK         PixelInformation;
    UINT32                    PixelsPerScanLine;        /* may be more than HorizontalResolution */
} EFI_GRAPHICS_OUTPUT_MODE_INFORMATION;

typedef struct {
    UINT32                                MaxMode;      /* modes 0 .. MaxMode - 1 */
    UINT32                                Mode;
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *Info;
    UINTN                                 SizeOfInfo;
    EFI_PHYSICAL_ADDRESS                  FrameBufferBase;
    UINTN                                 FrameBufferSize;
} EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE;

typedef struct {
    UINT8 Blue;
    UINT8 Green;
    UINT8 Red;
    UINT8 Reserved;
} EFI_GRAPHICS_OUTPUT_BLT_PIXEL;

typedef enum {
    EfiBltVideoFill,
    EfiBltVideoToBltBuffer,
    EfiBltBufferToVideo,
    EfiBltVideoToVideo,
    EfiGraphicsOutputBltOperationMax
} EFI_GRAPHICS_OUTPUT_BLT_OPERATION;

typedef struct EFI_GRAPHICS_OUTPUT_PROTOCOL EFI_GRAPHICS_OUTPUT_PROTOCOL;
struct EFI_GRAPHICS_OUTPUT_PROTOCOL {
    EFI_STATUS (EFIAPI *QueryMode)(EFI_GRAPHICS_OUTPUT_PROTOCOL *This, UINT32 ModeNumber, OUT UINTN *SizeOfInfo,
                                   OUT EFI_GRAPHICS_OUTPUT_MODE_INFORMATION **Info);        /* yours to FreePool */
    EFI_STATUS (EFIAPI *SetMode)(EFI_GRAPHICS_OUTPUT_PROTOCOL *This, UINT32 ModeNumber);
    EFI_STATUS (EFIAPI *Blt)(EFI_GRAPHICS_OUTPUT_PROTOCOL *This, OPTIONAL EFI_GRAPHICS_OUTPUT_BLT_PIXEL *BltBuffer,
                             EFI_GRAPHICS_OUTPUT_BLT_OPERATION BltOperation, UINTN SourceX, UINTN SourceY,
                             UINTN DestinationX, UINTN DestinationY, UINTN Width, UINTN Height,
                             UINTN Delta);                                                  /* bytes a row; 0: Width */
    EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE *Mode;
};

typedef struct {                                        /* Discovered, and Active, which are the same */
    UINT32 SizeOfEdid;
    UINT8 *Edid;
} EFI_EDID_PROTOCOL;

/* ---- 13.1, 13.2 Load File: how a loader hands an initrd to the kernel's stub ------------------------------------ */

#define EFI_LOAD_FILE_PROTOCOL_GUID \
    EFI_GUID_OF(0x56EC3091, 0x954C, 0x11D2, 0x8E, 0x3F, 0x00, 0xA0, 0xC9, 0x69, 0x72, 0x3B)
#define EFI_LOAD_FILE2_PROTOCOL_GUID \
    EFI_GUID_OF(0x4006C0C1, 0xFCB3, 0x403E, 0x99, 0x6D, 0x4A, 0x6C, 0x87, 0x24, 0xE0, 0x6D)

typedef struct EFI_LOAD_FILE_PROTOCOL EFI_LOAD_FILE_PROTOCOL;
struct EFI_LOAD_FILE_PROTOCOL {
    EFI_STATUS (EFIAPI *LoadFile)(EFI_LOAD_FILE_PROTOCOL *This, EFI_DEVICE_PATH_PROTOCOL *FilePath, BOOLEAN BootPolicy,
                                  IN OUT UINTN *BufferSize, OPTIONAL VOID *Buffer);
};
typedef EFI_LOAD_FILE_PROTOCOL EFI_LOAD_FILE2_PROTOCOL;

/* ---- 13.4, 13.5 Files ------------------------------------------------------------------------------------------- */

#define EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID \
    EFI_GUID_OF(0x964E5B22, 0x6459, 0x11D2, 0x8E, 0x39, 0x00, 0xA0, 0xC9, 0x69, 0x72, 0x3B)
#define EFI_FILE_INFO_ID \
    EFI_GUID_OF(0x09576E92, 0x6D3F, 0x11D2, 0x8E, 0x39, 0x00, 0xA0, 0xC9, 0x69, 0x72, 0x3B)
#define EFI_FILE_SYSTEM_INFO_ID \
    EFI_GUID_OF(0x09576E93, 0x6D3F, 0x11D2, 0x8E, 0x39, 0x00, 0xA0, 0xC9, 0x69, 0x72, 0x3B)
#define EFI_FILE_SYSTEM_VOLUME_LABEL_ID \
    EFI_GUID_OF(0xDB47D7D3, 0xFE81, 0x11D3, 0x9A, 0x35, 0x00, 0x90, 0x27, 0x3F, 0xC1, 0x4D)

#define EFI_FILE_MODE_READ      0x0000000000000001u     /* READ, READ | WRITE or READ | WRITE | CREATE */
#define EFI_FILE_MODE_WRITE     0x0000000000000002u
#define EFI_FILE_MODE_CREATE    0x8000000000000000u
#define EFI_FILE_READ_ONLY      0x0000000000000001u     /* attributes */
#define EFI_FILE_HIDDEN         0x0000000000000002u
#define EFI_FILE_SYSTEM         0x0000000000000004u
#define EFI_FILE_RESERVED       0x0000000000000008u
#define EFI_FILE_DIRECTORY      0x0000000000000010u
#define EFI_FILE_ARCHIVE        0x0000000000000020u
#define EFI_FILE_VALID_ATTR     0x0000000000000037u

#define EFI_FILE_PROTOCOL_REVISION  0x00010000u
#define EFI_FILE_PROTOCOL_REVISION2 0x00020000u         /* has the functions ending in Ex */

typedef struct {
    EFI_EVENT  Event;                                   /* NULL: wait for it */
    EFI_STATUS Status;
    UINTN      BufferSize;
    VOID      *Buffer;
} EFI_FILE_IO_TOKEN;

typedef struct EFI_FILE_PROTOCOL EFI_FILE_PROTOCOL;
struct EFI_FILE_PROTOCOL {
    UINT64     Revision;
    EFI_STATUS (EFIAPI *Open)(EFI_FILE_PROTOCOL *This, OUT EFI_FILE_PROTOCOL **NewHandle, const CHAR16 *FileName,
                              UINT64 OpenMode, UINT64 Attributes);          /* \ between names; . and .. are known */
    EFI_STATUS (EFIAPI *Close)(EFI_FILE_PROTOCOL *This);
    EFI_STATUS (EFIAPI *Delete)(EFI_FILE_PROTOCOL *This);                   /* and closes it, whatever happens */
    EFI_STATUS (EFIAPI *Read)(EFI_FILE_PROTOCOL *This, IN OUT UINTN *BufferSize, OUT VOID *Buffer);
    EFI_STATUS (EFIAPI *Write)(EFI_FILE_PROTOCOL *This, IN OUT UINTN *BufferSize, const VOID *Buffer);
    EFI_STATUS (EFIAPI *GetPosition)(EFI_FILE_PROTOCOL *This, OUT UINT64 *Position);
    EFI_STATUS (EFIAPI *SetPosition)(EFI_FILE_PROTOCOL *This, UINT64 Position);     /* all ones: the end */
    EFI_STATUS (EFIAPI *GetInfo)(EFI_FILE_PROTOCOL *This, const EFI_GUID *InformationType, IN OUT UINTN *BufferSize,
                                 OUT VOID *Buffer);
    EFI_STATUS (EFIAPI *SetInfo)(EFI_FILE_PROTOCOL *This, const EFI_GUID *InformationType, UINTN BufferSize,
                                 const VOID *Buffer);
    EFI_STATUS (EFIAPI *Flush)(EFI_FILE_PROTOCOL *This);
    EFI_STATUS (EFIAPI *OpenEx)(EFI_FILE_PROTOCOL *This, OUT EFI_FILE_PROTOCOL **NewHandle, const CHAR16 *FileName,
                                UINT64 OpenMode, UINT64 Attributes, IN OUT EFI_FILE_IO_TOKEN *Token);
    EFI_STATUS (EFIAPI *ReadEx)(EFI_FILE_PROTOCOL *This, IN OUT EFI_FILE_IO_TOKEN *Token);
    EFI_STATUS (EFIAPI *WriteEx)(EFI_FILE_PROTOCOL *This, IN OUT EFI_FILE_IO_TOKEN *Token);
    EFI_STATUS (EFIAPI *FlushEx)(EFI_FILE_PROTOCOL *This, IN OUT EFI_FILE_IO_TOKEN *Token);
};

#define EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_REVISION 0x00010000u

typedef struct EFI_SIMPLE_FILE_SYSTEM_PROTOCOL EFI_SIMPLE_FILE_SYSTEM_PROTOCOL;
struct EFI_SIMPLE_FILE_SYSTEM_PROTOCOL {
    UINT64     Revision;
    EFI_STATUS (EFIAPI *OpenVolume)(EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *This, OUT EFI_FILE_PROTOCOL **Root);
};

/* The names make these as long as they like: ask for the size first (BUFFER_TOO_SMALL says it). Reading a directory
 * gives an EFI_FILE_INFO a time, and no bytes at the end. */
typedef struct {
    UINT64   Size;                                      /* of this structure with the name */
    UINT64   FileSize;
    UINT64   PhysicalSize;
    EFI_TIME CreateTime;
    EFI_TIME LastAccessTime;
    EFI_TIME ModificationTime;
    UINT64   Attribute;
    CHAR16   FileName[];
} EFI_FILE_INFO;

typedef struct {
    UINT64  Size;
    BOOLEAN ReadOnly;
    UINT64  VolumeSize;
    UINT64  FreeSpace;
    UINT32  BlockSize;
    CHAR16  VolumeLabel[];                              /* at offset 36: sizeof, 40, is padded */
} EFI_FILE_SYSTEM_INFO;

/* ---- 13.7, 13.9 Disks: by bytes, by blocks ---------------------------------------------------------------------- */

#define EFI_DISK_IO_PROTOCOL_GUID \
    EFI_GUID_OF(0xCE345171, 0xBA0B, 0x11D2, 0x8E, 0x4F, 0x00, 0xA0, 0xC9, 0x69, 0x72, 0x3B)
#define EFI_BLOCK_IO_PROTOCOL_GUID \
    EFI_GUID_OF(0x964E5B21, 0x6459, 0x11D2, 0x8E, 0x39, 0x00, 0xA0, 0xC9, 0x69, 0x72, 0x3B)

typedef struct EFI_DISK_IO_PROTOCOL EFI_DISK_IO_PROTOCOL;
struct EFI_DISK_IO_PROTOCOL {
    UINT64     Revision;
    EFI_STATUS (EFIAPI *ReadDisk)(EFI_DISK_IO_PROTOCOL *This, UINT32 MediaId, UINT64 Offset, UINTN BufferSize,
                                  OUT VOID *Buffer);
    EFI_STATUS (EFIAPI *WriteDisk)(EFI_DISK_IO_PROTOCOL *This, UINT32 MediaId, UINT64 Offset, UINTN BufferSize,
                                   const VOID *Buffer);
};

typedef struct {
    UINT32  MediaId;                                    /* another one when the medium was changed */
    BOOLEAN RemovableMedia;
    BOOLEAN MediaPresent;
    BOOLEAN LogicalPartition;                           /* a partition, not the whole disk */
    BOOLEAN ReadOnly;
    BOOLEAN WriteCaching;
    UINT32  BlockSize;
    UINT32  IoAlign;                                    /* of buffers; 0 and 1: none */
    EFI_LBA LastBlock;
    EFI_LBA LowestAlignedLba;                           /* Revision 2 */
    UINT32  LogicalBlocksPerPhysicalBlock;
    UINT32  OptimalTransferLengthGranularity;           /* Revision 3 */
} EFI_BLOCK_IO_MEDIA;

#define EFI_BLOCK_IO_PROTOCOL_REVISION  0x00010000u
#define EFI_BLOCK_IO_PROTOCOL_REVISION2 0x00020001u
#define EFI_BLOCK_IO_PROTOCOL_REVISION3 0x0002001Fu

typedef struct EFI_BLOCK_IO_PROTOCOL EFI_BLOCK_IO_PROTOCOL;
struct EFI_BLOCK_IO_PROTOCOL {
    UINT64              Revision;
    EFI_BLOCK_IO_MEDIA *Media;
    EFI_STATUS (EFIAPI *Reset)(EFI_BLOCK_IO_PROTOCOL *This, BOOLEAN ExtendedVerification);
    EFI_STATUS (EFIAPI *ReadBlocks)(EFI_BLOCK_IO_PROTOCOL *This, UINT32 MediaId, EFI_LBA Lba, UINTN BufferSize,
                                    OUT VOID *Buffer);
    EFI_STATUS (EFIAPI *WriteBlocks)(EFI_BLOCK_IO_PROTOCOL *This, UINT32 MediaId, EFI_LBA Lba, UINTN BufferSize,
                                     const VOID *Buffer);
    EFI_STATUS (EFIAPI *FlushBlocks)(EFI_BLOCK_IO_PROTOCOL *This);
};

/* ---- 21.1 Unicode Collation: how FAT drivers compare names ------------------------------------------------------ */

#define EFI_UNICODE_COLLATION_PROTOCOL2_GUID \
    EFI_GUID_OF(0xA4C751FC, 0x23AE, 0x4C3E, 0x92, 0xE9, 0x49, 0x64, 0xCF, 0x63, 0xF3, 0x49)

typedef struct EFI_UNICODE_COLLATION_PROTOCOL EFI_UNICODE_COLLATION_PROTOCOL;
struct EFI_UNICODE_COLLATION_PROTOCOL {
    INTN    (EFIAPI *StriColl)(EFI_UNICODE_COLLATION_PROTOCOL *This, const CHAR16 *Str1, const CHAR16 *Str2);
    BOOLEAN (EFIAPI *MetaiMatch)(EFI_UNICODE_COLLATION_PROTOCOL *This, const CHAR16 *String, const CHAR16 *Pattern);
    VOID    (EFIAPI *StrLwr)(EFI_UNICODE_COLLATION_PROTOCOL *This, IN OUT CHAR16 *Str);
    VOID    (EFIAPI *StrUpr)(EFI_UNICODE_COLLATION_PROTOCOL *This, IN OUT CHAR16 *Str);
    VOID    (EFIAPI *FatToStr)(EFI_UNICODE_COLLATION_PROTOCOL *This, UINTN FatSize, const CHAR8 *Fat, OUT CHAR16 *String);
    BOOLEAN (EFIAPI *StrToFat)(EFI_UNICODE_COLLATION_PROTOCOL *This, const CHAR16 *String, UINTN FatSize, OUT CHAR8 *Fat);
    CHAR8  *SupportedLanguages;
};

/* ---- 37.5 Random numbers ---------------------------------------------------------------------------------------- */

#define EFI_RNG_PROTOCOL_GUID \
    EFI_GUID_OF(0x3152BCA5, 0xEADE, 0x433D, 0x86, 0x2E, 0xC0, 0x1C, 0xDC, 0x29, 0x1F, 0x44)
#define EFI_RNG_ALGORITHM_SP800_90_HASH_256_GUID \
    EFI_GUID_OF(0xA7AF67CB, 0x603B, 0x4D42, 0xBA, 0x21, 0x70, 0xBF, 0xB6, 0x29, 0x3F, 0x96)
#define EFI_RNG_ALGORITHM_SP800_90_HMAC_256_GUID \
    EFI_GUID_OF(0xC5149B43, 0xAE85, 0x4F53, 0x99, 0x82, 0xB9, 0x43, 0x35, 0xD3, 0xA9, 0xE7)
#define EFI_RNG_ALGORITHM_SP800_90_CTR_256_GUID \
    EFI_GUID_OF(0x44F0DE6E, 0x4D8C, 0x4045, 0xA8, 0xC7, 0x4D, 0xD1, 0x68, 0x85, 0x6B, 0x9E)
#define EFI_RNG_ALGORITHM_RAW \
    EFI_GUID_OF(0xE43176D7, 0xB6E8, 0x4827, 0xB7, 0x84, 0x7F, 0xFD, 0xC4, 0xB6, 0x85, 0x61)

typedef struct EFI_RNG_PROTOCOL EFI_RNG_PROTOCOL;
struct EFI_RNG_PROTOCOL {
    EFI_STATUS (EFIAPI *GetInfo)(EFI_RNG_PROTOCOL *This, IN OUT UINTN *RNGAlgorithmListSize,
                                 OUT EFI_GUID *RNGAlgorithmList);
    EFI_STATUS (EFIAPI *GetRNG)(EFI_RNG_PROTOCOL *This, OPTIONAL const EFI_GUID *RNGAlgorithm, UINTN RNGValueLength,
                                OUT UINT8 *RNGValue);
};

/* ---- 37 Memory attributes: pages that may not be written or executed -------------------------------------------- */

#define EFI_MEMORY_ATTRIBUTE_PROTOCOL_GUID \
    EFI_GUID_OF(0xF4560CF6, 0x40EC, 0x4B4A, 0xA1, 0x92, 0xBF, 0x1D, 0x57, 0xD0, 0xB1, 0x89)

typedef struct EFI_MEMORY_ATTRIBUTE_PROTOCOL EFI_MEMORY_ATTRIBUTE_PROTOCOL;
struct EFI_MEMORY_ATTRIBUTE_PROTOCOL {                  /* whole pages; EFI_MEMORY_RP, XP and RO */
    EFI_STATUS (EFIAPI *GetMemoryAttributes)(EFI_MEMORY_ATTRIBUTE_PROTOCOL *This, EFI_PHYSICAL_ADDRESS BaseAddress,
                                             UINT64 Length, OUT UINT64 *Attributes);
    EFI_STATUS (EFIAPI *SetMemoryAttributes)(EFI_MEMORY_ATTRIBUTE_PROTOCOL *This, EFI_PHYSICAL_ADDRESS BaseAddress,
                                             UINT64 Length, UINT64 Attributes);
    EFI_STATUS (EFIAPI *ClearMemoryAttributes)(EFI_MEMORY_ATTRIBUTE_PROTOCOL *This, EFI_PHYSICAL_ADDRESS BaseAddress,
                                               UINT64 Length, UINT64 Attributes);
};

/* ---- Not UEFI's: what shim offers to the loader behind it. Its functions have the System V convention ----------- */

#define SHIM_LOCK_GUID \
    EFI_GUID_OF(0x605DAB50, 0xE046, 0x4300, 0xAB, 0xB6, 0x3D, 0xD8, 0x10, 0xDD, 0x8B, 0x23)

typedef struct {
    EFI_STATUS (*Verify)(VOID *Buffer, UINT32 Size);
    EFI_STATUS (*Hash)(CHAR8 *Data, INT32 DataSize, VOID *Context, UINT8 *Sha256Hash, UINT8 *Sha1Hash);
    EFI_STATUS (*Context)(VOID *Data, UINT32 DataSize, VOID *Context);
} SHIM_LOCK;

_Static_assert(sizeof(EFI_LOADED_IMAGE_PROTOCOL) == 96, "EFI_LOADED_IMAGE_PROTOCOL");
_Static_assert(sizeof(EFI_DRIVER_BINDING_PROTOCOL) == 48, "EFI_DRIVER_BINDING_PROTOCOL");
_Static_assert(sizeof(EFI_KEY_DATA) == 12, "EFI_KEY_DATA");
_Static_assert(sizeof(EFI_GRAPHICS_OUTPUT_MODE_INFORMATION) == 36, "EFI_GRAPHICS_OUTPUT_MODE_INFORMATION");
_Static_assert(sizeof(EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE) == 40, "EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE");
_Static_assert(offsetof(EFI_FILE_INFO, FileName) == 80, "EFI_FILE_INFO");
_Static_assert(offsetof(EFI_FILE_SYSTEM_INFO, VolumeLabel) == 36, "EFI_FILE_SYSTEM_INFO");
_Static_assert(sizeof(EFI_FILE_PROTOCOL) == 15 * 8, "EFI_FILE_PROTOCOL");
_Static_assert(sizeof(EFI_BLOCK_IO_MEDIA) == 48, "EFI_BLOCK_IO_MEDIA");
_Static_assert(sizeof(SERIAL_IO_MODE) == 32, "SERIAL_IO_MODE");

#endif
