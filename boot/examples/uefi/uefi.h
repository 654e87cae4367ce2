/* UEFI for x86-64 in C: types, statuses, the system table, boot services, runtime services.
 *
 * Layouts, names and numbers are those of the UEFI specification 2.10; a comment names the section. Protocols are in
 * protocols.h, device paths in device_path.h. Nothing else is needed:
 *
 *     gcc -std=gnu11 -ffreestanding -fpie -fno-stack-protector -mno-red-zone ...
 *
 * Three things are unlike the C of a Linux program:
 *   - Services are called as on Windows (2.3.4): arguments in RCX, RDX, R8, R9, then on the stack above 32 bytes that
 *     belong to the callee. EFIAPI says so to the compiler; without it the arguments arrive in the wrong registers.
 *   - Text is CHAR16, written u"text", and a line ends with \r\n.
 *   - Structures grow from version to version, so sizes of what the firmware hands out are asked for, not assumed:
 *     see GetMemoryMap's DescriptorSize.
 */
#ifndef UEFI_H
#define UEFI_H

#include <stddef.h>
#include <stdint.h>

#define EFIAPI __attribute__((ms_abi))
#define IN
#define OUT
#define OPTIONAL

/* ---- 2.3.1 Data types ------------------------------------------------------------------------------------------- */

typedef uint8_t             BOOLEAN;                    /* 0 or 1 */
typedef int8_t              INT8;
typedef uint8_t             UINT8;
typedef int16_t             INT16;
typedef uint16_t            UINT16;
typedef int32_t             INT32;
typedef uint32_t            UINT32;
typedef int64_t             INT64;
typedef uint64_t            UINT64;
typedef int64_t             INTN;                       /* as wide as the processor's registers */
typedef uint64_t            UINTN;
typedef char                CHAR8;
typedef __CHAR16_TYPE__     CHAR16;                     /* UCS-2, as in u"text" */
typedef void                VOID;
typedef UINTN               EFI_STATUS;
typedef VOID               *EFI_HANDLE;                 /* a name for a set of protocols, nothing to look into */
typedef VOID               *EFI_EVENT;
typedef UINTN               EFI_TPL;                    /* task priority level */
typedef UINT64              EFI_LBA;                    /* a block's number */
typedef UINT64              EFI_PHYSICAL_ADDRESS;
typedef UINT64              EFI_VIRTUAL_ADDRESS;

#define TRUE  ((BOOLEAN)1)
#define FALSE ((BOOLEAN)0)

typedef struct {
    UINT32 Data1;
    UINT16 Data2;
    UINT16 Data3;
    UINT8  Data4[8];
} EFI_GUID;

/* A GUID as it is written: 09576E91-6D3F-11D2-8E39-00A0C969723B is EFI_GUID_OF(0x09576E91, 0x6D3F, 0x11D2, 0x8E,0x39,
 * 0x00,...). It is an object, so `&EFI_DEVICE_PATH_PROTOCOL_GUID` can be handed to a service. */
#define EFI_GUID_OF(a, b, c, ...) ((EFI_GUID){a, b, c, {__VA_ARGS__}})

/* ---- Appendix D: status codes. The highest bit says that it is an error ----------------------------------------- */

#define EFI_ERROR_BIT               0x8000000000000000u
#define EFI_ERR(number)             (EFI_ERROR_BIT | (number))
#define EFI_ERROR(status)           ((INTN)(EFI_STATUS)(status) < 0)

