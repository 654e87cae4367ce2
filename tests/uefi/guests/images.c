/* 7.4: images are loaded, started, left and unloaded. The guest is its own child: LoadOptions say what it is to do. */
#include "guest.h"
#include "protocols.h"

static UINT8 *File;                                     /* this application's own file */
static UINTN FileSize;
static EFI_LOADED_IMAGE_PROTOCOL *Me;
static EFI_DEVICE_PATH_PROTOCOL *Path;                  /* whole path of the file */

/* What parent and child tell each other. The child finds it in its LoadOptions. */
struct job {
    CHAR16 what[24];
    EFI_STATUS status;
    EFI_HANDLE image, handle;
    UINT64 runs, unloads;
    EFI_HANDLE parent;
    UINT64 stack_misaligned, data;
};
static const EFI_GUID P = {0x11111111, 1, 1, {1, 1, 1, 1, 1, 1, 1, 1}};

/* ---- the child --------------------------------------------------------------------------------------------------- */

static struct job *Job;
static UINT64 Data = 1;                                 /* each image has its own */

static EFI_STATUS EFIAPI unload(EFI_HANDLE image)
{
    Job->unloads++;
    if (!EFI_ERROR(Job->status))
        BS->UninstallProtocolInterface(Job->handle, &P, Job);
    return Job->status;
}

static void __attribute__((noinline)) deep(UINTN levels)
{
    volatile UINT8 frame[100];
    frame[levels % sizeof frame] = (UINT8)levels;
    if (levels)
        deep(levels - 1);
    else
        Job->status = BS->Exit(Image, EFI_SUCCESS | 0x123, 0, NULL);
    frame[0] = frame[levels % sizeof frame];
}

static void child(void)
{
    UINT64 sp;
    __asm__ volatile("mov %%rsp, %0" : "=r"(sp));
    Job->runs++, Job->image = Image, Job->parent = Me->ParentHandle, Job->data = Data++;
    Job->stack_misaligned = sp % 16;
    if (equal_text(Job->what, u"exit"))
        BS->Exit(Image, Job->status, 0, NULL);
    else if (equal_text(Job->what, u"exit with data")) {
        static const CHAR16 TEXT[] = u"why it ended";
        CHAR16 *copy;
        NEED(BS->AllocatePool(EfiBootServicesData, sizeof TEXT + 4, (VOID **)&copy));
        memcpy(copy, TEXT, sizeof TEXT);
        BS->Exit(Image, Job->status, sizeof TEXT + 4, copy);
    } else if (equal_text(Job->what, u"exit from the deep"))
        deep(200);
    else if (equal_text(Job->what, u"exit of the parent"))
        Job->status = BS->Exit(Job->parent, EFI_SUCCESS, 0, NULL);
    else if (equal_text(Job->what, u"exit at NOTIFY")) {
        BS->RaiseTPL(TPL_NOTIFY);
        BS->Exit(Image, Job->status, 0, NULL);
    } else if (equal_text(Job->what, u"stay")) {
        Me->Unload = unload;
        BS->InstallProtocolInterface(&Job->handle, &P, EFI_NATIVE_INTERFACE, Job);
        BS->Exit(Image, EFI_SUCCESS, 0, NULL);
    } else if (equal_text(Job->what, u"leave things open")) {
        VOID *interface;
        BS->InstallProtocolInterface(&Job->handle, &P, EFI_NATIVE_INTERFACE, Job);
        BS->OpenProtocol(Job->handle, &P, &interface, Image, Job->handle, EFI_OPEN_PROTOCOL_BY_DRIVER);
        BS->Exit(Image, Job->status, 0, NULL);
    } else if (equal_text(Job->what, u"unload itself"))
        Job->status = BS->UnloadImage(Image);
    else if (equal_text(Job->what, u"start itself"))
        Job->status = BS->StartImage(Image, NULL, NULL);
    BS->Exit(Image, Job->status, 0, NULL);
}

static EFI_LOADED_IMAGE_PROTOCOL *loaded(EFI_HANDLE image)
{
    EFI_LOADED_IMAGE_PROTOCOL *found = NULL;
    return EFI_ERROR(BS->HandleProtocol(image, &EFI_LOADED_IMAGE_PROTOCOL_GUID, (VOID **)&found)) ? NULL : found;
}

