"""What GUIDs are called, for people: those of the specification, and some that loaders and operating systems brought.

Protocols that exist here have their name from their class (protocol.py).
"""
from __future__ import annotations

from boot.uefi.definitions import Guid
from boot.uefi.protocol import PROTOCOLS

NAMES = {
    # variables' vendors
    "8be4df61-93ca-11d2-aa0d-00e098032b8c": "EFI_GLOBAL_VARIABLE",
    "d719b2cb-3d3a-4596-a3bc-dad00e67656f": "EFI_IMAGE_SECURITY_DATABASE",
    "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f": "LOADER",
    "605dab50-e046-4300-abb6-3dd810dd8b23": "SHIM_LOCK",
    "0abba7dc-e516-4167-bbf5-4d9d1c739416": "FWUPDATE",
    "e20939be-32d4-41be-a150-897f85d49829": "MEMORY_OVERWRITE_REQUEST_CONTROL",
    # what GetInfo knows
    "09576e92-6d3f-11d2-8e39-00a0c969723b": "FILE_INFO",
    "09576e93-6d3f-11d2-8e39-00a0c969723b": "FILE_SYSTEM_INFO",
    "db47d7d3-fe81-11d3-9a35-0090273fc14d": "VOLUME_LABEL",
    # groups of events
    "27abf055-b1b8-4c26-8048-748f37baa2df": "EXIT_BOOT_SERVICES",
    "8be0e274-3970-4b44-80c5-1ab9502f3bfc": "BEFORE_EXIT_BOOT_SERVICES",
    "13fa7698-c831-49c7-87ea-8f43fcc25196": "VIRTUAL_ADDRESS_CHANGE",
    "78bee926-692f-48fd-9edb-01422ef0d7ab": "MEMORY_MAP_CHANGE",
    "7ce88fb3-4bd7-4679-87a8-a8d8dee50d2b": "READY_TO_BOOT",
    "3a2a00ad-98b9-4cdf-a478-702777f1c10b": "AFTER_READY_TO_BOOT",
    "62da6a56-13fb-485a-a8da-a3dd7912cb6b": "RESET_SYSTEM",
    # configuration tables
    "8868e871-e4f1-11d3-bc22-0080c73c8881": "ACPI_20_TABLE",
    "eb9d2d30-2d88-11d3-9a16-0090273fc14d": "ACPI_TABLE",
    "f2fd1544-9794-4a2c-992e-e5bbcf20e394": "SMBIOS3_TABLE",
    "eb9d2d31-2d88-11d3-9a16-0090273fc14d": "SMBIOS_TABLE",
    "eb66918a-7eef-402a-842e-931d21c38ae9": "RT_PROPERTIES_TABLE",
    "dcfa911d-26eb-469f-a220-38b7dc461220": "MEMORY_ATTRIBUTES_TABLE",
    "b1b621d5-f19c-41a5-830b-d9152c69aae0": "DTB_TABLE",
    "eb9d2d2f-2d88-11d3-9a16-0090273fc14d": "MPS_TABLE",
    "b122a263-3661-4f68-9929-78f8b0d62180": "SYSTEM_RESOURCE_TABLE",
    "05ad34ba-6f02-4214-952e-4da0398e2bb9": "DXE_SERVICES_TABLE",
    "1ce1e5bc-7ceb-42f2-81e5-8aadf180f57b": "LINUX_EFI_RANDOM_SEED",
    "5568e427-68fc-4f3d-ac74-ca555231cc68": "LINUX_EFI_INITRD_MEDIA",
    "800f683f-d08b-423a-a293-965c3c6fe2b4": "LINUX_EFI_UNACCEPTED_MEMORY",
    "b7799cb0-eca2-4943-9667-1fae07b747fa": "LINUX_EFI_TPM_EVENT_LOG",
    # protocols that are not here
    "607f766c-7455-42be-930b-e4d76db2720f": "Tcg2",
    "f541796d-a62e-4954-a775-9584f61b9cdd": "Tcg",
    "96751a3d-72f4-41a6-a794-ed5d0e67ae6b": "CcMeasurement",
    "a46423e3-4617-49f1-b9ff-d1bfa9115839": "SecurityArch",
    "94ab2f58-1438-4ef1-9152-18941a3a0e68": "Security2Arch",
    "a19832b9-ac25-11d3-9a2d-0090273fc14d": "SimpleNetwork",
    "03c4e603-ac28-11d3-9a2d-0090273fc14d": "PxeBaseCode",
    "31878c87-0b75-11d5-9a4f-0090273fc14d": "SimplePointer",
    "8d59d32b-c655-4ae9-9b15-f25904992a43": "AbsolutePointer",
    "982c298b-f4fa-41cb-b838-77aa688fb839": "UgaDraw",
    "f42f7782-012e-4c12-9956-49f94304f721": "ConsoleControl",
    "91bd12fe-f6c3-44fb-a5b7-5122ab303ae0": "AppleProperties",
    "587e72d7-cc50-4f79-8209-ca291fc1a10f": "HiiConfigRouting",
    "e9ca4775-8657-47fc-97e7-7ed65a084324": "HiiFont",
    "31a6406a-6bdf-4e46-b2a2-ebaa89c40920": "HiiImage",
    "4006c0c1-fcb3-403e-996d-4a6c8724e06d": "LoadFile2",
    "56ec3091-954c-11d2-8e3f-00a0c969723b": "LoadFile",
    "18a031ab-b443-4d1a-a5c0-0c09261e9f71": "DriverBinding",
    "107a772c-d5e1-11d4-9a46-0090273fc14d": "ComponentName",
    "6a7a5cff-e8d9-4f70-bada-75ab3025ce14": "ComponentName2",
    "bd8c1056-9f36-44ec-92a8-a6337f817986": "EdidActive",
    "1c0c34f6-d380-41fa-a049-8ad06c1a66aa": "EdidDiscovered",
    "bc62157e-3e33-4fec-9920-2d3b36d750df": "LoadedImageDevicePath",
    "09576e91-6d3f-11d2-8e39-00a0c969723b": "DevicePath",
    "6a1ee763-d47a-43b4-aabe-ef1de2ab56fc": "HiiPackageList",
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI_SYSTEM_PARTITION",
}
BY_BYTES = {Guid(text): name for text, name in NAMES.items()}


def name_of(guid: Guid) -> str:
    """`SimpleFileSystem`, `EFI_GLOBAL_VARIABLE`, or the GUID itself."""
    for protocol in PROTOCOLS:
        if getattr(protocol, "guid", None) == guid:
            return protocol.__name__
    return BY_BYTES.get(guid) or str(guid)
