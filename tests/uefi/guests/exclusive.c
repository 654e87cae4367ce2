/* 7.3: the firmware's own protocols, opened as loaders open them that want them for themselves, and connected again. */
#include "guest.h"
#include "protocols.h"

static EFI_GUID Blocks = EFI_BLOCK_IO_PROTOCOL_GUID, Bytes = EFI_DISK_IO_PROTOCOL_GUID, Files = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID,
                Paths = EFI_DEVICE_PATH_PROTOCOL_GUID, Screen = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID,
                Output = EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL_GUID, Input = EFI_SIMPLE_TEXT_INPUT_PROTOCOL_GUID;
static EFI_HANDLE Volume, Disk;
static UINT8 Path[256];                                 /* the volume's, which stays the same when its handle is another */
enum { BY_DRIVER = EFI_OPEN_PROTOCOL_BY_DRIVER, EXCLUSIVE = EFI_OPEN_PROTOCOL_EXCLUSIVE };

static int has(EFI_HANDLE handle, EFI_GUID *guid)
{
    VOID *interface;
    return !EFI_ERROR(BS->HandleProtocol(handle, guid, &interface));
}

static UINT64 drivers(EFI_HANDLE handle, EFI_GUID *guid)
{
    EFI_OPEN_PROTOCOL_INFORMATION_ENTRY *entry;
    UINTN count, found = 0;
    if (EFI_ERROR(BS->OpenProtocolInformation(handle, guid, &entry, &count)))
        return 99;
    for (UINTN i = 0; i < count; i++)
        found += (entry[i].Attributes & BY_DRIVER) != 0;
    BS->FreePool(entry);
    return found;
}

/* A partition that was taken away and made again has another handle. */
static void state(const char *name)
{
    EFI_DEVICE_PATH_PROTOCOL *rest = (VOID *)Path;
    EFI_HANDLE found;
    if (!EFI_ERROR(BS->LocateDevicePath(&Blocks, &rest, &found)) && IsDevicePathEnd(rest))
        Volume = found;
    tell(name, "volume: BlockIo %b, DiskIo %b, files %b; disk: BlockIo %b, DiskIo %b", has(Volume, &Blocks), has(Volume, &Bytes),
         has(Volume, &Files), has(Disk, &Blocks), has(Disk, &Bytes));
}

static void find_disk(void)
{
    EFI_DEVICE_PATH_PROTOCOL *path, *last, *rest;
    static UINT8 copy[256];
    NEED(BS->HandleProtocol(Volume, &Paths, (VOID **)&path));
    for (rest = last = path; !IsDevicePathEnd(rest); rest = NextDevicePathNode(rest))
        last = rest;
    static const EFI_DEVICE_PATH_PROTOCOL END = {END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}};
    memcpy(Path, path, (UINTN)((UINT8 *)rest - (UINT8 *)path) + 4);
    memcpy(copy, path, (UINTN)((UINT8 *)last - (UINT8 *)path));
    memcpy(copy + ((UINT8 *)last - (UINT8 *)path), &END, 4);
    rest = (VOID *)copy;
    NEED(BS->LocateDevicePath(&Blocks, &rest, &Disk));
}

static int can_read(void)
{
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *system;
    EFI_FILE_PROTOCOL *root, *file;
    UINT8 buffer[16];
    UINTN size = sizeof buffer;
    if (EFI_ERROR(BS->HandleProtocol(Volume, &Files, (VOID **)&system)) || EFI_ERROR(system->OpenVolume(system, &root)))
        return 0;
    EFI_STATUS ended = root->Open(root, &file, u"HELLO.TXT", EFI_FILE_MODE_READ, 0);
    if (!EFI_ERROR(ended)) {
        ended = file->Read(file, &size, buffer);
        file->Close(file);
    }
    root->Close(root);
    return !EFI_ERROR(ended) && size == 14 && buffer[0] == 'H';
}

static void exclusively(const char *subject, EFI_HANDLE handle, EFI_GUID *guid)
{
    VOID *interface = NULL;
    about(subject);
    tell("drivers that have it open", "%u", drivers(handle, guid));
    EFI_STATUS ended = BS->OpenProtocol(handle, guid, &interface, Image, NULL, EXCLUSIVE);
    tell("EXCLUSIVE", "%r, an interface %b", ended, interface != NULL);
    tell("drivers then", "%u", drivers(handle, guid));
    state("what there is then");
    VOID *again;
    status("EXCLUSIVE again", BS->OpenProtocol(handle, guid, &again, Image, NULL, EXCLUSIVE));
    status("GET_PROTOCOL meanwhile", BS->OpenProtocol(handle, guid, &again, Image, NULL, EFI_OPEN_PROTOCOL_GET_PROTOCOL));
    status("ConnectController meanwhile", BS->ConnectController(handle, NULL, NULL, TRUE));
    status("CloseProtocol", BS->CloseProtocol(handle, guid, Image, NULL));
    state("what there is when it is closed");
    status("ConnectController", BS->ConnectController(handle, NULL, NULL, TRUE));
    state("what there is when it is connected");
    status("ConnectController again", BS->ConnectController(handle, NULL, NULL, TRUE));
    tell("drivers in the end", "%u", drivers(handle, guid));
    check("files can be read in the end", can_read());
}

