"""Runtime services: what operating systems call, too. A file a section of UEFI 2.10, chapter 8."""
