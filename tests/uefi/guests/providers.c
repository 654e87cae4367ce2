/* 7.4, 13.1 to 13.4: files and images that the guest itself provides: LoadFile, LoadFile2, a file system, a device path. */
#include "guest.h"
#include "protocols.h"

static UINT8 *File;                                     /* this application's own file */
static UINTN FileSize;
static EFI_GUID Path_guid = EFI_DEVICE_PATH_PROTOCOL_GUID,
                Load = EFI_LOAD_FILE_PROTOCOL_GUID, Load2 = EFI_LOAD_FILE2_PROTOCOL_GUID,
                System = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;

/* The initrd's path as Linux asks for it: VenMedia(5568E427-...). */
static struct PACKED { VENDOR_DEVICE_PATH vendor; EFI_DEVICE_PATH_PROTOCOL end; }
    Initrd = {{{MEDIA_DEVICE_PATH, MEDIA_VENDOR_DP, {20, 0}},
               {0x5568E427, 0x68FC, 0x4F3D, {0xAC, 0x74, 0xCA, 0x55, 0x52, 0x31, 0xCC, 0x68}}},
              {END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}}};

/* A device of the guest's own, and a file on it. */
static struct PACKED { VENDOR_DEVICE_PATH vendor; EFI_DEVICE_PATH_PROTOCOL end; }
    Device = {{{HARDWARE_DEVICE_PATH, HW_VENDOR_DP, {20, 0}}, {0xABCDEF, 1, 2, {3}}},
              {END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}}};
static struct PACKED { VENDOR_DEVICE_PATH vendor; FILEPATH_DEVICE_PATH file; CHAR16 name[10]; EFI_DEVICE_PATH_PROTOCOL end; }
    OnDevice = {{{HARDWARE_DEVICE_PATH, HW_VENDOR_DP, {20, 0}}, {0xABCDEF, 1, 2, {3}}},
                {{MEDIA_DEVICE_PATH, MEDIA_FILEPATH_DP, {24, 0}}}, u"\\boot.efi",
                {END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}}};

/* ---- LoadFile ---------------------------------------------------------------------------------------------------- */

static char Calls[200];
static UINTN Count;
static EFI_STATUS Refuse;

static void called(const char *what)
{
    while (*what && Count < sizeof Calls - 2)
        Calls[Count++] = *what++;
    Calls[Count++] = ' ', Calls[Count] = 0;
}

static void calls(const char *name, EFI_STATUS ended)
{
    tell(name, "%r, %s", ended, Count ? Calls : "not called");
    Count = Calls[0] = 0;
}

static EFI_STATUS EFIAPI load_file(EFI_LOAD_FILE_PROTOCOL *this, EFI_DEVICE_PATH_PROTOCOL *path, BOOLEAN policy,
                                   UINTN *size, VOID *buffer)
{
    called(policy ? "boot" : "load");
    called(IsDevicePathEnd(path) ? "end" : path->SubType == MEDIA_FILEPATH_DP ? "file" : "path");
    if (EFI_ERROR(Refuse))
        return Refuse;
    if (!buffer || *size < FileSize) {
        called("size");
        *size = FileSize;
        return EFI_BUFFER_TOO_SMALL;
    }
    called("data");
    memcpy(buffer, File, FileSize);
    *size = FileSize;
    return EFI_SUCCESS;
}

static EFI_LOAD_FILE_PROTOCOL Provider = {load_file};

static EFI_STATUS load(EFI_DEVICE_PATH_PROTOCOL *path, BOOLEAN policy)
{
    EFI_HANDLE image = NULL;
    EFI_STATUS ended = BS->LoadImage(policy, Image, path, NULL, 0, &image);
    if (image)
        BS->UnloadImage(image);
    return ended;
}

