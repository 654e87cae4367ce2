/* 5.3, 10.3.5.1: a disk with a GPT and two partitions, of which the second is this volume, with FAT32. build.py makes it. */
#include "guest.h"
#include "protocols.h"

static UINT8 Buffer[64 * 1024] __attribute__((aligned(8)));

static VOID *protocol(EFI_HANDLE handle, const EFI_GUID *guid)
{
    VOID *interface = NULL;
    BS->HandleProtocol(handle, guid, &interface);
    return interface;
}

static HARDDRIVE_DEVICE_PATH *last_node(EFI_HANDLE handle)
{
    EFI_DEVICE_PATH_PROTOCOL *node = protocol(handle, &EFI_DEVICE_PATH_PROTOCOL_GUID), *last = node;
    for (; node && !IsDevicePathEnd(node); node = NextDevicePathNode(node))
        last = node;
    return (VOID *)last;
}

static void partitions(void)
{
    EFI_HANDLE *handles;
    UINTN count, found = 0;
    EFI_GUID blocks = EFI_BLOCK_IO_PROTOCOL_GUID;
    NEED(BS->LocateHandleBuffer(ByProtocol, &blocks, NULL, &count, &handles));
    for (UINTN number = 1; number <= 2; number++)       /* which comes first is the firmware's business */
        for (UINTN i = 0; i < count; i++) {
            HARDDRIVE_DEVICE_PATH *node = last_node(handles[i]);
            if (!node || node->Header.Type != MEDIA_DEVICE_PATH || node->PartitionNumber != number)
                continue;
            EFI_BLOCK_IO_PROTOCOL *io = protocol(handles[i], &blocks);
            found++;
            about(number == 1 ? "partition 1" : "partition 2");
            tell("in the device path", "start %u, size %u, table %u, signature %u: %g", node->PartitionStart, node->PartitionSize,
                 (UINT64)node->MBRType, (UINT64)node->SignatureType, node->Signature);
            tell("BlockIo", "logical %u, last block %u", (UINT64)io->Media->LogicalPartition, io->Media->LastBlock);
            VOID *interface;
            status("has a file system", BS->HandleProtocol(handles[i], &EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID, &interface));
            EFI_GUID system = EFI_GUID_OF(0xC12A7328, 0xF81F, 0x11D2, 0xBA, 0x4B, 0x00, 0xA0, 0xC9, 0x3E, 0xC9, 0x3B);
            status("has the type of an EFI system partition", BS->HandleProtocol(handles[i], &system, &interface));
            EFI_DEVICE_PATH_TO_TEXT_PROTOCOL *text;
            NEED(BS->LocateProtocol(&EFI_DEVICE_PATH_TO_TEXT_PROTOCOL_GUID, NULL, (VOID **)&text));
            CHAR16 *words = text->ConvertDeviceNodeToText(&node->Header, FALSE, FALSE);
            tell("as text", "%S", words);
            NEED(BS->FreePool(words));
        }
    about("");
    tell("partitions", "%u", found);
    NEED(BS->FreePool(handles));
}

/* The header as a loader checks it: signature, CRC of itself, CRC of the entries. */
static void header(EFI_HANDLE volume)
{
    EFI_GUID blocks = EFI_BLOCK_IO_PROTOCOL_GUID;
    EFI_DEVICE_PATH_PROTOCOL *path = protocol(volume, &EFI_DEVICE_PATH_PROTOCOL_GUID), *rest;
    UINTN before = (UINTN)((UINT8 *)last_node(volume) - (UINT8 *)path);
    EFI_HANDLE disk = NULL;
    memcpy(Buffer, path, before);
    static const EFI_DEVICE_PATH_PROTOCOL END = {END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {4, 0}};
    memcpy(Buffer + before, &END, 4);
    rest = (VOID *)Buffer;
    NEED(BS->LocateDevicePath(&blocks, &rest, &disk));
    EFI_BLOCK_IO_PROTOCOL *io = protocol(disk, &blocks);
    UINT32 crc, *words = (VOID *)Buffer;
    about("the header");
    status("ReadBlocks", io->ReadBlocks(io, io->Media->MediaId, 1, 512, Buffer));
    check("its signature", equal(Buffer, "EFI PART", 8));
    UINT32 own = words[4], entries = words[22];
    words[4] = 0;
    NEED(BS->CalculateCrc32(Buffer, words[3], &crc));
    check("its CRC", crc == own);
    NEED(io->ReadBlocks(io, io->Media->MediaId, 2, 128 * 128, Buffer));
    NEED(BS->CalculateCrc32(Buffer, 128 * 128, &crc));
    check("the CRC of its entries", crc == entries);
    status("ReadBlocks, the other at the end", io->ReadBlocks(io, io->Media->MediaId, io->Media->LastBlock, 512, Buffer));
    check("its signature, too", equal(Buffer, "EFI PART", 8));
}

