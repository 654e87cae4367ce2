/* A frame buffer by GRAPHICS_OUTPUT: choose a mode, set it, draw the sky. */
#include "loader.h"

#define WIDTH  800
#define HEIGHT 600

/* Not EXCLUSIVE: the console draws its text through this protocol, and would be disconnected. */
static EFI_GRAPHICS_OUTPUT_PROTOCOL *locate(void)
{
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;
    EFI_STATUS status = BS->HandleProtocol(ST->ConsoleOutHandle, &EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID, (VOID **)&gop);
    if (EFI_ERROR(status))                              /* the console may be a serial line; then any screen will do */
        status = BS->LocateProtocol(&EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID, NULL, (VOID **)&gop);
    return EFI_ERROR(status) ? NULL : gop;
}

/* PixelBitMask would need shifts for each colour, and PixelBltOnly has no memory to draw into. */
static PixelOrder order(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info)
{
    switch (info->PixelFormat) {
    case PixelRedGreenBlueReserved8BitPerColor:
        return PIXELS_RGB;
    case PixelBlueGreenRedReserved8BitPerColor:
        return PIXELS_BGR;
    default:
        return PIXELS_NONE;
    }
}

/* The number of the mode with WIDTH x HEIGHT pixels, or of the present one. */
static UINT32 choose(EFI_GRAPHICS_OUTPUT_PROTOCOL *gop)
{
    for (UINT32 mode = 0; mode < gop->Mode->MaxMode; mode++) {
        EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info;
        UINTN size;
        if (EFI_ERROR(gop->QueryMode(gop, mode, &size, &info)))
            continue;
        BOOLEAN fits = info->HorizontalResolution == WIDTH && info->VerticalResolution == HEIGHT && order(info);
        BS->FreePool(info);                             /* QueryMode allocates a new one for each call */
        if (fits)
            return mode;
    }
    return gop->Mode->Mode;
}

static void fill(EFI_GRAPHICS_OUTPUT_PROTOCOL *gop, EFI_GRAPHICS_OUTPUT_BLT_PIXEL pixel, UINTN x, UINTN y, UINTN width,
                 UINTN height)
{
    gop->Blt(gop, &pixel, EfiBltVideoFill, 0, 0, x, y, width, height, 0);
}

/* Dusk, from dark blue above to orange at the horizon, and some stars. */
static void draw_sky(EFI_GRAPHICS_OUTPUT_PROTOCOL *gop)
{
    static const EFI_GRAPHICS_OUTPUT_BLT_PIXEL COLOURS[] = {
        {0x30, 0x10, 0x08, 0}, {0x60, 0x28, 0x20, 0}, {0x80, 0x40, 0x70, 0}, {0x60, 0x70, 0xD8, 0}, {0x60, 0xB0, 0xF8, 0},
    };
    const UINTN spans = sizeof COLOURS / sizeof *COLOURS - 1, band = 4;
    UINTN width = gop->Mode->Info->HorizontalResolution, height = gop->Mode->Info->VerticalResolution;
    UINTN horizon = height * 2 / 3;
    for (UINTN y = 0; y < horizon; y += band) {
        UINTN place = y * spans * 256 / horizon, part = place % 256;
        const EFI_GRAPHICS_OUTPUT_BLT_PIXEL *a = &COLOURS[place / 256], *b = a + 1;
        EFI_GRAPHICS_OUTPUT_BLT_PIXEL mixed = {
            .Blue = (UINT8)((a->Blue * (256 - part) + b->Blue * part) >> 8),
            .Green = (UINT8)((a->Green * (256 - part) + b->Green * part) >> 8),
            .Red = (UINT8)((a->Red * (256 - part) + b->Red * part) >> 8),
        };
        fill(gop, mixed, 0, y, width, y + band < horizon ? band : horizon - y);
    }
    UINT32 random = 1;
    for (int star = 0; star < 60; star++) {
        random = random * 1664525 + 1013904223;
        UINTN x = (random >> 8) % (width - 2), y = (random >> 20) * (height / 3) >> 12;
        UINT8 light = (UINT8)(0x80 + (random >> 25));
        fill(gop, (EFI_GRAPHICS_OUTPUT_BLT_PIXEL){light, light, light, 0}, x, y, 1 + (star % 4 == 0), 1 + (star % 4 == 0));
    }
}

/* Fills in `screen`; its base stays 0 where there is no frame buffer, and the kernel does without. */
void graphics_open(FrameBuffer *screen)
{
    *screen = (FrameBuffer){0};
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop = locate();
    if (!gop) {
        print("  There is no GRAPHICS_OUTPUT: the kernel will only be heard on COM1.\n");
        return;
    }
    EFI_STATUS status = gop->SetMode(gop, choose(gop)); /* clears the screen; Mode->Info is the new mode's */
    if (EFI_ERROR(status)) {
        failed(status, "The kernel gets no frame buffer.", "set a graphics mode");
        return;
    }
    draw_sky(gop);
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info = gop->Mode->Info;
    if (order(info) == PIXELS_NONE)
        return;
    *screen = (FrameBuffer){
        .base = gop->Mode->FrameBufferBase, .size = gop->Mode->FrameBufferSize,
        .width = info->HorizontalResolution, .height = info->VerticalResolution,
        .pixels_per_line = info->PixelsPerScanLine, .order = order(info),
    };
}