/* ---- the parent -------------------------------------------------------------------------------------------------- */

static EFI_HANDLE load(struct job *job, const CHAR16 *what, EFI_STATUS wanted)
{
    EFI_HANDLE image = NULL;
    NEED(BS->LoadImage(FALSE, Image, NULL, File, FileSize, &image));
    memset(job, 0, sizeof *job);
    memcpy(job->what, what, length(what) * sizeof *what);
    job->status = wanted;
    loaded(image)->LoadOptions = job, loaded(image)->LoadOptionsSize = sizeof *job;
    return image;
}

static void self(void)
{
    about("the guest's own image");
    tell("Revision", "%x", (UINT64)Me->Revision);
    check("SystemTable is what the entry point was given", Me->SystemTable == ST);
    tell("ParentHandle", "%s", !Me->ParentHandle ? "NULL" : Me->ParentHandle == Image ? "itself" : loaded(Me->ParentHandle) ?
         "an image" : "no image");
    check("the code is inside of ImageBase and ImageSize",
          (UINT8 *)self >= (UINT8 *)Me->ImageBase && (UINT8 *)self < (UINT8 *)Me->ImageBase + Me->ImageSize);
    check("ImageBase has the headers", equal(Me->ImageBase, "MZ", 2));
    check("ImageSize is whole pages", Me->ImageSize % EFI_PAGE_SIZE == 0);
    tell("ImageCodeType", "%u", (UINT64)Me->ImageCodeType);
    tell("ImageDataType", "%u", (UINT64)Me->ImageDataType);
    check("Reserved is NULL", Me->Reserved == NULL);
    check("Unload is NULL", Me->Unload == NULL);
    FILEPATH_DEVICE_PATH *file = (VOID *)Me->FilePath;
    tell("FilePath, type", "%u, %u", (UINT64)file->Header.Type, (UINT64)file->Header.SubType);
    static CHAR16 name[64];
    memcpy(name, file->PathName, DevicePathNodeLength(file) - 4);
    tell("FilePath", "%S", name);
    check("FilePath ends behind it", IsDevicePathEnd(NextDevicePathNode(file)));
    VOID *there, *whole;
    NEED(BS->HandleProtocol(Me->DeviceHandle, &EFI_DEVICE_PATH_PROTOCOL_GUID, &there));
    status("DeviceHandle has a file system",
           BS->HandleProtocol(Me->DeviceHandle, &EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID, &whole));
    status("LOADED_IMAGE_DEVICE_PATH", BS->HandleProtocol(Image, &EFI_LOADED_IMAGE_DEVICE_PATH_PROTOCOL_GUID, &whole));
    Path = whole;
    UINTN prefix = 0;
    for (EFI_DEVICE_PATH_PROTOCOL *node = there; !IsDevicePathEnd(node); node = NextDevicePathNode(node))
        prefix += DevicePathNodeLength(node);
    check("it is the device's path with FilePath behind", equal(there, whole, prefix) &&
          equal((UINT8 *)whole + prefix, file, DevicePathNodeLength(file) + 4));
    check("there is no DEVICE_PATH on an image",
          EFI_ERROR(BS->HandleProtocol(Image, &EFI_DEVICE_PATH_PROTOCOL_GUID, &whole)));
    EFI_GUID **guids;
    UINTN count;
    NEED(BS->ProtocolsPerHandle(Image, &guids, &count));
    check("ProtocolsPerHandle has two at least", count >= 2);
    NEED(BS->FreePool(guids));
}

static void read_file(void)
{
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *volume;
    EFI_FILE_PROTOCOL *root, *file;
    NEED(BS->HandleProtocol(Me->DeviceHandle, &EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID, (VOID **)&volume));
    NEED(volume->OpenVolume(volume, &root));
    NEED(root->Open(root, &file, u"\\EFI\\BOOT\\BOOTX64.EFI", EFI_FILE_MODE_READ, 0));
    FileSize = 1 << 20;
    NEED(BS->AllocatePool(EfiLoaderData, FileSize, (VOID **)&File));
    NEED(file->Read(file, &FileSize, File));
    file->Close(file), root->Close(root);
}

