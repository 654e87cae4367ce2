/* 14.2, 14.4: PCI functions by their handles, and all of them by the root bridge. Which there are is the machine's business:
   the host bridge and the display adapter are on both. */
#include "guest.h"
#include "pci.h"
#include "protocols.h"

static EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL *Root;

static UINT32 by_ports(UINTN bus, UINTN device, UINTN function, UINTN at)
{
    UINT32 value;
    __asm__ volatile("mov $0xCF8, %%dx; outl %1, %%dx; mov $0xCFC, %%dx; inl %%dx, %0"
                     : "=a"(value) : "a"((UINT32)(0x80000000 | bus << 16 | device << 11 | function << 8 | at)) : "rdx");
    return value;
}

static void function(const char *subject, EFI_PCI_IO_PROTOCOL *io, UINTN device, UINTN number)
{
    UINT8 bytes[8] = {0};
    UINT16 words[4] = {0};
    UINT32 longs[4] = {0}, port = by_ports(0, device, number, 0);
    about(subject);
    status("read, 4 bytes", io->Pci.Read(io, EfiPciIoWidthUint32, 0, 1, longs));
    check("read, as by the ports", longs[0] == port);
    status("read, two words", io->Pci.Read(io, EfiPciIoWidthUint16, 0, 2, words));
    check("read, the same", (words[0] | (UINT32)words[1] << 16) == port);
    status("read, four bytes", io->Pci.Read(io, EfiPciIoWidthUint8, 0, 4, bytes));
    check("read, the same again", *(UINT32 *)bytes == port);
    status("read, FIFO, twice", io->Pci.Read(io, EfiPciIoWidthFifoUint32, 0, 2, longs));
    check("read, FIFO, both are the first", longs[0] == port && longs[1] == port);
    status("read, 64 bits", io->Pci.Read(io, EfiPciIoWidthUint64, 0, 1, longs));
    status("read, width 12", io->Pci.Read(io, EfiPciIoWidthMaximum, 0, 1, longs));
    status("read, not aligned", io->Pci.Read(io, EfiPciIoWidthUint32, 2, 1, longs));
    status("read, no buffer", io->Pci.Read(io, EfiPciIoWidthUint32, 0, 1, NULL));
    status("read, the last", io->Pci.Read(io, EfiPciIoWidthUint32, 0xFC, 1, longs));
    status("read, behind the last", io->Pci.Read(io, EfiPciIoWidthUint32, 0x100, 1, longs));
    status("read, across the end", io->Pci.Read(io, EfiPciIoWidthUint32, 0xFC, 2, longs));
    status("read, far behind", io->Pci.Read(io, EfiPciIoWidthUint32, 0x1000, 1, longs));
    tell("class", "%x", (UINT64)(by_ports(0, device, number, 8) >> 8));

    UINT64 supported = 0, before = 0, after = 0;
    status("Attributes, supported", io->Attributes(io, EfiPciIoAttributeOperationSupported, 0, &supported));
    status("Attributes, get", io->Attributes(io, EfiPciIoAttributeOperationGet, 0, &before));
    check("what is on is supported", (before & ~supported) == 0);
    status("Attributes, get without a result", io->Attributes(io, EfiPciIoAttributeOperationGet, 0, NULL));
    status("Attributes, what is not supported", io->Attributes(io, EfiPciIoAttributeOperationEnable, 1ull << 60, NULL));
    status("Attributes, operation 5", io->Attributes(io, EfiPciIoAttributeOperationMaximum, 0, &after));
    UINT64 could = supported & EFI_PCI_IO_ATTRIBUTE_IO;
    status("Attributes, enable I/O, if it can be", io->Attributes(io, EfiPciIoAttributeOperationEnable, could, NULL));
    NEED(io->Attributes(io, EfiPciIoAttributeOperationGet, 0, &after));
    check("it is on", (after & could) == could);
    check("ROM of size 0", io->RomSize == 0 && io->RomImage == NULL);
    status("GetBarAttributes, of a BAR that is no number", io->GetBarAttributes(io, 7, &supported, NULL));
    status("GetBarAttributes, nothing asked", io->GetBarAttributes(io, 0, NULL, NULL));
    status("Mem.Read, BAR 6", io->Mem.Read(io, EfiPciIoWidthUint32, 6, 0, 1, longs));
    status("Io.Read, of a BAR that is not there", io->Io.Read(io, EfiPciIoWidthUint32, 5, 0, 1, longs));
    status("Flush", io->Flush(io));
}

