/* LoadImage on each file of a list, none of which is started: how it ends, and what then lies in memory.
 *
 * CASES is a file of u32:  count
 *                          count times  where the file is, its size, its ranges' first, their count
 *                          RVA and size of each range, of all files
 * and the files behind. A line per file: status, ImageBase, ImageSize, CRC-32 of the ranges one behind the other.
 */
#include "guest.h"
#include "protocols.h"

__asm__(".section .rodata\n.balign 16\ncases: .incbin \"" CASES "\"\n.previous");
extern const UINT32 cases[] __attribute__((visibility("hidden")));

static UINT8 gathered[1 << 20];

void guest(void)
{
    const UINT32 count = *cases, *range = cases + 1 + 4 * count;
    for (UINT32 index = 0; index < count; index++) {
        const UINT32 *each = cases + 1 + 4 * index;
        char name[] = "0000";
        for (UINT32 digit = 4, rest = index; digit--; rest /= 10)
            name[digit] += rest % 10;
        EFI_HANDLE handle = NULL;
        EFI_STATUS ended = BS->LoadImage(FALSE, Image, NULL, (UINT8 *)cases + each[0], each[1], &handle);
        if (EFI_ERROR(ended)) {
            status(name, ended);
            continue;
        }
        EFI_LOADED_IMAGE_PROTOCOL *loaded;
        NEED(BS->HandleProtocol(handle, &EFI_LOADED_IMAGE_PROTOCOL_GUID, (void **)&loaded));
        UINT32 crc = 0;
        UINTN filled = 0;
        for (const UINT32 *part = range + 2 * each[2]; part < range + 2 * (each[2] + each[3]); part += 2) {
            memcpy(gathered + filled, (UINT8 *)loaded->ImageBase + part[0], part[1]);
            filled += part[1];
        }
        if (filled)
            NEED(BS->CalculateCrc32(gathered, filled, &crc));
        tell(name, "%r %x %x %x", ended, (UINT64)loaded->ImageBase, loaded->ImageSize, (UINT64)crc);
        NEED(BS->UnloadImage(handle));
    }
}