static void loading(void)
{
    static UINT64 bogus[8];
    EFI_HANDLE image = (EFI_HANDLE)1;
    about("LoadImage");
    status("no parent", BS->LoadImage(FALSE, NULL, NULL, File, FileSize, &image));
    status("parent is no handle", BS->LoadImage(FALSE, bogus, NULL, File, FileSize, &image));
    status("parent is no image", BS->LoadImage(FALSE, Me->DeviceHandle, NULL, File, FileSize, &image));
    status("nowhere to put the handle", BS->LoadImage(FALSE, Image, NULL, File, FileSize, NULL));
    status("neither path nor buffer", BS->LoadImage(FALSE, Image, NULL, NULL, 0, &image));
    status("a buffer of size 0", BS->LoadImage(FALSE, Image, NULL, File, 0, &image));
    tell("the handle is then", "%s", image == (EFI_HANDLE)1 ? "as it was" : image ? "another" : "NULL");

    status("from a buffer", BS->LoadImage(FALSE, Image, NULL, File, FileSize, &image));
    EFI_LOADED_IMAGE_PROTOCOL *info = loaded(image);
    check("buffer, ParentHandle is who loaded it", info->ParentHandle == Image);
    check("buffer, DeviceHandle is NULL", info->DeviceHandle == NULL);
    check("buffer, FilePath is NULL", info->FilePath == NULL);
    check("buffer, LoadOptions are NULL", info->LoadOptions == NULL && info->LoadOptionsSize == 0);
    check("buffer, ImageBase is elsewhere", info->ImageBase != Me->ImageBase && info->ImageBase != File);
    check("buffer, ImageSize is the same", info->ImageSize == Me->ImageSize);
    check("buffer, SystemTable", info->SystemTable == ST);
    VOID *path = (VOID *)1;
    EFI_STATUS ended = BS->HandleProtocol(image, &EFI_LOADED_IMAGE_DEVICE_PATH_PROTOCOL_GUID, &path);
    tell("buffer, LOADED_IMAGE_DEVICE_PATH", "%r, %s", ended, path ? "a path" : "NULL");
    status("buffer, UnloadImage", BS->UnloadImage(image));
    check("buffer, there is no LOADED_IMAGE then", !loaded(image));
    status("buffer, UnloadImage again", BS->UnloadImage(image));

    status("from a buffer, with a path", BS->LoadImage(FALSE, Image, Path, File, FileSize, &image));
    info = loaded(image);
    check("both, DeviceHandle is that of the path", info->DeviceHandle == Me->DeviceHandle);
    check("both, FilePath is the rest of it",
          info->FilePath && equal(info->FilePath, Me->FilePath, DevicePathNodeLength(Me->FilePath)));
    status("both, UnloadImage", BS->UnloadImage(image));
    image = NULL;
    status("from a path", BS->LoadImage(FALSE, Image, Path, NULL, 0, &image));
    info = loaded(image);
    check("path, DeviceHandle", info->DeviceHandle == Me->DeviceHandle);
    check("path, the same code", info->ImageSize == Me->ImageSize && equal((UINT8 *)info->ImageBase + ((UINT8 *)loading -
          (UINT8 *)Me->ImageBase), loading, 64));
    status("path, UnloadImage", BS->UnloadImage(image));
    status("path, with BootPolicy", BS->LoadImage(TRUE, Image, Path, NULL, 0, &image));
    status("path, with BootPolicy, UnloadImage", BS->UnloadImage(image));

    static UINT8 other[512];
    UINTN size = 0;
    EFI_DEVICE_PATH_PROTOCOL *node = Path;
    for (; !IsDevicePathEnd(node); node = NextDevicePathNode(node))
        size += DevicePathNodeLength(node);
    memcpy(other, Path, size + 4);
    CHAR16 *name = (CHAR16 *)(other + size) - 2;        /* the last letter of BOOTX64.EFI */
    *name = u'Q';
    image = (EFI_HANDLE)1;
    ended = BS->LoadImage(FALSE, Image, (VOID *)other, NULL, 0, &image);
    tell("from the path of a file that is not there", "%r, %s", ended,
         image == (EFI_HANDLE)1 ? "as it was" : image ? "a handle" : "NULL");
    VOID *device;
    NEED(BS->HandleProtocol(Me->DeviceHandle, &EFI_DEVICE_PATH_PROTOCOL_GUID, &device));
    status("from the path of a device alone", BS->LoadImage(FALSE, Image, device, NULL, 0, &image));
    struct PACKED { VENDOR_DEVICE_PATH vendor; EFI_DEVICE_PATH_PROTOCOL end; }
        nowhere = {{{HARDWARE_DEVICE_PATH, HW_VENDOR_DP, {sizeof(VENDOR_DEVICE_PATH), 0}}, P},
                   {END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}}};
    status("from a path that leads nowhere", BS->LoadImage(FALSE, Image, (VOID *)&nowhere, NULL, 0, &image));
    status("from a buffer, with a path that leads nowhere",
           BS->LoadImage(FALSE, Image, (VOID *)&nowhere, File, FileSize, &image));
    check("nowhere, DeviceHandle is NULL", loaded(image)->DeviceHandle == NULL);
    check("nowhere, FilePath is the path", equal(loaded(image)->FilePath, &nowhere, sizeof nowhere));
    NEED(BS->UnloadImage(image));
}

