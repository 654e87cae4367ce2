"""Boot images with their sources beside them; build.py makes the one from the other.

    first_weekend.img           512 bytes that write BOOT into the screen's memory
    whole_way/whole_way.img     from the boot sector over A20, memory map and protected mode to an ELF kernel in long mode
    uefi/esp/                   an EFI system partition with a loader and a kernel, in C; uefi/*.h are headers for others
    uefi/hello.c                the smallest EFI application
    deaths/*.img                mistakes that everybody makes once, to see how they are explained
"""