#define EFI_SUCCESS                 0u
#define EFI_LOAD_ERROR              EFI_ERR(1)
#define EFI_INVALID_PARAMETER       EFI_ERR(2)
#define EFI_UNSUPPORTED             EFI_ERR(3)
#define EFI_BAD_BUFFER_SIZE         EFI_ERR(4)
#define EFI_BUFFER_TOO_SMALL        EFI_ERR(5)
#define EFI_NOT_READY               EFI_ERR(6)
#define EFI_DEVICE_ERROR            EFI_ERR(7)
#define EFI_WRITE_PROTECTED         EFI_ERR(8)
#define EFI_OUT_OF_RESOURCES        EFI_ERR(9)
#define EFI_VOLUME_CORRUPTED        EFI_ERR(10)
#define EFI_VOLUME_FULL             EFI_ERR(11)
#define EFI_NO_MEDIA                EFI_ERR(12)
#define EFI_MEDIA_CHANGED           EFI_ERR(13)
#define EFI_NOT_FOUND               EFI_ERR(14)
#define EFI_ACCESS_DENIED           EFI_ERR(15)
#define EFI_NO_RESPONSE             EFI_ERR(16)
#define EFI_NO_MAPPING              EFI_ERR(17)
#define EFI_TIMEOUT                 EFI_ERR(18)
#define EFI_NOT_STARTED             EFI_ERR(19)
#define EFI_ALREADY_STARTED         EFI_ERR(20)
#define EFI_ABORTED                 EFI_ERR(21)
#define EFI_ICMP_ERROR              EFI_ERR(22)
#define EFI_TFTP_ERROR              EFI_ERR(23)
#define EFI_PROTOCOL_ERROR          EFI_ERR(24)
#define EFI_INCOMPATIBLE_VERSION    EFI_ERR(25)
#define EFI_SECURITY_VIOLATION      EFI_ERR(26)
#define EFI_CRC_ERROR               EFI_ERR(27)
#define EFI_END_OF_MEDIA            EFI_ERR(28)
#define EFI_END_OF_FILE             EFI_ERR(31)
#define EFI_INVALID_LANGUAGE        EFI_ERR(32)
#define EFI_COMPROMISED_DATA        EFI_ERR(33)
#define EFI_IP_ADDRESS_CONFLICT     EFI_ERR(34)
#define EFI_HTTP_ERROR              EFI_ERR(35)

#define EFI_WARN_UNKNOWN_GLYPH      1u
#define EFI_WARN_DELETE_FAILURE     2u
#define EFI_WARN_WRITE_FAILURE      3u
#define EFI_WARN_BUFFER_TOO_SMALL   4u
#define EFI_WARN_STALE_DATA         5u
#define EFI_WARN_FILE_SYSTEM        6u
#define EFI_WARN_RESET_REQUIRED     7u

/* ---- 4.2 The header in front of each table ---------------------------------------------------------------------- */

typedef struct {
    UINT64 Signature;                                   /* eight letters */
    UINT32 Revision;                                    /* major << 16 | minor * 10, as 2.10: 0002'0064h */
    UINT32 HeaderSize;                                  /* of the whole table */
    UINT32 CRC32;                                       /* over HeaderSize bytes, with 0 in this field */
    UINT32 Reserved;
} EFI_TABLE_HEADER;

#define EFI_SYSTEM_TABLE_SIGNATURE      0x5453595320494249u     /* "IBI SYST" */
#define EFI_BOOT_SERVICES_SIGNATURE     0x56524553544F4F42u     /* "BOOTSERV" */
#define EFI_RUNTIME_SERVICES_SIGNATURE  0x56524553544E5552u     /* "RUNTSERV" */
#define EFI_2_10_SYSTEM_TABLE_REVISION  ((2u << 16) | 100u)

/* ---- 7.2 Memory ------------------------------------------------------------------------------------------------- */

#define EFI_PAGE_SIZE   4096u
#define EFI_PAGE_SHIFT  12
#define EFI_SIZE_TO_PAGES(bytes) (((UINTN)(bytes) + EFI_PAGE_SIZE - 1) >> EFI_PAGE_SHIFT)

typedef enum {
    AllocateAnyPages,                                   /* *Memory is only written */
    AllocateMaxAddress,                                 /* *Memory: no byte above this one */
    AllocateAddress,                                    /* *Memory: here and nowhere else */
    MaxAllocateType
} EFI_ALLOCATE_TYPE;

typedef enum {                                          /* after ExitBootServices the memory is ... */
    EfiReservedMemoryType,                              /*  0  not to be touched */
    EfiLoaderCode,                                      /*  1  yours: an application's code */
    EfiLoaderData,                                      /*  2  yours: what it allocated */
    EfiBootServicesCode,                                /*  3  free */
    EfiBootServicesData,                                /*  4  free; the stack you run on and the page tables are here */
    EfiRuntimeServicesCode,                             /*  5  to be kept: runtime services live on */
    EfiRuntimeServicesData,                             /*  6  the same */
    EfiConventionalMemory,                              /*  7  free */
    EfiUnusableMemory,                                  /*  8  broken */
    EfiACPIReclaimMemory,                               /*  9  free once the ACPI tables have been read */
    EfiACPIMemoryNVS,                                   /* 10  to be kept: the firmware's own across sleep */
    EfiMemoryMappedIO,                                  /* 11  devices, not memory */
    EfiMemoryMappedIOPortSpace,                         /* 12  devices, not memory */
    EfiPalCode,                                         /* 13  Itanium */
    EfiPersistentMemory,                                /* 14  keeps its contents without power */
    EfiUnacceptedMemoryType,                            /* 15  of a confidential guest */
    EfiMaxMemoryType                                    /*     70000000h and up: the vendor's and the loader's own */
} EFI_MEMORY_TYPE;