/* The file with one thing wrong. Offsets as Microsoft's format has them. */
static void garbage(void)
{
    UINT32 pe = *(UINT32 *)(File + 0x3C);
    struct { const char *name; UINT32 offset, size; UINT64 value; UINTN length; } cases[] = {
        {"no MZ and no PE", 0, 2, 0, FileSize},
        {"PE header at 0FFFFFF0h", 0x3C, 4, 0xFFFFFF0, FileSize},
        {"PE header at FFFFFFF0h", 0x3C, 4, 0xFFFFFFF0, FileSize},
        {"no PE signature", pe, 4, 0, FileSize},
        {"machine is i386", pe + 4, 2, 0x14C, FileSize},
        {"machine is ARM64", pe + 4, 2, 0xAA64, FileSize},
        {"65535 sections", pe + 6, 2, 0xFFFF, FileSize},
        {"no sections", pe + 6, 2, 0, FileSize},
        {"no optional header", pe + 20, 2, 0, FileSize},
        {"PE32", pe + 24, 2, 0x10B, FileSize},
        {"magic 0", pe + 24, 2, 0, FileSize},
        {"entry point beyond the image", pe + 24 + 16, 4, 0x7FFFFFFF, FileSize},
        {"section alignment 0", pe + 24 + 32, 4, 0, FileSize},
        {"file alignment 0", pe + 24 + 36, 4, 0, FileSize},
        {"size of image 0", pe + 24 + 56, 4, 0, FileSize},
        {"size of image 1000h", pe + 24 + 56, 4, 0x1000, FileSize},
        {"size of headers 0", pe + 24 + 60, 4, 0, FileSize},
        {"size of headers beyond the file", pe + 24 + 60, 4, 0x7FFFFFFF, FileSize},
        {"subsystem 3", pe + 24 + 68, 2, 3, FileSize},
        {"subsystem 0", pe + 24 + 68, 2, 0, FileSize},
        {"subsystem 13, SAL runtime driver", pe + 24 + 68, 2, 13, FileSize},
        {"boot service driver", pe + 24 + 68, 2, 11, FileSize},
        {"runtime driver", pe + 24 + 68, 2, 12, FileSize},
        {"no directories", pe + 24 + 108, 4, 0, FileSize},
        {"relocations stripped", pe + 22, 2, 0x23, FileSize},
        {"relocations beyond the image", pe + 24 + 112 + 40, 4, 0x7FFFFFFF, FileSize},
        {"first section at 7FFFF000h", pe + 24 + 240 + 12, 4, 0x7FFFF000, FileSize},
        {"first section's data beyond the file", pe + 24 + 240 + 20, 4, 0x7FFFFFFF, FileSize},
        {"one byte", 0, 1, 'M', 1},
        {"two bytes", 0, 1, 'M', 2},
        {"64 bytes", 0, 1, 'M', 64},
        {"cut in the headers", 0, 1, 'M', 0x100},
        {"cut behind the headers", 0, 1, 'M', 0x400},
        {"cut in the last section", 0, 1, 'M', FileSize - 0x200},
    };
    UINT8 *copy;
    NEED(BS->AllocatePool(EfiLoaderData, FileSize, (VOID **)&copy));
    about("LoadImage");
    for (UINTN i = 0; i < COUNT(cases); i++) {
        EFI_HANDLE image = NULL;
        memcpy(copy, File, FileSize);
        memcpy(copy + cases[i].offset, &cases[i].value, cases[i].size);
        EFI_STATUS ended = BS->LoadImage(FALSE, Image, NULL, copy, cases[i].length, &image);
        EFI_LOADED_IMAGE_PROTOCOL *info = image ? loaded(image) : NULL;
        if (info)
            tell(cases[i].name, "%r, memory of type %u and %u", ended, (UINT64)info->ImageCodeType,
                 (UINT64)info->ImageDataType);
        else
            tell(cases[i].name, "%r, %s", ended, image ? "a handle" : "NULL");
        if (image)
            BS->UnloadImage(image);
    }
    memset(copy, 0, FileSize);
    EFI_HANDLE image = NULL;
    status("zeros", BS->LoadImage(FALSE, Image, NULL, copy, FileSize, &image));
    memcpy(copy, "#!/bin/sh\n", 10);
    status("a text", BS->LoadImage(FALSE, Image, NULL, copy, 10, &image));
    NEED(BS->FreePool(copy));
}

