"""FAT12, FAT16 and FAT32 with long names, read and write, over anything that has sectors.

    names.py      what a name may be, its short form, when two are the same
    entries.py    directory entries, times of day
    errors.py     what can go wrong
"""
