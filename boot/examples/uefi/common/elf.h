/* ELF64 as far as a loader needs it. Source: System V gABI, chapters 4 (header) and 5 (program header). */
#ifndef ELF_H
#define ELF_H

#include <stdint.h>

typedef struct {
    uint8_t  e_ident[16];                               /* 7Fh E L F, class, data, version, ... */
    uint16_t e_type;
    uint16_t e_machine;
    uint32_t e_version;
    uint64_t e_entry;
    uint64_t e_phoff;                                   /* where in the file the program headers are, */
    uint64_t e_shoff;
    uint32_t e_flags;
    uint16_t e_ehsize;
    uint16_t e_phentsize;                               /* how long one is, */
    uint16_t e_phnum;                                   /* and how many there are */
    uint16_t e_shentsize, e_shnum, e_shstrndx;
} Elf64_Ehdr;

typedef struct {                                        /* a segment: */
    uint32_t p_type;
    uint32_t p_flags;
    uint64_t p_offset;                                  /* p_filesz bytes from here in the file */
    uint64_t p_vaddr;
    uint64_t p_paddr;                                   /* go to here in memory, */
    uint64_t p_filesz;
    uint64_t p_memsz;                                   /* and zeros follow until it is so long (BSS) */
    uint64_t p_align;
} Elf64_Phdr;

#define EI_CLASS    4
#define ELFCLASS64  2
#define EI_DATA     5
#define ELFDATA2LSB 1
#define ET_EXEC     2
#define ET_DYN      3
#define EM_X86_64   62
#define PT_LOAD     1
#define PF_X        1

#endif