#define EFI_MEMORY_UC               0x0000000000000001u /* what caching it is capable of: none, */
#define EFI_MEMORY_WC               0x0000000000000002u /* write combining, */
#define EFI_MEMORY_WT               0x0000000000000004u /* write through, */
#define EFI_MEMORY_WB               0x0000000000000008u /* write back */
#define EFI_MEMORY_UCE              0x0000000000000010u
#define EFI_MEMORY_WP               0x0000000000001000u
#define EFI_MEMORY_RP               0x0000000000002000u /* reads fault */
#define EFI_MEMORY_XP               0x0000000000004000u /* execution faults */
#define EFI_MEMORY_NV               0x0000000000008000u
#define EFI_MEMORY_MORE_RELIABLE    0x0000000000010000u
#define EFI_MEMORY_RO               0x0000000000020000u /* writes fault */
#define EFI_MEMORY_SP               0x0000000000040000u /* for a special purpose */
#define EFI_MEMORY_CPU_CRYPTO       0x0000000000080000u
#define EFI_MEMORY_RUNTIME          0x8000000000000000u /* SetVirtualAddressMap must map it */

#define EFI_MEMORY_DESCRIPTOR_VERSION 1

/* Never an array element: the distance from one descriptor to the next is GetMemoryMap's DescriptorSize, and firmware
 * makes it 48 on purpose, so that whoever uses sizeof (40) finds out on the first day. */
typedef struct {
    UINT32               Type;                          /* EFI_MEMORY_TYPE; 4 bytes of padding follow */
    EFI_PHYSICAL_ADDRESS PhysicalStart;
    EFI_VIRTUAL_ADDRESS  VirtualStart;                  /* for SetVirtualAddressMap only */
    UINT64               NumberOfPages;                 /* of 4 KB, whatever the paging */
    UINT64               Attribute;                     /* EFI_MEMORY_... */
} EFI_MEMORY_DESCRIPTOR;

/* ---- 12.3, 12.4 The console ------------------------------------------------------------------------------------- */

typedef struct EFI_SIMPLE_TEXT_INPUT_PROTOCOL EFI_SIMPLE_TEXT_INPUT_PROTOCOL;
typedef struct EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL;

typedef struct {
    UINT16 ScanCode;                                    /* SCAN_..., or 0 and a character in UnicodeChar */
    CHAR16 UnicodeChar;
} EFI_INPUT_KEY;

#define SCAN_NULL       0x00
#define SCAN_UP         0x01
#define SCAN_DOWN       0x02
#define SCAN_RIGHT      0x03
#define SCAN_LEFT       0x04
#define SCAN_HOME       0x05
#define SCAN_END        0x06
#define SCAN_INSERT     0x07
#define SCAN_DELETE     0x08
#define SCAN_PAGE_UP    0x09
#define SCAN_PAGE_DOWN  0x0A
#define SCAN_F1         0x0B                            /* F2 is the next one, and so on to */
#define SCAN_F10        0x14
#define SCAN_F11        0x15
#define SCAN_F12        0x16
#define SCAN_ESC        0x17

struct EFI_SIMPLE_TEXT_INPUT_PROTOCOL {
    EFI_STATUS (EFIAPI *Reset)(EFI_SIMPLE_TEXT_INPUT_PROTOCOL *This, BOOLEAN ExtendedVerification);
    EFI_STATUS (EFIAPI *ReadKeyStroke)(EFI_SIMPLE_TEXT_INPUT_PROTOCOL *This, OUT EFI_INPUT_KEY *Key);   /* NOT_READY */
    EFI_EVENT  WaitForKey;
};

