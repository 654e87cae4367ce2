/* 12.9: graphics output and EDID. */
#include "guest.h"
#include "protocols.h"

static EFI_GRAPHICS_OUTPUT_PROTOCOL *Gop;
static EFI_GRAPHICS_OUTPUT_BLT_PIXEL Buffer[64 * 64];

static UINT32 word(UINTN index) { return ((UINT32 *)Buffer)[index]; }
static void set(UINTN index, UINT32 value) { ((UINT32 *)Buffer)[index] = value; }

static EFI_STATUS blt(UINTN operation, UINTN x, UINTN y, UINTN to_x, UINTN to_y, UINTN width, UINTN height, UINTN delta)
{
    return Gop->Blt(Gop, Buffer, operation, x, y, to_x, to_y, width, height, delta);
}

/* What is on the screen at a place. */
static UINT32 dot(UINTN x, UINTN y)
{
    EFI_GRAPHICS_OUTPUT_BLT_PIXEL pixel;
    NEED(Gop->Blt(Gop, &pixel, EfiBltVideoToBltBuffer, x, y, 0, 0, 1, 1, 0));
    return *(UINT32 *)&pixel & 0xFFFFFF;
}

static void handles(void)
{
    EFI_HANDLE *found;
    UINTN count, with_path = 0, on_console = 0, path_shape = 0;
    about("handles");
    NEED(BS->LocateHandleBuffer(ByProtocol, &EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID, NULL, &count, &found));
    for (UINTN i = 0; i < count; i++) {
        EFI_DEVICE_PATH_PROTOCOL *path;
        if (found[i] == ST->ConsoleOutHandle)
            on_console++;
        if (BS->HandleProtocol(found[i], &EFI_DEVICE_PATH_PROTOCOL_GUID, (void **)&path) == EFI_SUCCESS) {
            static const UINT8 shape[] = {2, 1, 12, 0, 0xD0, 0x41, 3, 0x0A, 0, 0, 0, 0, 1, 1, 6, 0, 0, 2, 2, 3, 8, 0};
            with_path++;
            path_shape += equal(path, shape, sizeof shape);
        }
    }
    check("there is one", count >= 1);
    tell("with a device path", "%u", with_path);
    tell("whose path is PciRoot(0x0)/Pci(0x2,0x0)/AcpiAdr", "%u", path_shape);
    tell("that are the console", "%u", on_console);
    status("of discovered EDID", BS->LocateProtocol(&EFI_EDID_DISCOVERED_PROTOCOL_GUID, NULL, &(void *){0}));
    status("of active EDID", BS->LocateProtocol(&EFI_EDID_ACTIVE_PROTOCOL_GUID, NULL, &(void *){0}));
}

