/* The smallest application. In boot/examples/uefi:
 *
 *     gcc -std=gnu11 -Os -ffreestanding -fpie -mno-red-zone -mgeneral-regs-only -fno-stack-protector -c hello.c
 *     ld -m i386pep -T loader/loader.ld --subsystem 10 --image-base 0 hello.o -o hello.efi
 *     x86 run --uefi hello.efi
 */
#include "uefi.h"

EFI_STATUS EFIAPI efi_main(EFI_HANDLE ImageHandle, EFI_SYSTEM_TABLE *SystemTable)
{
    (void)ImageHandle;
    return SystemTable->ConOut->OutputString(SystemTable->ConOut, u"Hello from UEFI.\r\n");
}
