/* What a loader written in Rust on the crate `uefi` does, call by call: the protocols it has open are EXCLUSIVE and closed
   when they go out of scope, buffers come from AllocatePool with an alignment of 8, sizes are asked for first. It reads a
   kernel from the volume it was started from, puts it where it wants to be, sets the screen up, takes the memory map with
   room to spare and leaves boot services, with a second try. */
#include "guest.h"
#include "protocols.h"

enum { GET = EFI_OPEN_PROTOCOL_GET_PROTOCOL, TEST = EFI_OPEN_PROTOCOL_TEST_PROTOCOL,
       EXCLUSIVE = EFI_OPEN_PROTOCOL_EXCLUSIVE };

/* The global allocator: more than 8 are reached by hand, with the pointer to be freed in front. */
static VOID *allocate(UINTN size, UINTN alignment)
{
    VOID *buffer;
    if (alignment <= 8)
        return EFI_ERROR(BS->AllocatePool(EfiLoaderData, size, &buffer)) ? NULL : buffer;
    if (EFI_ERROR(BS->AllocatePool(EfiLoaderData, size + alignment, &buffer)))
        return NULL;
    UINT8 *aligned = (UINT8 *)(((UINTN)buffer + alignment) & -alignment);
    ((VOID **)aligned)[-1] = buffer;
    return aligned;
}

static EFI_STATUS release(VOID *buffer, UINTN alignment)
{
    return BS->FreePool(alignment <= 8 ? buffer : ((VOID **)buffer)[-1]);
}

static VOID *open(const char *name, EFI_HANDLE handle, const EFI_GUID *guid, UINT32 attributes)
{
    VOID *interface = NULL;
    status(name, BS->OpenProtocol(handle, guid, &interface, Image, NULL, attributes));
    return interface;
}

static void close(const char *name, EFI_HANDLE handle, const EFI_GUID *guid)
{
    status(name, BS->CloseProtocol(handle, guid, Image, NULL));
}

/* get_handle_for_protocol: the first of LocateHandleBuffer. */
static EFI_HANDLE handle_for(const char *name, const EFI_GUID *guid)
{
    EFI_HANDLE *handles = NULL, first = NULL;
    UINTN count = 0;
    EFI_STATUS ended = BS->LocateHandleBuffer(ByProtocol, guid, NULL, &count, &handles);
    tell(name, "%r, at least one %b", ended, count > 0);
    if (!EFI_ERROR(ended)) {
        first = handles[0];
        NEED(BS->FreePool(handles));
    }
    return first;
}

static void greet(void)
{
    about("console");
    status("Reset", ST->ConOut->Reset(ST->ConOut, FALSE));
    status("ClearScreen", ST->ConOut->ClearScreen(ST->ConOut));
    status("SetAttribute, white on blue", ST->ConOut->SetAttribute(ST->ConOut, EFI_TEXT_ATTR(EFI_WHITE, EFI_BLUE)));
    static const CHAR16 *const PIECES[] = {u"loader", u" ", u"0.1", u"\r\n"};     /* write! hands out a piece at a time */
    EFI_STATUS ended = EFI_SUCCESS;
    for (UINTN i = 0; i < COUNT(PIECES); i++)
        ended |= ST->ConOut->OutputString(ST->ConOut, PIECES[i]);
    status("OutputString", ended);
    tell("cursor", "%u %u", (UINT64)ST->ConOut->Mode->CursorColumn, (UINT64)ST->ConOut->Mode->CursorRow);
    status("SetAttribute, back", ST->ConOut->SetAttribute(ST->ConOut, EFI_TEXT_ATTR(EFI_LIGHTGRAY, EFI_BLACK)));
    status("the watchdog is turned off", BS->SetWatchdogTimer(0, 0x10000, 0, NULL));
}