typedef struct {
    INT32   MaxMode;                                    /* modes 0 .. MaxMode - 1 */
    INT32   Mode;
    INT32   Attribute;
    INT32   CursorColumn;
    INT32   CursorRow;
    BOOLEAN CursorVisible;
} SIMPLE_TEXT_OUTPUT_MODE;

struct EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL {
    EFI_STATUS (EFIAPI *Reset)(EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL *This, BOOLEAN ExtendedVerification);
    EFI_STATUS (EFIAPI *OutputString)(EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL *This, const CHAR16 *String);
    EFI_STATUS (EFIAPI *TestString)(EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL *This, const CHAR16 *String);
    EFI_STATUS (EFIAPI *QueryMode)(EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL *This, UINTN ModeNumber, OUT UINTN *Columns,
                                   OUT UINTN *Rows);
    EFI_STATUS (EFIAPI *SetMode)(EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL *This, UINTN ModeNumber);
    EFI_STATUS (EFIAPI *SetAttribute)(EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL *This, UINTN Attribute);
    EFI_STATUS (EFIAPI *ClearScreen)(EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL *This);
    EFI_STATUS (EFIAPI *SetCursorPosition)(EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL *This, UINTN Column, UINTN Row);
    EFI_STATUS (EFIAPI *EnableCursor)(EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL *This, BOOLEAN Visible);
    SIMPLE_TEXT_OUTPUT_MODE *Mode;
};

#define EFI_BLACK           0x00
#define EFI_BLUE            0x01
#define EFI_GREEN           0x02
#define EFI_CYAN            0x03
#define EFI_RED             0x04
#define EFI_MAGENTA         0x05
#define EFI_BROWN           0x06
#define EFI_LIGHTGRAY       0x07
#define EFI_DARKGRAY        0x08                        /* from here on foreground only */
#define EFI_LIGHTBLUE       0x09
#define EFI_LIGHTGREEN      0x0A
#define EFI_LIGHTCYAN       0x0B
#define EFI_LIGHTRED        0x0C
#define EFI_LIGHTMAGENTA    0x0D
#define EFI_YELLOW          0x0E
#define EFI_WHITE           0x0F
#define EFI_TEXT_ATTR(foreground, background) ((foreground) | ((background) << 4))

/* ---- 7 Boot services, gone after ExitBootServices --------------------------------------------------------------- */

struct EFI_DEVICE_PATH_PROTOCOL;                        /* device_path.h */
struct EFI_SYSTEM_TABLE;                                /* below */

typedef enum { TimerCancel, TimerPeriodic, TimerRelative } EFI_TIMER_DELAY;
typedef enum { EFI_NATIVE_INTERFACE } EFI_INTERFACE_TYPE;
typedef enum { AllHandles, ByRegisterNotify, ByProtocol } EFI_LOCATE_SEARCH_TYPE;
typedef VOID (EFIAPI *EFI_EVENT_NOTIFY)(EFI_EVENT Event, VOID *Context);
typedef EFI_STATUS (EFIAPI *EFI_IMAGE_ENTRY_POINT)(EFI_HANDLE ImageHandle, struct EFI_SYSTEM_TABLE *SystemTable);

#define EVT_TIMER                           0x80000000u
#define EVT_RUNTIME                         0x40000000u
#define EVT_NOTIFY_WAIT                     0x00000100u
#define EVT_NOTIFY_SIGNAL                   0x00000200u
#define EVT_SIGNAL_EXIT_BOOT_SERVICES       0x00000201u
#define EVT_SIGNAL_VIRTUAL_ADDRESS_CHANGE   0x60000202u

#define TPL_APPLICATION     4
#define TPL_CALLBACK        8
#define TPL_NOTIFY          16
#define TPL_HIGH_LEVEL      31

#define EFI_OPEN_PROTOCOL_BY_HANDLE_PROTOCOL    0x00000001u
#define EFI_OPEN_PROTOCOL_GET_PROTOCOL          0x00000002u     /* the pointer, and no bookkeeping */
#define EFI_OPEN_PROTOCOL_TEST_PROTOCOL         0x00000004u     /* not even the pointer */
#define EFI_OPEN_PROTOCOL_BY_CHILD_CONTROLLER   0x00000008u
#define EFI_OPEN_PROTOCOL_BY_DRIVER             0x00000010u
#define EFI_OPEN_PROTOCOL_EXCLUSIVE             0x00000020u     /* drivers that have it open are disconnected */