static void run(const CHAR16 *what, const char *name, EFI_STATUS wanted)
{
    struct job job;
    UINTN size = 77;
    CHAR16 *data = (VOID *)1;
    EFI_HANDLE image = load(&job, what, wanted);
    about(name);
    EFI_STATUS ended = BS->StartImage(image, &size, &data);
    status("StartImage", ended);
    tell("runs", "%u", job.runs);
    check("the entry point got its own handle", job.image == image);
    check("its ParentHandle is the guest", job.parent == Image);
    check("the stack is aligned", job.stack_misaligned == 0);
    tell("its own data", "%u", job.data);
    tell("what it had by its last call", "%r", job.status);
    tell("exit data", "%u, %s", size, data == (VOID *)1 ? "untouched" : data ? "a buffer" : "NULL");
    if (data && data != (VOID *)1) {
        tell("exit data says", "%S", data);
        status("exit data, FreePool", BS->FreePool(data));
    }
    check("the image is loaded still", loaded(image) != NULL);
    EFI_TPL tpl = BS->RaiseTPL(TPL_HIGH_LEVEL);
    BS->RestoreTPL(TPL_APPLICATION);
    tell("TPL is then", "%u", tpl);
    if (job.handle) {
        EFI_OPEN_PROTOCOL_INFORMATION_ENTRY *entry;
        UINTN count;
        status("its protocol is there", BS->OpenProtocolInformation(job.handle, &P, &entry, &count));
        tell("its protocol is open", "%u times", count);
        BS->FreePool(entry);
        status("its protocol away", BS->UninstallProtocolInterface(job.handle, &P, &job));
    }
    status("UnloadImage", BS->UnloadImage(image));
}