static void connections(void)
{
    about("the partition");
    status("ConnectController", BS->ConnectController(Volume, NULL, NULL, FALSE));
    status("ConnectController, recursive", BS->ConnectController(Volume, NULL, NULL, TRUE));
    status("DisconnectController", BS->DisconnectController(Volume, NULL, NULL));
    state("what there is then");
    check("files can be read then", can_read());
    status("DisconnectController again", BS->DisconnectController(Volume, NULL, NULL));
    status("ConnectController then", BS->ConnectController(Volume, NULL, NULL, TRUE));
    state("what there is again");
    check("files can be read again", can_read());
    about("the disk");
    status("ConnectController", BS->ConnectController(Disk, NULL, NULL, FALSE));
    status("ConnectController, recursive", BS->ConnectController(Disk, NULL, NULL, TRUE));
    about("the console");
    status("ConnectController of the output", BS->ConnectController(ST->ConsoleOutHandle, NULL, NULL, TRUE));
    status("ConnectController of the input", BS->ConnectController(ST->ConsoleInHandle, NULL, NULL, TRUE));
    about("the image");
    status("ConnectController", BS->ConnectController(Image, NULL, NULL, TRUE));
    status("DisconnectController", BS->DisconnectController(Image, NULL, NULL));
    EFI_HANDLE *handles;
    UINTN count, worked = 0;
    NEED(BS->LocateHandleBuffer(AllHandles, NULL, NULL, &count, &handles));
    for (UINTN i = 0; i < count; i++) {                 /* as loaders do that look for drivers of their own */
        EFI_STATUS ended = BS->ConnectController(handles[i], NULL, NULL, TRUE);
        worked += ended == EFI_SUCCESS || ended == EFI_NOT_FOUND;
    }
    about("all handles");
    check("ConnectController of each is SUCCESS or NOT_FOUND", worked == count);
    NEED(BS->FreePool(handles));
    state("what there is afterwards");
    check("files can be read afterwards", can_read());
}

static void console(const char *subject, EFI_HANDLE handle, EFI_GUID *guid)
{
    VOID *interface = NULL;
    about(subject);
    EFI_STATUS ended = BS->OpenProtocol(handle, guid, &interface, Image, NULL, EXCLUSIVE);
    tell("EXCLUSIVE", "%r, an interface %b", ended, interface != NULL);
    status("EXCLUSIVE again", BS->OpenProtocol(handle, guid, &interface, Image, NULL, EXCLUSIVE));
    if (guid == &Output)
        status("OutputString meanwhile", ST->ConOut->OutputString(ST->ConOut, u"text\r\n"));
    status("CloseProtocol", BS->CloseProtocol(handle, guid, Image, NULL));
}

void guest(void)
{
    EFI_LOADED_IMAGE_PROTOCOL *me;
    NEED(BS->HandleProtocol(Image, &EFI_LOADED_IMAGE_PROTOCOL_GUID, (VOID **)&me));
    Volume = me->DeviceHandle;
    find_disk();
    state("at first");
    console("the console's output", ST->ConsoleOutHandle, &Output);
    console("the console's input", ST->ConsoleInHandle, &Input);
    EFI_HANDLE *handles;
    UINTN count;
    NEED(BS->LocateHandleBuffer(ByProtocol, &Screen, NULL, &count, &handles));
    console("the screen", handles[0], &Screen);
    connections();
    exclusively("the volume's files", Volume, &Files);
    exclusively("the volume's device path", Volume, &Paths);
    exclusively("the volume's DiskIo", Volume, &Bytes);
    exclusively("the volume's BlockIo", Volume, &Blocks);
    exclusively("the disk's DiskIo", Disk, &Bytes);
    exclusively("the disk's BlockIo", Disk, &Blocks);
    about("the disk again");
    status("DisconnectController", BS->DisconnectController(Disk, NULL, NULL));
    state("what there is then");
    status("ConnectController", BS->ConnectController(Disk, NULL, NULL, TRUE));
    state("what there is again");
    check("files can be read again", can_read());
}