/* get_image_file_system: the loaded image's device path leads to the volume. */
static EFI_HANDLE volume_of_image(void)
{
    EFI_GUID loaded = EFI_LOADED_IMAGE_PROTOCOL_GUID, path = EFI_DEVICE_PATH_PROTOCOL_GUID,
             files = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    about("image");
    EFI_LOADED_IMAGE_PROTOCOL *image = open("LoadedImage, EXCLUSIVE", Image, &loaded, EXCLUSIVE);
    status("LoadedImage, EXCLUSIVE again", BS->OpenProtocol(Image, &loaded, (VOID **)&image, Image, NULL, EXCLUSIVE));
    EFI_HANDLE device = image->DeviceHandle;
    check("LoadedImage has a device", device != NULL);
    EFI_DEVICE_PATH_PROTOCOL *to = open("DevicePath, EXCLUSIVE", device, &path, EXCLUSIVE), *rest = to;
    EFI_HANDLE volume = NULL;
    status("LocateDevicePath of SimpleFileSystem", BS->LocateDevicePath(&files, &rest, &volume));
    check("the volume is the device", volume == device);
    check("nothing is left of the path", IsDevicePathEnd(rest));
    close("DevicePath, closed", device, &path);
    close("LoadedImage, closed", Image, &loaded);
    close("LoadedImage, closed twice", Image, &loaded);
    return volume;
}

static void read_kernel(EFI_HANDLE volume)
{
    EFI_GUID files = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_FILE_PROTOCOL *root = NULL, *file = NULL;
    about("file");
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *system = open("SimpleFileSystem, EXCLUSIVE", volume, &files, EXCLUSIVE);
    status("OpenVolume", system->OpenVolume(system, &root));
    status("Open of what is not there", root->Open(root, &file, u"\\kernel.elf", EFI_FILE_MODE_READ, 0));
    status("Open", root->Open(root, &file, u"\\pages.bin", EFI_FILE_MODE_READ, 0));
    UINTN size = 0;
    status("GetInfo, for the size", file->GetInfo(file, &EFI_FILE_INFO_ID, &size, NULL));
    EFI_FILE_INFO *info = allocate(size, 8);
    status("GetInfo", file->GetInfo(file, &EFI_FILE_INFO_ID, &size, info));
    tell("FileSize", "%u", info->FileSize);
    check("it is a regular file", !(info->Attribute & EFI_FILE_DIRECTORY));
    UINTN wanted = info->FileSize, got;
    UINT8 *kernel = allocate(wanted, 4096);
    check("Vec of alignment 4096", kernel && (UINTN)kernel % 4096 == 0);
    UINTN left = wanted;
    for (UINT8 *at = kernel; left; at += got, left -= got) {        /* at most 1 MB at a time, as the crate does */
        got = left < (1 << 20) ? left : 1 << 20;
        NEED(file->Read(file, &got, at));
        if (!got)
            break;
    }
    tell("Read, left", "%u", left);
    UINT32 crc;
    NEED(BS->CalculateCrc32(kernel, wanted, &crc));
    tell("CRC", "%x", (UINT64)crc);
    status("Close", file->Close(file));
    status("Close of the root", root->Close(root));
    close("SimpleFileSystem, closed", volume, &files);

    about("kernel");
    EFI_PHYSICAL_ADDRESS address = 0x2000000;
    UINTN pages = EFI_SIZE_TO_PAGES(wanted);
    status("AllocatePages at 32 MB", BS->AllocatePages(AllocateAddress, EfiLoaderData, pages, &address));
    BS->SetMem((VOID *)address, pages * EFI_PAGE_SIZE, 0);
    BS->CopyMem((VOID *)address, kernel, wanted);
    NEED(BS->CalculateCrc32((VOID *)address, wanted, &crc));
    tell("CRC there", "%x", (UINT64)crc);
    EFI_PHYSICAL_ADDRESS taken = 0x2000000;
    status("AllocatePages there again", BS->AllocatePages(AllocateAddress, EfiLoaderData, 1, &taken));
    taken = 0xA0000;
    status("AllocatePages at A0000h", BS->AllocatePages(AllocateAddress, EfiLoaderData, 1, &taken));
    taken = (EFI_PHYSICAL_ADDRESS)1 << 50;
    status("AllocatePages where no memory is", BS->AllocatePages(AllocateAddress, EfiLoaderData, 1, &taken));
    taken = 0xFFFFFFFF;
    status("AllocatePages below 4 GB", BS->AllocatePages(AllocateMaxAddress, EfiLoaderData, 16, &taken));
    status("FreePages", BS->FreePages(taken, 16));
    status("the buffers are freed", release(kernel, 4096) | release(info, 8));
}

