/* 13.7, 13.9, 10.3: the disk and its partition as blocks and as bytes, and the device paths to both. */
#include "guest.h"
#include "protocols.h"

enum { PARTITION_START = 2048, PARTITION_BLOCKS = 65536 };      /* as build.py has them */

static EFI_HANDLE Volume, Disk;
static UINT8 Buffer[16 * 512 + 16] __attribute__((aligned(4096))), Kept[2 * 512];

static VOID *protocol(EFI_HANDLE handle, const EFI_GUID *guid)
{
    VOID *interface = NULL;
    BS->HandleProtocol(handle, guid, &interface);
    return interface;
}

static UINTN nodes(EFI_DEVICE_PATH_PROTOCOL *path)
{
    UINTN count = 0;
    for (; !IsDevicePathEnd(path); path = NextDevicePathNode(path))
        count++;
    return count;
}

/* The disk is the handle whose device path is the partition's without its last node. */
static void find(void)
{
    EFI_LOADED_IMAGE_PROTOCOL *me = protocol(Image, &EFI_LOADED_IMAGE_PROTOCOL_GUID);
    EFI_GUID blocks = EFI_BLOCK_IO_PROTOCOL_GUID;
    Volume = me->DeviceHandle;
    EFI_DEVICE_PATH_PROTOCOL *path = protocol(Volume, &EFI_DEVICE_PATH_PROTOCOL_GUID), *last = path, *copy;
    for (EFI_DEVICE_PATH_PROTOCOL *node = path; !IsDevicePathEnd(node); node = NextDevicePathNode(node))
        last = node;
    HARDDRIVE_DEVICE_PATH *partition = (VOID *)last;
    about("the partition's device path");
    tell("last node", "type %u, subtype %u, %u bytes", (UINT64)last->Type, (UINT64)last->SubType,
         DevicePathNodeLength(last));
    tell("PartitionNumber", "%u", (UINT64)partition->PartitionNumber);
    tell("PartitionStart", "%u", partition->PartitionStart);
    tell("PartitionSize", "%u", partition->PartitionSize);
    tell("Signature", "%x, the rest %x", (UINT64)*(UINT32 *)partition->Signature,
         (UINT64)*(UINT32 *)(partition->Signature + 4));
    tell("MBRType, SignatureType", "%u %u", (UINT64)partition->MBRType, (UINT64)partition->SignatureType);
    UINTN before = (UINTN)((UINT8 *)last - (UINT8 *)path);
    NEED(BS->AllocatePool(EfiLoaderData, before + 4, (VOID **)&copy));
    memcpy(copy, path, before);
    static const EFI_DEVICE_PATH_PROTOCOL END = {END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}};
    memcpy((UINT8 *)copy + before, &END, 4);
    EFI_DEVICE_PATH_PROTOCOL *rest = copy;
    NEED(BS->LocateDevicePath(&blocks, &rest, &Disk));
    about("the disk's device path");
    check("the disk is found by it", IsDevicePathEnd(rest));
    tell("it starts with", "type %u, subtype %u", (UINT64)copy->Type, (UINT64)copy->SubType);
    check("it has three nodes", nodes(copy) == 3);
    ATAPI_DEVICE_PATH *ata = (VOID *)NextDevicePathNode(NextDevicePathNode(copy));
    tell("the third is of an ATA disk", "%u %u, %u %u %u", (UINT64)ata->Header.Type, (UINT64)ata->Header.SubType,
         (UINT64)ata->PrimarySecondary,
         (UINT64)ata->SlaveMaster, (UINT64)ata->Lun);
    static const struct { const char *name; EFI_GUID guid; } GUIDS[] = {
        {"BlockIo", EFI_BLOCK_IO_PROTOCOL_GUID}, {"DiskIo", EFI_DISK_IO_PROTOCOL_GUID},
        {"SimpleFileSystem", EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID}, {"DevicePath", EFI_DEVICE_PATH_PROTOCOL_GUID},
        {"EFI system partition", EFI_GUID_OF(0xC12A7328, 0xF81F, 0x11D2, 0xBA, 0x4B, 0x00, 0xA0, 0xC9, 0x3E, 0xC9, 0x3B)},
    };
    for (UINTN i = 0; i < COUNT(GUIDS); i++) {
        VOID *interface;
        about("protocols");
        tell(GUIDS[i].name, "disk %r, partition %r", BS->HandleProtocol(Disk, &GUIDS[i].guid, &interface),
             BS->HandleProtocol(Volume, &GUIDS[i].guid, &interface));
    }
    VOID *null = (VOID *)1;
    EFI_GUID esp = GUIDS[4].guid;
    BS->HandleProtocol(Volume, &esp, &null);
    check("EFI system partition, its interface is NULL", null == NULL);
}

