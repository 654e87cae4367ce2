/* A file of the volume that this loader came from. */
#include "loader.h"

/* Opens a protocol so that nobody else uses it meanwhile: whoever says BY_DRIVER or EXCLUSIVE is asked to let go, or the
 * answer is ACCESS_DENIED. CloseProtocol ends it. */
static EFI_STATUS open_exclusive(EFI_HANDLE handle, const EFI_GUID *protocol, VOID **interface)
{
    return BS->OpenProtocol(handle, protocol, interface, Image, NULL, EFI_OPEN_PROTOCOL_EXCLUSIVE);
}

/* The directory \ of the volume behind a handle. */
static EFI_STATUS open_root(EFI_HANDLE device, EFI_FILE_PROTOCOL **root)
{
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *volume;
    EFI_STATUS status = open_exclusive(device, &EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID, (VOID **)&volume);
    if (EFI_ERROR(status))
        return failed(status, "It came from no volume that has files: over the network, or by itself?",
                      "open the file system that the loader came from");
    status = volume->OpenVolume(volume, root);
    BS->CloseProtocol(device, &EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID, Image, NULL);
    if (EFI_ERROR(status))
        return failed(status, "Check the volume: fsck.fat -n IMAGE.", "open the volume's root directory");
    return EFI_SUCCESS;
}

/* How long an open file is. EFI_FILE_INFO ends with the name, so only the firmware knows how long it is itself: the first
 * call has no buffer, the second one of the size that the first one asked for. */
static EFI_STATUS file_size(EFI_FILE_PROTOCOL *file, UINTN *size)
{
    UINTN length = 0;
    EFI_FILE_INFO *info;
    EFI_STATUS status = file->GetInfo(file, &EFI_FILE_INFO_ID, &length, NULL);
    if (status != EFI_BUFFER_TOO_SMALL)
        return EFI_ERROR(status) ? status : EFI_DEVICE_ERROR;
    status = BS->AllocatePool(EfiLoaderData, length, (VOID **)&info);
    if (EFI_ERROR(status))
        return status;
    status = file->GetInfo(file, &EFI_FILE_INFO_ID, &length, info);
    if (!EFI_ERROR(status)) {
        *size = info->FileSize;
        if (info->Attribute & EFI_FILE_DIRECTORY)
            status = EFI_UNSUPPORTED;
    }
    BS->FreePool(info);
    return status;
}

/* `*data` is the caller's to FreePool. `name` is the path again, for messages. */
EFI_STATUS file_read(const CHAR16 *path, const char *name, VOID **data, UINTN *size)
{
    EFI_LOADED_IMAGE_PROTOCOL *image;
    EFI_FILE_PROTOCOL *root, *file;
    EFI_STATUS status = open_exclusive(Image, &EFI_LOADED_IMAGE_PROTOCOL_GUID, (VOID **)&image);
    if (EFI_ERROR(status))
        return failed(status, "Each image has it on its handle. Is that still what RCX was at the entry?",
                      "open LOADED_IMAGE on the loader's own handle");
    EFI_HANDLE device = image->DeviceHandle;
    BS->CloseProtocol(Image, &EFI_LOADED_IMAGE_PROTOCOL_GUID, Image, NULL);

    status = open_root(device, &root);
    if (EFI_ERROR(status))
        return status;
    status = root->Open(root, &file, path, EFI_FILE_MODE_READ, 0);
    root->Close(root);
    if (EFI_ERROR(status))
        return failed(status, "Is the kernel on the same volume as the loader, beside BOOTX64.EFI?", "open %s", name);

    status = file_size(file, size);
    if (EFI_ERROR(status)) {
        failed(status, "UNSUPPORTED: it is a directory.", "find out how long %s is", name);
    } else if (EFI_ERROR(status = BS->AllocatePool(EfiLoaderData, *size, data))) {
        failed(status, "Give the machine more memory.", "allocate %lu bytes for %s", *size, name);
    } else {
        UINTN wanted = *size;
        status = file->Read(file, size, *data);
        if (!EFI_ERROR(status) && *size != wanted)
            status = EFI_END_OF_FILE;
        if (EFI_ERROR(status))
            failed(status, "Check the volume: fsck.fat -n IMAGE.", "read %s", name);
    }
    file->Close(file);
    return status;
}
