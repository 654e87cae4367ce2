/* 37.5: random numbers. QEMU has a device for them if it is asked (ovmf.py). */
#include "guest.h"
#include "protocols.h"

void guest(void)
{
    static const EFI_GUID raw = EFI_RNG_ALGORITHM_RAW, unknown = {1, 2, 3, {4}};
    EFI_RNG_PROTOCOL *rng = NULL;
    UINT8 bytes[64] = {0}, more[64] = {0};
    UINTN size = 0;
    EFI_GUID list[16];
    NEED(BS->LocateProtocol(&EFI_RNG_PROTOCOL_GUID, NULL, (VOID **)&rng));
    status("GetInfo, no size", rng->GetInfo(rng, NULL, list));
    status("GetInfo, size 0", rng->GetInfo(rng, &size, list));
    check("GetInfo, the size is a multiple of 16", size && size % 16 == 0 && size <= sizeof list);
    status("GetInfo, no list", rng->GetInfo(rng, &size, NULL));
    status("GetInfo", rng->GetInfo(rng, &size, list));
    status("GetRNG", rng->GetRNG(rng, NULL, 64, bytes));
    status("GetRNG, again", rng->GetRNG(rng, NULL, 64, more));
    check("they differ", !equal(bytes, more, 64));
    status("GetRNG, the first of the list", rng->GetRNG(rng, list, 64, bytes));
    status("GetRNG, raw", rng->GetRNG(rng, &raw, 64, bytes));
    status("GetRNG, an algorithm that nobody knows", rng->GetRNG(rng, &unknown, 64, bytes));
    status("GetRNG, no bytes", rng->GetRNG(rng, NULL, 0, bytes));
    status("GetRNG, nowhere to put it", rng->GetRNG(rng, NULL, 16, NULL));
}