static void blocks(const char *subject, EFI_HANDLE handle)
{
    EFI_BLOCK_IO_PROTOCOL *io = protocol(handle, &EFI_BLOCK_IO_PROTOCOL_GUID);
    EFI_BLOCK_IO_MEDIA *media = io->Media;
    UINT32 id = media->MediaId;
    EFI_LBA last = media->LastBlock;
    about(subject);
    check("Revision is 2 or 2.31",
          io->Revision == EFI_BLOCK_IO_PROTOCOL_REVISION2 || io->Revision == EFI_BLOCK_IO_PROTOCOL_REVISION3);
    tell("RemovableMedia, MediaPresent, LogicalPartition, ReadOnly", "%u %u %u %u", (UINT64)media->RemovableMedia,
         (UINT64)media->MediaPresent, (UINT64)media->LogicalPartition, (UINT64)media->ReadOnly);
    tell("BlockSize", "%u", (UINT64)media->BlockSize);
    tell("LastBlock", "%u", last);
    check("IoAlign is a power of two, or 0", (media->IoAlign & (media->IoAlign - 1)) == 0);
    status("Reset", io->Reset(io, FALSE));
    status("Reset, extended", io->Reset(io, TRUE));
    status("FlushBlocks", io->FlushBlocks(io));

    status("ReadBlocks, one", io->ReadBlocks(io, id, 0, 512, Buffer));
    tell("ReadBlocks, its end", "%x", (UINT64)(Buffer[510] | Buffer[511] << 8));
    status("ReadBlocks, 16", io->ReadBlocks(io, id, 0, 16 * 512, Buffer));
    status("ReadBlocks, the last", io->ReadBlocks(io, id, last, 512, Buffer));
    status("ReadBlocks, behind the last", io->ReadBlocks(io, id, last + 1, 512, Buffer));
    status("ReadBlocks, the last and one more", io->ReadBlocks(io, id, last, 1024, Buffer));
    status("ReadBlocks, block 2^63", io->ReadBlocks(io, id, (EFI_LBA)1 << 63, 512, Buffer));
    status("ReadBlocks, block 2^64-1", io->ReadBlocks(io, id, -1, 512, Buffer));
    status("ReadBlocks, 0 bytes", io->ReadBlocks(io, id, 0, 0, Buffer));
    status("ReadBlocks, 0 bytes behind the last", io->ReadBlocks(io, id, last + 1, 0, Buffer));
    status("ReadBlocks, 511 bytes", io->ReadBlocks(io, id, 0, 511, Buffer));
    status("ReadBlocks, 513 bytes", io->ReadBlocks(io, id, 0, 513, Buffer));
    status("ReadBlocks, another medium", io->ReadBlocks(io, id + 1, 0, 512, Buffer));
    status("ReadBlocks, another medium, 0 bytes", io->ReadBlocks(io, id + 1, 0, 0, Buffer));
    status("ReadBlocks, another medium, 511 bytes", io->ReadBlocks(io, id + 1, 0, 511, Buffer));
    status("ReadBlocks, another medium, behind the last", io->ReadBlocks(io, id + 1, last + 1, 512, Buffer));
    status("ReadBlocks, no buffer", io->ReadBlocks(io, id, 0, 512, NULL));
    status("ReadBlocks, no buffer, 0 bytes", io->ReadBlocks(io, id, 0, 0, NULL));
    if (media->IoAlign <= 1)
        status("ReadBlocks, an odd buffer", io->ReadBlocks(io, id, 0, 512, Buffer + 1));
    else
        status("ReadBlocks, an odd buffer", EFI_SUCCESS);

    NEED(io->ReadBlocks(io, id, last - 1, 1024, Kept));
    memset(Buffer, 0x3C, 1024);
    status("WriteBlocks, the last two", io->WriteBlocks(io, id, last - 1, 1024, Buffer));
    memset(Buffer, 0, 1024);
    NEED(io->ReadBlocks(io, id, last - 1, 1024, Buffer));
    tell("WriteBlocks, read back", "%x %x", (UINT64)Buffer[0], (UINT64)Buffer[1023]);
    status("WriteBlocks, back", io->WriteBlocks(io, id, last - 1, 1024, Kept));
    status("WriteBlocks, behind the last", io->WriteBlocks(io, id, last + 1, 512, Buffer));
    status("WriteBlocks, the last and one more", io->WriteBlocks(io, id, last, 1024, Buffer));
    status("WriteBlocks, 0 bytes", io->WriteBlocks(io, id, 0, 0, Buffer));
    status("WriteBlocks, 100 bytes", io->WriteBlocks(io, id, 0, 100, Buffer));
    status("WriteBlocks, another medium", io->WriteBlocks(io, id + 1, 0, 512, Buffer));
    status("WriteBlocks, no buffer", io->WriteBlocks(io, id, 0, 512, NULL));
    status("FlushBlocks, after writing", io->FlushBlocks(io));
}

