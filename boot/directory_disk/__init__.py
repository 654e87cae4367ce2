"""A directory of the host as a disk with an EFI system partition, and what a guest changes there brought back.

    tree.py         what the directory holds, as far as FAT can show it
    layout.py       which sector has what
    guest.py        what the volume holds when the guest has written to it
    write_back.py   the directory changed accordingly
    disk.py         DirectoryDisk
"""
from boot.directory_disk.disk import DirectoryDisk

__all__ = ["DirectoryDisk"]