static void starting(void)
{
    static UINT64 bogus[8];
    UINTN size = 77;
    CHAR16 *data = (VOID *)1;
    struct job job;
    about("StartImage");
    status("no handle", BS->StartImage(NULL, &size, &data));
    status("what is no handle", BS->StartImage(bogus, &size, &data));
    status("a handle that is no image", BS->StartImage(Me->DeviceHandle, &size, &data));
    status("the guest itself", BS->StartImage(Image, &size, &data));
    EFI_HANDLE image = load(&job, u"", EFI_SUCCESS);
    status("UnloadImage of what never ran", BS->UnloadImage(image));
    image = load(&job, u"exit", EFI_SUCCESS);
    status("without exit data", BS->StartImage(image, NULL, NULL));
    about("UnloadImage");
    status("NULL", BS->UnloadImage(NULL));
    status("what is no handle", BS->UnloadImage(bogus));
    status("a handle that is no image", BS->UnloadImage(Me->DeviceHandle));
    about("Exit");
    status("no handle", BS->Exit(NULL, EFI_SUCCESS, 0, NULL));
    status("what is no handle", BS->Exit(bogus, EFI_SUCCESS, 0, NULL));
    status("a handle that is no image", BS->Exit(Me->DeviceHandle, EFI_SUCCESS, 0, NULL));
    image = load(&job, u"exit", EFI_SUCCESS);
    status("an image that was not started", BS->Exit(image, EFI_ABORTED, 0, NULL));
    check("it is loaded still", loaded(image) != NULL);
    status("UnloadImage of it", BS->UnloadImage(image));

    run(u"exit", "Exit, SUCCESS", EFI_SUCCESS);
    run(u"exit", "Exit, ABORTED", EFI_ABORTED);
    run(u"exit", "Exit, a status of its own", 0xC000000000000042);
    run(u"exit", "Exit, a warning", EFI_WARN_STALE_DATA);
    run(u"return", "return, SUCCESS", EFI_SUCCESS);
    run(u"return", "return, NOT_READY", EFI_NOT_READY);
    run(u"exit with data", "Exit with data, SUCCESS", EFI_SUCCESS);
    run(u"exit with data", "Exit with data, ABORTED", EFI_ABORTED);
    run(u"exit from the deep", "Exit from deep in the stack", EFI_SUCCESS);
    run(u"exit of the parent", "Exit of the parent", EFI_SUCCESS);
    run(u"exit at NOTIFY", "Exit at TPL_NOTIFY", EFI_SUCCESS);
    run(u"leave things open", "with a protocol left open", EFI_SUCCESS);
    run(u"leave things open", "ABORTED, with a protocol left open", EFI_ABORTED);
    run(u"unload itself", "UnloadImage of itself", EFI_SUCCESS);
    run(u"start itself", "StartImage of itself", EFI_SUCCESS);
}

/* The same image as a driver: it stays in memory after its entry point has ended with success, and may refuse to go. */
static void drivers(void)
{
    UINT16 *subsystem = (UINT16 *)(File + *(UINT32 *)(File + 0x3C) + 24 + 68);
    struct job job;
    *subsystem = 11;
    about("a driver that stays");
    EFI_HANDLE image = load(&job, u"stay", EFI_SUCCESS);
    status("StartImage", BS->StartImage(image, NULL, NULL));
    check("it is loaded still", loaded(image) != NULL);
    if (loaded(image)) {
        VOID *found;
        status("its protocol", BS->HandleProtocol(job.handle, &P, &found));
        check("its Unload is set", loaded(image)->Unload != NULL);
        status("StartImage again", BS->StartImage(image, NULL, NULL));
        job.status = EFI_ACCESS_DENIED;
        status("UnloadImage, refused by Unload", BS->UnloadImage(image));
        check("it is loaded then", loaded(image) != NULL);
        job.status = EFI_SUCCESS;
        status("UnloadImage, with success", BS->UnloadImage(image));
        tell("Unload was called", "%u times", job.unloads);
        check("it is loaded in the end", loaded(image) != NULL);
        status("its protocol in the end", BS->HandleProtocol(job.handle, &P, &found));
    }
    image = load(&job, u"exit", EFI_SUCCESS);
    status("StartImage of one without Unload", BS->StartImage(image, NULL, NULL));
    status("UnloadImage of one without Unload", BS->UnloadImage(image));
    image = load(&job, u"exit", EFI_UNSUPPORTED);
    status("StartImage of one that fails", BS->StartImage(image, NULL, NULL));
    check("one that fails is loaded still", loaded(image) != NULL);
    *subsystem = 10;
}

void guest(void)
{
    NEED(BS->HandleProtocol(Image, &EFI_LOADED_IMAGE_PROTOCOL_GUID, (VOID **)&Me));
    if (Me->LoadOptionsSize == sizeof(struct job)) {
        Job = Me->LoadOptions;
        child();
    }
    self();
    read_file();
    loading();
    garbage();
    starting();
    drivers();
}