static void bytes(const char *subject, EFI_HANDLE handle, UINT64 size)
{
    EFI_DISK_IO_PROTOCOL *io = protocol(handle, &EFI_DISK_IO_PROTOCOL_GUID);
    UINT32 id = ((EFI_BLOCK_IO_PROTOCOL *)protocol(handle, &EFI_BLOCK_IO_PROTOCOL_GUID))->Media->MediaId;
    about(subject);
    tell("Revision", "%x", io->Revision);
    memset(Buffer, 0, 16);
    status("ReadDisk, two bytes", io->ReadDisk(io, id, 510, 2, Buffer));
    tell("ReadDisk, they are", "%x", (UINT64)(Buffer[0] | Buffer[1] << 8));
    status("ReadDisk, across blocks", io->ReadDisk(io, id, 509, 2000, Buffer));
    tell("ReadDisk, across blocks, two of them", "%x", (UINT64)(Buffer[1] | Buffer[2] << 8));
    status("ReadDisk, 0 bytes", io->ReadDisk(io, id, 100, 0, Buffer));
    status("ReadDisk, the last byte", io->ReadDisk(io, id, size - 1, 1, Buffer));
    status("ReadDisk, behind the last", io->ReadDisk(io, id, size, 1, Buffer));
    status("ReadDisk, the last and one more", io->ReadDisk(io, id, size - 1, 2, Buffer));
    status("ReadDisk, another medium", io->ReadDisk(io, id + 1, 0, 1, Buffer));
    UINT8 kept[700];
    NEED(io->ReadDisk(io, id, size - 1000, sizeof kept, kept));
    memset(Buffer, 0x77, sizeof kept);
    status("WriteDisk, 700 bytes across blocks", io->WriteDisk(io, id, size - 1000, sizeof kept, Buffer));
    UINT8 around[704];
    NEED(io->ReadDisk(io, id, size - 1002, sizeof around, around));
    int right = around[1] != 0x77 && around[702] != 0x77;
    for (UINTN i = 2; i < 702; i++)
        right &= around[i] == 0x77;
    check("WriteDisk, these and no others", right);
    status("WriteDisk, back", io->WriteDisk(io, id, size - 1000, sizeof kept, kept));
    status("WriteDisk, behind the last", io->WriteDisk(io, id, size, 1, Buffer));
    status("WriteDisk, another medium", io->WriteDisk(io, id + 1, 0, 1, Buffer));
}

/* What is written to the disk is seen on the partition, and the other way round. */
static void both(void)
{
    EFI_BLOCK_IO_PROTOCOL *disk = protocol(Disk, &EFI_BLOCK_IO_PROTOCOL_GUID),
                          *volume = protocol(Volume, &EFI_BLOCK_IO_PROTOCOL_GUID);
    about("disk and partition");
    NEED(disk->ReadBlocks(disk, disk->Media->MediaId, PARTITION_START, 512, Buffer));
    NEED(volume->ReadBlocks(volume, volume->Media->MediaId, 0, 512, Buffer + 512));
    check("the partition's first block is the disk's 2048th", equal(Buffer, Buffer + 512, 512));
    tell("its type says", "%c%c%c%c%c", Buffer[54], Buffer[55], Buffer[56], Buffer[57], Buffer[58]);
    check("the handle of the volume is a partition of the disk", volume->Media->LastBlock == PARTITION_BLOCKS - 1);
    EFI_HANDLE *handles;
    UINTN count, found = 0;
    EFI_GUID blocks = EFI_BLOCK_IO_PROTOCOL_GUID;
    NEED(BS->LocateHandleBuffer(ByProtocol, &blocks, NULL, &count, &handles));
    for (UINTN i = 0; i < count; i++)
        found += handles[i] == Disk || handles[i] == Volume;
    tell("LocateHandleBuffer of BlockIo has both", "%u", found);
    NEED(BS->FreePool(handles));
}

void guest(void)
{
    find();
    blocks("the disk's BlockIo", Disk);
    blocks("the partition's BlockIo", Volume);
    bytes("the disk's DiskIo", Disk, (UINT64)(PARTITION_START + PARTITION_BLOCKS) * 512);
    bytes("the partition's DiskIo", Volume, (UINT64)PARTITION_BLOCKS * 512);
    both();
}
