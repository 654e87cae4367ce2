/* A boot loader for UEFI: \EFI\BOOT\BOOTX64.EFI, which the firmware starts from a disk that has nothing else to offer.
 *
 *     efi_main             in: RCX = handle of this image, RDX = the system table; 64-bit code, paging on
 *       console, memory map            what there is
 *       file_read, kernel_load         \EFI\BOOT\kernel.elf to where its segments ask
 *       graphics_open                  a frame buffer, since the console will be gone
 *       leave                          ExitBootServices: from here on the machine is ours
 *     kernel               out: RDI = BootInfo
 */
#include "loader.h"

#define KERNEL      u"\\EFI\\BOOT\\kernel.elf"
#define KERNEL_NAME "\\EFI\\BOOT\\kernel.elf"

EFI_HANDLE Image;
EFI_SYSTEM_TABLE *ST;
EFI_BOOT_SERVICES *BS;

/* The kernel is called as Linux programs call functions, first argument in RDI, though this file's own entry is EFIAPI. */
typedef void (__attribute__((sysv_abi)) *KernelEntry)(const BootInfo *info);

static VOID *configuration_table(const EFI_GUID *guid)
{
    for (UINTN i = 0; i < ST->NumberOfTableEntries; i++)
        if (memcmp(&ST->ConfigurationTable[i].VendorGuid, guid, sizeof *guid) == 0)
            return ST->ConfigurationTable[i].VendorTable;
    return NULL;
}

static void banner(void)
{
    colour(EFI_TEXT_ATTR(EFI_WHITE, EFI_BLUE));
    ST->ConOut->ClearScreen(ST->ConOut);                /* in the colours just set */
    ST->ConOut->EnableCursor(ST->ConOut, FALSE);
    ST->ConOut->OutputString(ST->ConOut, u"\r\n"
        u"  ╔══════════════════════════════════════════════════════════╗\r\n"
        u"  ║  A UEFI loader, from the firmware to a kernel of its own ║\r\n"
        u"  ╚══════════════════════════════════════════════════════════╝\r\n\r\n");
    colour(EFI_TEXT_ATTR(EFI_LIGHTGRAY, EFI_BLUE));
    print("  Firmware: ");
    ST->ConOut->OutputString(ST->ConOut, ST->FirmwareVendor);
    print(", UEFI %u.%u\n\n", ST->Hdr.Revision >> 16, (ST->Hdr.Revision & 0xFFFF) / 10);
}

/* ExitBootServices wants the key of the newest memory map: the proof that the caller knows what belongs to whom. Every
 * allocation makes a new map, and so does a timer's handler that allocates between our two calls. Then the key is stale, the
 * answer is INVALID_PARAMETER, and the firmware may already have stopped half of itself. So: take the map again, into
 * memory that is there already, and ask a second time. Nothing else may be called in between, above all not print. */
static EFI_STATUS leave(MemoryMap *map)
{
    EFI_STATUS status = EFI_ABORTED;
    for (int attempt = 0; attempt < 2; attempt++) {
        status = memory_map_take(map);
        if (EFI_ERROR(status))
            return status;
        status = BS->ExitBootServices(Image, map->key);
        if (!EFI_ERROR(status))
            return EFI_SUCCESS;
    }
    return status;
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE ImageHandle, EFI_SYSTEM_TABLE *SystemTable)
{
    Image = ImageHandle;
    ST = SystemTable;
    BS = ST->BootServices;
    console_open();
    banner();

    MemoryMap map = {0};
    EFI_STATUS status = memory_map_allocate(&map);
    if (EFI_ERROR(status))
        return status;
    memory_map_print(&map);

    VOID *file;
    UINTN size;
    status = file_read(KERNEL, KERNEL_NAME, &file, &size);
    if (EFI_ERROR(status))
        return status;
    Kernel kernel;
    status = kernel_load(file, size, &kernel);
    if (EFI_ERROR(status))
        return status;
    BS->FreePool(file);

    /* On our stack it would not be safe: that is EfiBootServicesData, which the kernel may use for something else. What a
     * loader allocates is EfiLoaderData unless it asks for another type. */
    BootInfo *info;
    status = BS->AllocatePool(EfiLoaderData, sizeof *info, (VOID **)&info);
    if (EFI_ERROR(status))
        return failed(status, "", "allocate %lu bytes", sizeof *info);
    *info = (BootInfo){.magic = BOOT_INFO_MAGIC, .kernel_start = kernel.start, .kernel_end = kernel.end};
    info->rsdp = (UINTN)configuration_table(&EFI_ACPI_20_TABLE_GUID);
    if (!info->rsdp)
        info->rsdp = (UINTN)configuration_table(&ACPI_TABLE_GUID);

    print("\n  Leaving the firmware for the kernel at %016lx.\n", kernel.entry);
    graphics_open(&info->screen);

    /* Its buffer was allocated when fewer descriptors were needed: a new one, with room. */
    BS->FreePool(map.descriptors);
    status = memory_map_allocate(&map);
    if (EFI_ERROR(status))
        return status;
    status = leave(&map);
    if (EFI_ERROR(status)) {                            /* no console to say it on, nobody to return to */
        ST->RuntimeServices->ResetSystem(EfiResetShutdown, status, 0, NULL);
        for (;;)
            __asm__ volatile("cli; hlt");
    }

    /* The firmware is gone: no print, no allocation, no file. Its tables are left: GDT, page tables, and an IDT whose
     * handlers lie in memory that the map calls free, which is why the kernel begins with CLI. */
    info->memory_map = (UINTN)map.descriptors;
    info->memory_map_size = map.size;
    info->descriptor_size = map.descriptor_size;
    ((KernelEntry)kernel.entry)(info);
    __builtin_unreachable();                            /* a kernel has nowhere to return to */
}