static void transfers(EFI_PCI_IO_PROTOCOL *io)
{
    VOID *host = NULL, *mapping = NULL;
    UINTN size = 4096;
    EFI_PHYSICAL_ADDRESS device = 0;
    about("transfers");
    status("AllocateBuffer", io->AllocateBuffer(io, AllocateAnyPages, EfiBootServicesData, 2, &host, 0));
    check("AllocateBuffer, at a page", ((UINTN)host & 4095) == 0 && host);
    status("Map, for a common buffer", io->Map(io, EfiPciIoOperationBusMasterCommonBuffer, host, &size, &device, &mapping));
    check("Map, the device sees it where it is", device == (UINTN)host && size == 4096);
    status("Unmap", io->Unmap(io, mapping));
    status("Map, to be read", io->Map(io, EfiPciIoOperationBusMasterRead, host, &size, &device, &mapping));
    status("Unmap, then", io->Unmap(io, mapping));
    status("Map, operation 3", io->Map(io, EfiPciIoOperationMaximum, host, &size, &device, &mapping));
    status("Map, no memory", io->Map(io, EfiPciIoOperationBusMasterRead, NULL, &size, &device, &mapping));
    status("Map, no size", io->Map(io, EfiPciIoOperationBusMasterRead, host, NULL, &device, &mapping));
    status("FreeBuffer", io->FreeBuffer(io, 2, host));
    status("AllocateBuffer, of loader data", io->AllocateBuffer(io, AllocateAnyPages, EfiLoaderData, 1, &host, 0));
    status("AllocateBuffer, no result", io->AllocateBuffer(io, AllocateAnyPages, EfiBootServicesData, 1, NULL, 0));
    status("AllocateBuffer, attribute 1", io->AllocateBuffer(io, AllocateAnyPages, EfiBootServicesData, 1, &host, 1));
}

static void root_bridge(void)
{
    UINT32 value = 0, port = by_ports(0, 0, 0, 0);
    about("the root bridge");
    tell("SegmentNumber", "%u", (UINT64)Root->SegmentNumber);
    status("Pci.Read", Root->Pci.Read(Root, EfiPciIoWidthUint32, EFI_PCI_ADDRESS(0, 0, 0, 0), 1, &value));
    check("Pci.Read, as by the ports", value == port);
    status("Pci.Read, of a device that is not there",
           Root->Pci.Read(Root, EfiPciIoWidthUint32, EFI_PCI_ADDRESS(0, 30, 7, 0), 1, &value));
    tell("Pci.Read, that gives", "%x", (UINT64)value);
    status("Pci.Read, not aligned", Root->Pci.Read(Root, EfiPciIoWidthUint32, EFI_PCI_ADDRESS(0, 0, 0, 1), 1, &value));
    status("Pci.Read, no buffer", Root->Pci.Read(Root, EfiPciIoWidthUint32, EFI_PCI_ADDRESS(0, 0, 0, 0), 1, NULL));
    status("Pci.Read, width 12", Root->Pci.Read(Root, EfiPciIoWidthMaximum, EFI_PCI_ADDRESS(0, 0, 0, 0), 1, &value));
    value = 0;
    status("Io.Read, the serial port's line status", Root->Io.Read(Root, EfiPciIoWidthUint8, 0x3FD, 1, &value));
    check("Io.Read, the transmitter is empty", value & 0x20);
    UINT8 bytes[4] = {0};
    status("Mem.Read, of memory", Root->Mem.Read(Root, EfiPciIoWidthUint8, 0x100000, 4, bytes));
    UINT64 supports = 0, attributes = 0;
    status("GetAttributes", Root->GetAttributes(Root, &supports, &attributes));
    check("what is on is supported", (attributes & ~supports) == 0);
    status("GetAttributes, nothing asked", Root->GetAttributes(Root, NULL, NULL));
    UINT8 *resources = NULL;
    status("Configuration", Root->Configuration(Root, (VOID **)&resources));
    tell("Configuration, first descriptor", "%x", (UINT64)resources[0]);
}

void guest(void)
{
    EFI_HANDLE *handles;
    UINTN count, found = 0;
    EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
    EFI_PCI_IO_PROTOCOL *io, *display = NULL, *host = NULL;
    NEED(BS->LocateProtocol(&EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_GUID, NULL, (VOID **)&Root));
    NEED(BS->LocateHandleBuffer(ByProtocol, &guid, NULL, &count, &handles));
    int paths = 1;
    for (UINTN i = 0; i < count; i++) {
        UINTN segment = 7, bus = 7, device = 77, number = 77;
        EFI_DEVICE_PATH_PROTOCOL *path;
        NEED(BS->HandleProtocol(handles[i], &guid, (VOID **)&io));
        NEED(io->GetLocation(io, &segment, &bus, &device, &number));
        paths &= segment == 0 && bus == 0 &&
                 !EFI_ERROR(BS->HandleProtocol(handles[i], &EFI_DEVICE_PATH_PROTOCOL_GUID, (VOID **)&path));
        if (paths) {
            PCI_DEVICE_PATH *node = (VOID *)NextDevicePathNode(path);
            paths &= node->Header.SubType == HW_PCI_DP && node->Device == device && node->Function == number;
        }
        if (device == 0 && number == 0)
            host = io;
        if (device == 2 && number == 0)
            display = io;
        found += by_ports(bus, device, number, 0) != 0xFFFFFFFF;
    }
    check("each function is there by the ports, too", found == count && count >= 3);
    check("each has a device path that says where it is", paths);
    check("the host bridge and the display adapter are there", host && display);
    status("GetLocation, nowhere to put it", host->GetLocation(host, NULL, &count, &count, &count));
    function("the host bridge", host, 0, 0);
    function("the display adapter", display, 2, 0);
    transfers(display);
    root_bridge();
}