typedef struct {
    EFI_HANDLE AgentHandle;
    EFI_HANDLE ControllerHandle;
    UINT32     Attributes;
    UINT32     OpenCount;
} EFI_OPEN_PROTOCOL_INFORMATION_ENTRY;

typedef struct {
    EFI_TABLE_HEADER Hdr;

    /* 7.1 Task priority */
    EFI_TPL    (EFIAPI *RaiseTPL)(EFI_TPL NewTpl);
    VOID       (EFIAPI *RestoreTPL)(EFI_TPL OldTpl);

    /* 7.2 Memory. The map is complete or BUFFER_TOO_SMALL; its key names the map as it was at that moment */
    EFI_STATUS (EFIAPI *AllocatePages)(EFI_ALLOCATE_TYPE Type, EFI_MEMORY_TYPE MemoryType, UINTN Pages,
                                       IN OUT EFI_PHYSICAL_ADDRESS *Memory);
    EFI_STATUS (EFIAPI *FreePages)(EFI_PHYSICAL_ADDRESS Memory, UINTN Pages);
    EFI_STATUS (EFIAPI *GetMemoryMap)(IN OUT UINTN *MemoryMapSize, OUT EFI_MEMORY_DESCRIPTOR *MemoryMap,
                                      OUT UINTN *MapKey, OUT UINTN *DescriptorSize, OUT UINT32 *DescriptorVersion);
    EFI_STATUS (EFIAPI *AllocatePool)(EFI_MEMORY_TYPE PoolType, UINTN Size, OUT VOID **Buffer);
    EFI_STATUS (EFIAPI *FreePool)(VOID *Buffer);

    /* 7.1 Events and timers; times in units of 100 ns */
    EFI_STATUS (EFIAPI *CreateEvent)(UINT32 Type, EFI_TPL NotifyTpl, OPTIONAL EFI_EVENT_NOTIFY NotifyFunction,
                                     OPTIONAL VOID *NotifyContext, OUT EFI_EVENT *Event);
    EFI_STATUS (EFIAPI *SetTimer)(EFI_EVENT Event, EFI_TIMER_DELAY Type, UINT64 TriggerTime);
    EFI_STATUS (EFIAPI *WaitForEvent)(UINTN NumberOfEvents, EFI_EVENT *Event, OUT UINTN *Index);
    EFI_STATUS (EFIAPI *SignalEvent)(EFI_EVENT Event);
    EFI_STATUS (EFIAPI *CloseEvent)(EFI_EVENT Event);
    EFI_STATUS (EFIAPI *CheckEvent)(EFI_EVENT Event);

    /* 7.3 Handles and protocols. *Handle == NULL makes a new handle */
    EFI_STATUS (EFIAPI *InstallProtocolInterface)(IN OUT EFI_HANDLE *Handle, const EFI_GUID *Protocol,
                                                  EFI_INTERFACE_TYPE InterfaceType, VOID *Interface);
    EFI_STATUS (EFIAPI *ReinstallProtocolInterface)(EFI_HANDLE Handle, const EFI_GUID *Protocol, VOID *OldInterface,
                                                    VOID *NewInterface);
    EFI_STATUS (EFIAPI *UninstallProtocolInterface)(EFI_HANDLE Handle, const EFI_GUID *Protocol, VOID *Interface);
    EFI_STATUS (EFIAPI *HandleProtocol)(EFI_HANDLE Handle, const EFI_GUID *Protocol, OUT VOID **Interface);
    VOID       *Reserved;
    EFI_STATUS (EFIAPI *RegisterProtocolNotify)(const EFI_GUID *Protocol, EFI_EVENT Event, OUT VOID **Registration);
    EFI_STATUS (EFIAPI *LocateHandle)(EFI_LOCATE_SEARCH_TYPE SearchType, OPTIONAL const EFI_GUID *Protocol,
                                      OPTIONAL VOID *SearchKey, IN OUT UINTN *BufferSize, OUT EFI_HANDLE *Buffer);
    EFI_STATUS (EFIAPI *LocateDevicePath)(const EFI_GUID *Protocol,
                                          IN OUT struct EFI_DEVICE_PATH_PROTOCOL **DevicePath, OUT EFI_HANDLE *Device);
    EFI_STATUS (EFIAPI *InstallConfigurationTable)(const EFI_GUID *Guid, OPTIONAL VOID *Table);     /* NULL removes */

    /* 7.4 Images */
    EFI_STATUS (EFIAPI *LoadImage)(BOOLEAN BootPolicy, EFI_HANDLE ParentImageHandle,
                                   OPTIONAL struct EFI_DEVICE_PATH_PROTOCOL *DevicePath, OPTIONAL VOID *SourceBuffer,
                                   UINTN SourceSize, OUT EFI_HANDLE *ImageHandle);
    EFI_STATUS (EFIAPI *StartImage)(EFI_HANDLE ImageHandle, OUT UINTN *ExitDataSize, OPTIONAL OUT CHAR16 **ExitData);
    EFI_STATUS (EFIAPI *Exit)(EFI_HANDLE ImageHandle, EFI_STATUS ExitStatus, UINTN ExitDataSize,
                              OPTIONAL CHAR16 *ExitData);
    EFI_STATUS (EFIAPI *UnloadImage)(EFI_HANDLE ImageHandle);
    EFI_STATUS (EFIAPI *ExitBootServices)(EFI_HANDLE ImageHandle, UINTN MapKey);

    /* 7.5 Miscellaneous */
    EFI_STATUS (EFIAPI *GetNextMonotonicCount)(OUT UINT64 *Count);
    EFI_STATUS (EFIAPI *Stall)(UINTN Microseconds);
    EFI_STATUS (EFIAPI *SetWatchdogTimer)(UINTN Timeout, UINT64 WatchdogCode, UINTN DataSize,   /* seconds; 0: off */
                                          OPTIONAL CHAR16 *WatchdogData);

    /* 7.3 Drivers */
    EFI_STATUS (EFIAPI *ConnectController)(EFI_HANDLE ControllerHandle, OPTIONAL EFI_HANDLE *DriverImageHandle,
                                           OPTIONAL struct EFI_DEVICE_PATH_PROTOCOL *RemainingDevicePath,
                                           BOOLEAN Recursive);
    EFI_STATUS (EFIAPI *DisconnectController)(EFI_HANDLE ControllerHandle, OPTIONAL EFI_HANDLE DriverImageHandle,
                                              OPTIONAL EFI_HANDLE ChildHandle);

    /* 7.3 Protocols, by those who say that they use them */
    EFI_STATUS (EFIAPI *OpenProtocol)(EFI_HANDLE Handle, const EFI_GUID *Protocol, OPTIONAL OUT VOID **Interface,
                                      EFI_HANDLE AgentHandle, EFI_HANDLE ControllerHandle, UINT32 Attributes);
    EFI_STATUS (EFIAPI *CloseProtocol)(EFI_HANDLE Handle, const EFI_GUID *Protocol, EFI_HANDLE AgentHandle,
                                       EFI_HANDLE ControllerHandle);
    EFI_STATUS (EFIAPI *OpenProtocolInformation)(EFI_HANDLE Handle, const EFI_GUID *Protocol,
                                                 OUT EFI_OPEN_PROTOCOL_INFORMATION_ENTRY **EntryBuffer,
                                                 OUT UINTN *EntryCount);

    /* 7.3 Libraries: what they return is the caller's to FreePool */
    EFI_STATUS (EFIAPI *ProtocolsPerHandle)(EFI_HANDLE Handle, OUT EFI_GUID ***ProtocolBuffer,
                                            OUT UINTN *ProtocolBufferCount);
    EFI_STATUS (EFIAPI *LocateHandleBuffer)(EFI_LOCATE_SEARCH_TYPE SearchType, OPTIONAL const EFI_GUID *Protocol,
                                            OPTIONAL VOID *SearchKey, OUT UINTN *NoHandles, OUT EFI_HANDLE **Buffer);
    EFI_STATUS (EFIAPI *LocateProtocol)(const EFI_GUID *Protocol, OPTIONAL VOID *Registration, OUT VOID **Interface);
    EFI_STATUS (EFIAPI *InstallMultipleProtocolInterfaces)(IN OUT EFI_HANDLE *Handle, ...);  /* GUID, interface, NULL */
    EFI_STATUS (EFIAPI *UninstallMultipleProtocolInterfaces)(EFI_HANDLE Handle, ...);

    /* 7.5 Small change */
    EFI_STATUS (EFIAPI *CalculateCrc32)(const VOID *Data, UINTN DataSize, OUT UINT32 *Crc32);
    VOID       (EFIAPI *CopyMem)(VOID *Destination, const VOID *Source, UINTN Length);          /* may overlap */
    VOID       (EFIAPI *SetMem)(VOID *Buffer, UINTN Size, UINT8 Value);

    EFI_STATUS (EFIAPI *CreateEventEx)(UINT32 Type, EFI_TPL NotifyTpl, OPTIONAL EFI_EVENT_NOTIFY NotifyFunction,
                                       OPTIONAL const VOID *NotifyContext, OPTIONAL const EFI_GUID *EventGroup,
                                       OUT EFI_EVENT *Event);
} EFI_BOOT_SERVICES;