static void modes(void)
{
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info = NULL, *other = NULL;
    UINTN size = 0;
    int all = 1, has_640 = 0, has_800 = 0, has_1024 = 0, has_1280 = 0, has_1920 = 0;
    about("modes");
    check("more than one", Gop->Mode->MaxMode > 1);
    check("the present one is one of them", Gop->Mode->Mode < Gop->Mode->MaxMode);
    tell("present", "%u by %u, format %u, version %u, %u a line", (UINT64)Gop->Mode->Info->HorizontalResolution,
         (UINT64)Gop->Mode->Info->VerticalResolution, (UINT64)Gop->Mode->Info->PixelFormat, (UINT64)Gop->Mode->Info->Version,
         (UINT64)Gop->Mode->Info->PixelsPerScanLine);
    tell("size of info", "%u", Gop->Mode->SizeOfInfo);
    check("frame buffer holds the picture", Gop->Mode->FrameBufferBase && Gop->Mode->FrameBufferSize >= 4 *
          (UINTN)Gop->Mode->Info->PixelsPerScanLine * Gop->Mode->Info->VerticalResolution);
    for (UINT32 mode = 0; mode < Gop->Mode->MaxMode; mode++) {
        all &= Gop->QueryMode(Gop, mode, &size, &info) == EFI_SUCCESS && size == sizeof *info && info->Version == 0;
        UINT64 both = (UINT64)info->HorizontalResolution << 32 | info->VerticalResolution;
        has_640 |= both == (640ull << 32 | 480);
        has_800 |= both == (800ull << 32 | 600);
        has_1024 |= both == (1024ull << 32 | 768);
        has_1280 |= both == (1280ull << 32 | 800);
        has_1920 |= both == (1920ull << 32 | 1080);
        NEED(BS->FreePool(info));
    }
    check("all can be asked", all);
    check("640 by 480", has_640);
    check("800 by 600", has_800);
    check("1024 by 768", has_1024);
    check("1280 by 800", has_1280);
    check("1920 by 1080", has_1920);
    status("query the first that is none", Gop->QueryMode(Gop, Gop->Mode->MaxMode, &size, &info));
    status("query -1", Gop->QueryMode(Gop, (UINT32)-1, &size, &info));
    status("query without a size", Gop->QueryMode(Gop, 0, NULL, &info));
    status("query without an info", Gop->QueryMode(Gop, 0, &size, NULL));
    NEED(Gop->QueryMode(Gop, 0, &size, &info));
    NEED(Gop->QueryMode(Gop, 0, &size, &other));
    check("each answer is the caller's own", info != other);
    check("and none is the protocol's", info != Gop->Mode->Info && other != Gop->Mode->Info);
    status("set the first that is none", Gop->SetMode(Gop, Gop->Mode->MaxMode));
    status("set -1", Gop->SetMode(Gop, (UINT32)-1));

    UINT32 wanted = 0;
    for (UINT32 mode = 0; mode < Gop->Mode->MaxMode; mode++) {
        NEED(Gop->QueryMode(Gop, mode, &size, &info));
        if (info->HorizontalResolution == 800 && info->VerticalResolution == 600)
            wanted = mode;
    }
    set(0, 0x123456);
    NEED(blt(EfiBltVideoFill, 0, 0, 0, 0, 640, 480, 0));
    UINTN base = Gop->Mode->FrameBufferBase;
    status("set 800 by 600", Gop->SetMode(Gop, wanted));
    check("mode is that then", Gop->Mode->Mode == wanted);
    tell("present then", "%u by %u, format %u, %u a line", (UINT64)Gop->Mode->Info->HorizontalResolution,
         (UINT64)Gop->Mode->Info->VerticalResolution, (UINT64)Gop->Mode->Info->PixelFormat,
         (UINT64)Gop->Mode->Info->PixelsPerScanLine);
    check("frame buffer stays where it is", Gop->Mode->FrameBufferBase == base);
    check("frame buffer size follows", Gop->Mode->FrameBufferSize >= 800 * 600 * 4);
    tell("screen is black then", "%x, %x, %x", (UINT64)dot(0, 0), (UINT64)dot(400, 300), (UINT64)dot(639, 479));
    set(0, 0x123456);
    NEED(blt(EfiBltVideoFill, 0, 0, 0, 0, 640, 480, 0));
    status("set the same again", Gop->SetMode(Gop, wanted));
    tell("and it is black again", "%x, %x", (UINT64)dot(0, 0), (UINT64)dot(400, 300));
}