static void files(EFI_HANDLE volume)
{
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *system = protocol(volume, &EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID);
    EFI_FILE_PROTOCOL *root, *file, *dir;
    UINTN size = sizeof Buffer;
    about("FAT32");
    NEED(system->OpenVolume(system, &root));
    NEED(root->GetInfo(root, &EFI_FILE_SYSTEM_INFO_ID, &size, Buffer));
    EFI_FILE_SYSTEM_INFO *info = (VOID *)Buffer;
    tell("volume", "\"%S\", clusters of %u bytes", info->VolumeLabel, (UINT64)info->BlockSize);
    tell("VolumeSize", "%u", info->VolumeSize);
    UINT64 before = info->FreeSpace;
    NEED(root->Open(root, &dir, u"A directory with a long name", EFI_FILE_MODE_CREATE | 3, EFI_FILE_DIRECTORY));
    NEED(dir->Open(dir, &file, u"A file with a long name, of a megabyte.data", EFI_FILE_MODE_CREATE | 3, 0));
    UINTN written = 0;
    for (UINTN i = 0; i < 16; i++) {
        memset(Buffer, (int)i, sizeof Buffer);
        size = sizeof Buffer;
        NEED(file->Write(file, &size, Buffer));
        written += size;
    }
    tell("written", "%u", written);
    NEED(file->Close(file)), NEED(dir->Close(dir));
    NEED(root->Open(root, &file, u"a directory with a LONG name\\a file with a long name, of a megabyte.DATA", 1, 0));
    int right = 1;
    UINTN all = 0;
    for (;;) {
        size = 12345;
        NEED(file->Read(file, &size, Buffer));
        if (!size)
            break;
        for (UINTN i = 0; i < size; i++)
            right &= Buffer[i] == (all + i) / sizeof Buffer;
        all += size;
    }
    tell("read again", "%u, right %b", all, right);
    NEED(file->Close(file));
    size = sizeof Buffer;
    NEED(root->GetInfo(root, &EFI_FILE_SYSTEM_INFO_ID, &size, Buffer));
    tell("taken", "%u", before - info->FreeSpace);
    NEED(root->Open(root, &dir, u"A directory with a long name", 3, 0));
    for (UINTN i = 0; i < 100; i++) {                   /* the directory grows by a cluster now and then */
        static CHAR16 name[] = u"file number 000";
        name[13] = (CHAR16)(u'0' + i / 10), name[14] = (CHAR16)(u'0' + i % 10);
        NEED(dir->Open(dir, &file, name, EFI_FILE_MODE_CREATE | 3, 0));
        NEED(file->Close(file));
    }
    UINTN entries = 0;
    NEED(dir->SetPosition(dir, 0));
    for (size = sizeof Buffer; !EFI_ERROR(dir->Read(dir, &size, Buffer)) && size; size = sizeof Buffer)
        entries++;
    tell("entries of the directory", "%u", entries);
    status("Delete of it, which is not empty", dir->Delete(dir));
    NEED(root->Close(root));
}

void guest(void)
{
    EFI_LOADED_IMAGE_PROTOCOL *me = protocol(Image, &EFI_LOADED_IMAGE_PROTOCOL_GUID);
    header(me->DeviceHandle);
    files(me->DeviceHandle);
    partitions();
}