static void load_files(void)
{
    EFI_HANDLE handle = NULL, found;
    EFI_LOAD_FILE_PROTOCOL *loader = NULL;
    EFI_DEVICE_PATH_PROTOCOL *path = &Initrd.vendor.Header;
    UINTN size = 0;
    about("an initrd by LoadFile2");
    status("LocateDevicePath before", BS->LocateDevicePath(&Load2, &path, &found));
    status("installed", BS->InstallMultipleProtocolInterfaces(&handle, &Path_guid, &Initrd, &Load2, &Provider, NULL));
    status("LocateDevicePath", BS->LocateDevicePath(&Load2, &path, &found));
    check("it is that handle, and nothing is left of the path", found == handle && IsDevicePathEnd(path));
    status("HandleProtocol", BS->HandleProtocol(found, &Load2, (VOID **)&loader));
    status("the size", loader->LoadFile(loader, path, FALSE, &size, NULL));
    check("is that of the file", size == FileSize);
    Count = 0;
    EFI_HANDLE second = NULL;
    static struct PACKED { VENDOR_DEVICE_PATH vendor; EFI_DEVICE_PATH_PROTOCOL end; } again;
    memcpy(&again, &Initrd, sizeof again);
    status("a second one", BS->InstallMultipleProtocolInterfaces(&second, &Path_guid, &again, &Load2, &Provider, NULL));
    calls("LoadImage from its path", load(&Initrd.vendor.Header, FALSE));
    calls("LoadImage from its path, BootPolicy", load(&Initrd.vendor.Header, TRUE));
    status("uninstalled", BS->UninstallMultipleProtocolInterfaces(handle, &Path_guid, &Initrd, &Load2, &Provider, NULL));

    about("an image by LoadFile");
    handle = NULL;
    NEED(BS->InstallMultipleProtocolInterfaces(&handle, &Path_guid, &Device, &Load, &Provider, NULL));
    calls("LoadImage", load(&OnDevice.vendor.Header, FALSE));
    calls("LoadImage, BootPolicy", load(&OnDevice.vendor.Header, TRUE));
    calls("LoadImage of the device's path alone", load(&Device.vendor.Header, FALSE));
    Refuse = EFI_DEVICE_ERROR;
    calls("LoadImage, LoadFile answers DEVICE_ERROR", load(&OnDevice.vendor.Header, FALSE));
    Refuse = EFI_NOT_FOUND;
    calls("LoadImage, LoadFile answers NOT_FOUND", load(&OnDevice.vendor.Header, FALSE));
    Refuse = EFI_SUCCESS;
    FileSize -= 512;
    calls("LoadImage of a file that was cut", load(&OnDevice.vendor.Header, FALSE));
    FileSize += 512;
    NEED(BS->UninstallMultipleProtocolInterfaces(handle, &Path_guid, &Device, &Load, &Provider, NULL));

    about("an image by LoadFile2 and LoadFile");
    handle = NULL;
    NEED(BS->InstallMultipleProtocolInterfaces(&handle, &Path_guid, &Device, &Load2, &Provider, &Load, &Provider, NULL));
    calls("LoadImage", load(&OnDevice.vendor.Header, FALSE));
    calls("LoadImage, BootPolicy", load(&OnDevice.vendor.Header, TRUE));
    NEED(BS->UninstallMultipleProtocolInterfaces(handle, &Path_guid, &Device, &Load2, &Provider, &Load, &Provider, NULL));
}

/* ---- a file system of one file ----------------------------------------------------------------------------------- */

static UINTN Position, Opened;

static EFI_FILE_PROTOCOL Root;

static EFI_STATUS EFIAPI file_close(EFI_FILE_PROTOCOL *this) { Opened--; return EFI_SUCCESS; }