/* ---- 8 Runtime services: an operating system may call them, too ------------------------------------------------- */

typedef struct {
    UINT16 Year;                                        /* 1900 - 9999 */
    UINT8  Month;                                       /* 1 - 12 */
    UINT8  Day;                                         /* 1 - 31 */
    UINT8  Hour;
    UINT8  Minute;
    UINT8  Second;
    UINT8  Pad1;
    UINT32 Nanosecond;
    INT16  TimeZone;                                    /* minutes from UTC, or 2047: local time */
    UINT8  Daylight;
    UINT8  Pad2;
} EFI_TIME;

#define EFI_UNSPECIFIED_TIMEZONE 0x07FF

typedef struct {
    UINT32  Resolution;                                 /* ticks a second */
    UINT32  Accuracy;                                   /* in 10^-12 */
    BOOLEAN SetsToZero;
} EFI_TIME_CAPABILITIES;

typedef enum { EfiResetCold, EfiResetWarm, EfiResetShutdown, EfiResetPlatformSpecific } EFI_RESET_TYPE;

typedef struct {
    EFI_GUID CapsuleGuid;
    UINT32   HeaderSize;
    UINT32   Flags;
    UINT32   CapsuleImageSize;
} EFI_CAPSULE_HEADER;

#define EFI_VARIABLE_NON_VOLATILE                           0x00000001u
#define EFI_VARIABLE_BOOTSERVICE_ACCESS                     0x00000002u
#define EFI_VARIABLE_RUNTIME_ACCESS                         0x00000004u
#define EFI_VARIABLE_HARDWARE_ERROR_RECORD                  0x00000008u
#define EFI_VARIABLE_AUTHENTICATED_WRITE_ACCESS             0x00000010u
#define EFI_VARIABLE_TIME_BASED_AUTHENTICATED_WRITE_ACCESS  0x00000020u
#define EFI_VARIABLE_APPEND_WRITE                           0x00000040u