static void screen(void)
{
    EFI_GUID graphics = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    about("screen");
    EFI_HANDLE handle = handle_for("LocateHandleBuffer", &graphics);
    status("TEST_PROTOCOL", BS->OpenProtocol(handle, &graphics, NULL, Image, NULL, TEST));
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop = open("GraphicsOutput, EXCLUSIVE", handle, &graphics, EXCLUSIVE);
    if (!gop)
        return;
    UINTN found = 0, size;
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info;
    for (UINT32 mode = 0; mode < gop->Mode->MaxMode; mode++) {
        NEED(gop->QueryMode(gop, mode, &size, &info));
        if (info->HorizontalResolution == 800 && info->VerticalResolution == 600)
            found = mode + 1;
        NEED(BS->FreePool(info));
    }
    check("800 by 600 is there", found != 0);
    if (found)
        status("SetMode", gop->SetMode(gop, (UINT32)found - 1));
    tell("mode", "%u by %u, %u pixels a line", (UINT64)gop->Mode->Info->HorizontalResolution,
         (UINT64)gop->Mode->Info->VerticalResolution, (UINT64)gop->Mode->Info->PixelsPerScanLine);
    tell("format", "%u", (UINT64)gop->Mode->Info->PixelFormat);
    check("the frame buffer is as large as the picture at least", gop->Mode->FrameBufferSize >= 800 * 600 * 4);
    volatile UINT32 *pixel = (VOID *)gop->Mode->FrameBufferBase;
    pixel[599 * gop->Mode->Info->PixelsPerScanLine + 799] = 0x00123456;
    tell("the last pixel", "%x", (UINT64)(pixel[599 * gop->Mode->Info->PixelsPerScanLine + 799] & 0xFFFFFF));
    close("GraphicsOutput, closed", handle, &graphics);
}

/* exit_boot_services: a buffer with room for 8 descriptors more than now, no allocation between map and exit, two tries. */
static void leave(void)
{
    UINTN size = 0, key, descriptor, room;
    UINT32 version;
    about("memory map");
    status("GetMemoryMap, for the size", BS->GetMemoryMap(&size, NULL, &key, &descriptor, &version));
    tell("descriptor size", "%u", descriptor);
    check("its alignment suits a descriptor", descriptor % _Alignof(EFI_MEMORY_DESCRIPTOR) == 0);
    room = size + 8 * descriptor;
    UINT8 *map = allocate(room, 8);
    EFI_STATUS ended = EFI_ABORTED;
    int tries = 0;
    EFI_STATUS of_map = EFI_SUCCESS;
    while (tries < 2 && EFI_ERROR(ended)) {
        tries++;
        size = room;
        of_map = BS->GetMemoryMap(&size, (VOID *)map, &key, &descriptor, &version);
        if (EFI_ERROR(of_map))
            break;
        ended = BS->ExitBootServices(Image, key);
    }
    status("GetMemoryMap", of_map);
    status("ExitBootServices", ended);
    tell("tries", "%u", (UINT64)tries);

    UINT64 kernel = 0, here = 0, usable = 0, sorted = 1, before = 0;
    for (UINT8 *at = map; at < map + size; at += descriptor) {
        EFI_MEMORY_DESCRIPTOR *each = (VOID *)at;
        UINT64 end = each->PhysicalStart + each->NumberOfPages * EFI_PAGE_SIZE;
        if (each->PhysicalStart <= 0x2000000 && 0x2000000 < end)
            kernel = each->Type;
        if (each->PhysicalStart <= (UINTN)&leave && (UINTN)&leave < end)
            here = each->Type;
        sorted &= each->PhysicalStart >= before;
        before = each->PhysicalStart;
        usable += each->Type == EfiConventionalMemory || each->Type == EfiBootServicesCode || each->Type == EfiBootServicesData ?
                  each->NumberOfPages : 0;
    }
    tell("the kernel's pages have type", "%u", kernel);
    tell("the loader's pages have type", "%u", here);
    check("sorted", (int)sorted);
    check("more than 200 MB are usable", usable > 200 * 256);
    const UINT8 *there = (VOID *)0x2000000;
    check("the kernel is where it was put", there[0] == 0 && there[4096] == 1 && there[4 * 4096 + 99] == 4);
}

void guest(void)
{
    greet();
    EFI_HANDLE volume = volume_of_image();
    read_kernel(volume);
    screen();
    about("time");
    status("Stall", BS->Stall(1000));
    leave();
}