static void rectangles(void)
{
    about("fill");
    set(0, 0xFF010203);
    status("ordinary", blt(EfiBltVideoFill, 0, 0, 10, 20, 30, 40, 0));
    tell("corners", "%x %x %x %x", (UINT64)dot(10, 20), (UINT64)dot(39, 20), (UINT64)dot(10, 59), (UINT64)dot(39, 59));
    tell("around", "%x %x %x %x", (UINT64)dot(9, 20), (UINT64)dot(40, 20), (UINT64)dot(10, 19), (UINT64)dot(39, 60));
    status("to the lower right corner", blt(EfiBltVideoFill, 0, 0, 790, 590, 10, 10, 0));
    status("a dot too wide", blt(EfiBltVideoFill, 0, 0, 791, 590, 10, 10, 0));
    status("a dot too high", blt(EfiBltVideoFill, 0, 0, 790, 591, 10, 10, 0));
    status("width 0", blt(EfiBltVideoFill, 0, 0, 0, 0, 0, 10, 0));
    status("height 0", blt(EfiBltVideoFill, 0, 0, 0, 0, 10, 0, 0));
    status("source does not count", blt(EfiBltVideoFill, 100000, 100000, 0, 0, 10, 10, 0));
    status("delta does not count", blt(EfiBltVideoFill, 0, 0, 0, 0, 10, 10, 1));
    status("no buffer", Gop->Blt(Gop, NULL, EfiBltVideoFill, 0, 0, 0, 0, 1, 1, 0));

    about("buffer to video");
    for (UINTN i = 0; i < 64 * 64; i++)
        set(i, i);
    status("ordinary", blt(EfiBltBufferToVideo, 0, 0, 100, 100, 8, 4, 0));
    tell("dots", "%x %x %x %x", (UINT64)dot(100, 100), (UINT64)dot(107, 100), (UINT64)dot(100, 101), (UINT64)dot(107, 103));
    status("with delta", blt(EfiBltBufferToVideo, 0, 0, 100, 100, 8, 4, 64 * 4));
    tell("dots with delta", "%x %x %x %x", (UINT64)dot(100, 100), (UINT64)dot(107, 100), (UINT64)dot(100, 101), (UINT64)dot(107, 103));
    status("with source and delta", blt(EfiBltBufferToVideo, 3, 5, 100, 100, 8, 4, 64 * 4));
    tell("dots with source", "%x %x %x %x", (UINT64)dot(100, 100), (UINT64)dot(107, 100), (UINT64)dot(100, 101), (UINT64)dot(107, 103));
    status("with source and no delta", blt(EfiBltBufferToVideo, 2, 1, 100, 100, 8, 4, 0));
    tell("dots with source and no delta", "%x %x %x %x", (UINT64)dot(100, 100), (UINT64)dot(107, 100), (UINT64)dot(100, 101), (UINT64)dot(107, 103));
    status("outside", blt(EfiBltBufferToVideo, 0, 0, 799, 0, 2, 1, 0));
    status("far outside", blt(EfiBltBufferToVideo, 0, 0, (UINTN)-1, 0, 2, 1, 0));
    status("below", blt(EfiBltBufferToVideo, 0, 0, 0, 600, 1, 1, 0));
    status("width 0", blt(EfiBltBufferToVideo, 0, 0, 0, 0, 0, 1, 0));
    status("height 0", blt(EfiBltBufferToVideo, 0, 0, 0, 0, 1, 0, 0));

    about("video to buffer");
    for (UINTN i = 0; i < 64 * 64; i++)
        set(i, i);
    NEED(blt(EfiBltBufferToVideo, 0, 0, 200, 200, 64, 64, 0));
    memset(Buffer, 0xEE, sizeof Buffer);
    status("ordinary", blt(EfiBltVideoToBltBuffer, 200, 201, 0, 0, 4, 3, 0));
    tell("dots", "%x %x %x", (UINT64)(word(0) & 0xFFFFFF), (UINT64)(word(4) & 0xFFFFFF), (UINT64)(word(11) & 0xFFFFFF));
    check("no more than that", word(12) == 0xEEEEEEEE);
    memset(Buffer, 0xEE, sizeof Buffer);
    status("with destination and delta", blt(EfiBltVideoToBltBuffer, 200, 201, 5, 2, 4, 3, 64 * 4));
    tell("dots there", "%x %x", (UINT64)(word(2 * 64 + 5) & 0xFFFFFF), (UINT64)(word(4 * 64 + 8) & 0xFFFFFF));
    tell("dots around", "%x %x %x %x", (UINT64)word(2 * 64 + 4), (UINT64)word(2 * 64 + 9), (UINT64)word(64 + 5), (UINT64)word(5 * 64 + 5));
    status("destination does not count as a place on the screen", blt(EfiBltVideoToBltBuffer, 200, 200, 60, 60, 1, 1, 64 * 4));
    status("outside", blt(EfiBltVideoToBltBuffer, 800, 0, 0, 0, 1, 1, 0));
    status("a line too many", blt(EfiBltVideoToBltBuffer, 0, 599, 0, 0, 1, 2, 0));
    status("width 0", blt(EfiBltVideoToBltBuffer, 0, 0, 0, 0, 0, 1, 0));

    about("video to video");
    NEED(Gop->Blt(Gop, NULL, EfiBltVideoToVideo, 0, 0, 0, 0, 1, 1, 0));
    status("to the right, overlapping", blt(EfiBltVideoToVideo, 200, 200, 203, 200, 60, 10, 0));
    tell("dots to the right", "%x %x %x %x", (UINT64)dot(202, 200), (UINT64)dot(203, 200), (UINT64)dot(262, 200), (UINT64)dot(262, 209));
    status("down, overlapping", blt(EfiBltVideoToVideo, 210, 200, 210, 205, 10, 20, 0));
    tell("dots down", "%x %x %x", (UINT64)dot(210, 204), (UINT64)dot(210, 205), (UINT64)dot(219, 224));
    status("up, overlapping", blt(EfiBltVideoToVideo, 200, 230, 200, 227, 10, 20, 0));
    tell("dots up", "%x %x %x", (UINT64)dot(200, 226), (UINT64)dot(200, 227), (UINT64)dot(209, 246));
    status("source outside", blt(EfiBltVideoToVideo, 791, 0, 0, 0, 10, 1, 0));
    status("destination outside", blt(EfiBltVideoToVideo, 0, 0, 791, 0, 10, 1, 0));
    status("width 0", blt(EfiBltVideoToVideo, 0, 0, 0, 0, 0, 1, 0));

    about("operation");
    status("4", blt(4, 0, 0, 0, 0, 1, 1, 0));
    status("-1", blt((UINT32)-1, 0, 0, 0, 0, 1, 1, 0));
}

static void frame_buffer(void)
{
    about("frame buffer");
    volatile UINT32 *dots = (void *)Gop->Mode->FrameBufferBase;
    UINTN line = Gop->Mode->Info->PixelsPerScanLine;
    dots[7 * line + 5] = 0xABCDEF;
    tell("a dot written there", "%x", (UINT64)dot(5, 7));
    set(0, 0x00332211);
    NEED(blt(EfiBltVideoFill, 0, 0, 6, 7, 1, 1, 0));
    tell("a dot read there", "%x", (UINT64)(dots[7 * line + 6] & 0xFFFFFF));
}

void guest(void)
{
    handles();
    NEED(BS->LocateProtocol(&EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID, NULL, (void **)&Gop));
    modes();
    rectangles();
    frame_buffer();
    about("");
}