typedef struct {
    EFI_TABLE_HEADER Hdr;

    /* 8.3 Time */
    EFI_STATUS (EFIAPI *GetTime)(OUT EFI_TIME *Time, OPTIONAL OUT EFI_TIME_CAPABILITIES *Capabilities);
    EFI_STATUS (EFIAPI *SetTime)(EFI_TIME *Time);
    EFI_STATUS (EFIAPI *GetWakeupTime)(OUT BOOLEAN *Enabled, OUT BOOLEAN *Pending, OUT EFI_TIME *Time);
    EFI_STATUS (EFIAPI *SetWakeupTime)(BOOLEAN Enable, OPTIONAL EFI_TIME *Time);

    /* 8.4 Virtual memory */
    EFI_STATUS (EFIAPI *SetVirtualAddressMap)(UINTN MemoryMapSize, UINTN DescriptorSize, UINT32 DescriptorVersion,
                                              EFI_MEMORY_DESCRIPTOR *VirtualMap);
    EFI_STATUS (EFIAPI *ConvertPointer)(UINTN DebugDisposition, IN OUT VOID **Address);

    /* 8.2 Variables: a name, a vendor's GUID, attributes, bytes. SetVariable with no bytes deletes */
    EFI_STATUS (EFIAPI *GetVariable)(const CHAR16 *VariableName, const EFI_GUID *VendorGuid,
                                     OPTIONAL OUT UINT32 *Attributes, IN OUT UINTN *DataSize, OPTIONAL OUT VOID *Data);
    EFI_STATUS (EFIAPI *GetNextVariableName)(IN OUT UINTN *VariableNameSize, IN OUT CHAR16 *VariableName,
                                             IN OUT EFI_GUID *VendorGuid);
    EFI_STATUS (EFIAPI *SetVariable)(const CHAR16 *VariableName, const EFI_GUID *VendorGuid, UINT32 Attributes,
                                     UINTN DataSize, const VOID *Data);

    /* 8.5 Miscellaneous */
    EFI_STATUS (EFIAPI *GetNextHighMonotonicCount)(OUT UINT32 *HighCount);
    VOID       (EFIAPI *ResetSystem)(EFI_RESET_TYPE ResetType, EFI_STATUS ResetStatus, UINTN DataSize,
                                     OPTIONAL VOID *ResetData);
    EFI_STATUS (EFIAPI *UpdateCapsule)(EFI_CAPSULE_HEADER **CapsuleHeaderArray, UINTN CapsuleCount,
                                       OPTIONAL EFI_PHYSICAL_ADDRESS ScatterGatherList);
    EFI_STATUS (EFIAPI *QueryCapsuleCapabilities)(EFI_CAPSULE_HEADER **CapsuleHeaderArray, UINTN CapsuleCount,
                                                  OUT UINT64 *MaximumCapsuleSize, OUT EFI_RESET_TYPE *ResetType);
    EFI_STATUS (EFIAPI *QueryVariableInfo)(UINT32 Attributes, OUT UINT64 *MaximumVariableStorageSize,
                                           OUT UINT64 *RemainingVariableStorageSize, OUT UINT64 *MaximumVariableSize);
} EFI_RUNTIME_SERVICES;