static EFI_STATUS EFIAPI file_read(EFI_FILE_PROTOCOL *this, UINTN *size, VOID *buffer)
{
    if (this == &Root)                                  /* an empty directory */
        *size = 0;
    if (*size > FileSize - Position)
        *size = FileSize - Position;
    memcpy(buffer, File + Position, *size);
    Position += *size;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI file_get_info(EFI_FILE_PROTOCOL *this, const EFI_GUID *kind, UINTN *size, VOID *buffer)
{
    EFI_FILE_INFO info = {.Size = 100, .FileSize = FileSize, .PhysicalSize = FileSize,
                          .Attribute = this == &Root ? EFI_FILE_DIRECTORY : 0};
    UINTN room = *size;
    *size = 100;
    if (room < 100)
        return EFI_BUFFER_TOO_SMALL;
    memcpy(buffer, &info, 80);
    memcpy((UINT8 *)buffer + 80, u"boot.efi", 18);
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI file_get_position(EFI_FILE_PROTOCOL *this, UINT64 *position)
{
    *position = Position;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI file_set_position(EFI_FILE_PROTOCOL *this, UINT64 position)
{
    Position = position == (UINT64)-1 ? FileSize : position;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI file_open(EFI_FILE_PROTOCOL *this, EFI_FILE_PROTOCOL **opened, const CHAR16 *name, UINT64 mode,
                                   UINT64 attributes);
static EFI_FILE_PROTOCOL Root = {.Revision = EFI_FILE_PROTOCOL_REVISION, .Open = file_open, .Close = file_close,
                                 .Read = file_read, .GetInfo = file_get_info},
    Only = {.Revision = EFI_FILE_PROTOCOL_REVISION, .Open = file_open, .Close = file_close, .Read = file_read,
            .GetInfo = file_get_info,
            .GetPosition = file_get_position, .SetPosition = file_set_position};

static EFI_STATUS EFIAPI file_open(EFI_FILE_PROTOCOL *this, EFI_FILE_PROTOCOL **opened, const CHAR16 *name, UINT64 mode,
                                   UINT64 attributes)
{
    if (*name == u'\\')
        name++;
    if (!equal_text(name, u"boot.efi"))
        return EFI_NOT_FOUND;
    Opened++, Position = 0;
    *opened = &Only;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI open_volume(EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *this, EFI_FILE_PROTOCOL **root)
{
    called("OpenVolume");
    if (EFI_ERROR(Refuse))
        return Refuse;
    Opened++;
    *root = &Root;
    return EFI_SUCCESS;
}

static EFI_SIMPLE_FILE_SYSTEM_PROTOCOL Files = {EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_REVISION, open_volume};

static void file_system(void)
{
    EFI_HANDLE handle = NULL, image = NULL;
    about("an image on a file system of the guest's own");
    NEED(BS->InstallMultipleProtocolInterfaces(&handle, &Path_guid, &Device, &System, &Files, NULL));
    EFI_STATUS ended = BS->LoadImage(FALSE, Image, &OnDevice.vendor.Header, NULL, 0, &image);
    calls("LoadImage", ended);
    tell("files left open", "%u", Opened);
    if (image) {
        EFI_LOADED_IMAGE_PROTOCOL *info;
        NEED(BS->HandleProtocol(image, &EFI_LOADED_IMAGE_PROTOCOL_GUID, (VOID **)&info));
        check("DeviceHandle is that of the file system", info->DeviceHandle == handle);
        check("FilePath is the file's", equal(info->FilePath, &OnDevice.file, 24));
        status("UnloadImage", BS->UnloadImage(image));
    }
    OnDevice.name[1] = u'B';
    calls("LoadImage of a name that it has not", load(&OnDevice.vendor.Header, FALSE));
    OnDevice.name[1] = u'b';
    tell("files left open then", "%u", Opened);
    Refuse = EFI_NO_MEDIA;
    calls("LoadImage, OpenVolume answers NO_MEDIA", load(&OnDevice.vendor.Header, FALSE));
    Refuse = EFI_SUCCESS;
    calls("LoadImage of the device's path alone", load(&Device.vendor.Header, FALSE));
    NEED(BS->InstallMultipleProtocolInterfaces(&handle, &Load, &Provider, NULL));
    calls("LoadImage, with LoadFile on the same handle", load(&OnDevice.vendor.Header, FALSE));
    tell("files left open in the end", "%u", Opened);
    NEED(BS->UninstallMultipleProtocolInterfaces(handle, &Path_guid, &Device, &System, &Files, &Load, &Provider, NULL));
    calls("LoadImage, when all is gone", load(&OnDevice.vendor.Header, FALSE));
}

void guest(void)
{
    EFI_LOADED_IMAGE_PROTOCOL *me;
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *volume;
    EFI_FILE_PROTOCOL *root, *file;
    NEED(BS->HandleProtocol(Image, &EFI_LOADED_IMAGE_PROTOCOL_GUID, (VOID **)&me));
    NEED(BS->HandleProtocol(me->DeviceHandle, &System, (VOID **)&volume));
    NEED(volume->OpenVolume(volume, &root));
    NEED(root->Open(root, &file, u"\\EFI\\BOOT\\BOOTX64.EFI", EFI_FILE_MODE_READ, 0));
    FileSize = 1 << 20;
    NEED(BS->AllocatePool(EfiLoaderData, FileSize, (VOID **)&File));
    NEED(file->Read(file, &FileSize, File));
    file->Close(file), root->Close(root);
    load_files();
    file_system();
}
