"""Boot services: what loaders call until ExitBootServices. A file a section of UEFI 2.10, chapter 7."""