/* ---- 4.3 The system table: what an application is given, in RDX ------------------------------------------------- */

typedef struct {
    EFI_GUID VendorGuid;                                /* ACPI's, SMBIOS's, ...: protocols.h has them */
    VOID    *VendorTable;
} EFI_CONFIGURATION_TABLE;

typedef struct EFI_SYSTEM_TABLE {
    EFI_TABLE_HEADER                 Hdr;
    CHAR16                          *FirmwareVendor;
    UINT32                           FirmwareRevision;
    EFI_HANDLE                       ConsoleInHandle;
    EFI_SIMPLE_TEXT_INPUT_PROTOCOL  *ConIn;
    EFI_HANDLE                       ConsoleOutHandle;
    EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL *ConOut;
    EFI_HANDLE                       StandardErrorHandle;
    EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL *StdErr;
    EFI_RUNTIME_SERVICES            *RuntimeServices;
    EFI_BOOT_SERVICES               *BootServices;      /* NULL after ExitBootServices, as all of the console is */
    UINTN                            NumberOfTableEntries;
    EFI_CONFIGURATION_TABLE         *ConfigurationTable;
} EFI_SYSTEM_TABLE;

/* ---- The specification's offsets, so that a slip above does not get as far as a crash --------------------------- */

_Static_assert(sizeof(EFI_GUID) == 16, "EFI_GUID");
_Static_assert(sizeof(EFI_TABLE_HEADER) == 24, "EFI_TABLE_HEADER");
_Static_assert(sizeof(EFI_MEMORY_DESCRIPTOR) == 40, "EFI_MEMORY_DESCRIPTOR");
_Static_assert(sizeof(EFI_TIME) == 16, "EFI_TIME");
_Static_assert(sizeof(EFI_BOOT_SERVICES) == 24 + 44 * 8, "EFI_BOOT_SERVICES");
_Static_assert(offsetof(EFI_BOOT_SERVICES, HandleProtocol) == 0x98, "EFI_BOOT_SERVICES.HandleProtocol");
_Static_assert(offsetof(EFI_BOOT_SERVICES, ExitBootServices) == 0xE8, "EFI_BOOT_SERVICES.ExitBootServices");
_Static_assert(offsetof(EFI_BOOT_SERVICES, LocateProtocol) == 0x140, "EFI_BOOT_SERVICES.LocateProtocol");
_Static_assert(sizeof(EFI_RUNTIME_SERVICES) == 24 + 14 * 8, "EFI_RUNTIME_SERVICES");
_Static_assert(sizeof(EFI_SYSTEM_TABLE) == 120, "EFI_SYSTEM_TABLE");

#endif
