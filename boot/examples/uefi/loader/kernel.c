/* An ELF64 executable, from its file to where its segments ask to be. */
#include "../common/elf.h"
#include "loader.h"

#define LARGEST (64u << 20)                             /* a segment table gone wrong asks for exabytes */

/* Why a file is not what this loader takes, or NULL. */
static const char *unsuitable(const UINT8 *file, UINTN size)
{
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)file;
    if (size < sizeof *header || memcmp(header->e_ident, "\x7F" "ELF", 4) != 0)
        return "It is no ELF file: it does not begin with 7Fh E L F.";
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_X86_64)
        return "It is for another processor: compile it with gcc -m64 on x86.";
    if (header->e_type == ET_DYN)
        return "It is position-independent and would need relocation: link it with -no-pie.";
    if (header->e_type != ET_EXEC)
        return "It is no executable: link it, an object file has no addresses yet.";
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phoff > size ||
        header->e_phnum * sizeof(Elf64_Phdr) > size - header->e_phoff)
        return "Its program headers lie outside of the file: was it cut short?";
    return NULL;
}

static const Elf64_Phdr *segment(const UINT8 *file, UINTN index)
{
    return (const Elf64_Phdr *)(file + ((const Elf64_Ehdr *)file)->e_phoff) + index;
}

/* The span of all segments, in whole pages, into `kernel`; why it cannot be, or NULL. */
static const char *measure(const UINT8 *file, UINTN size, Kernel *kernel)
{
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)file;
    BOOLEAN enters = FALSE;
    kernel->start = ~(EFI_PHYSICAL_ADDRESS)0;
    kernel->end = 0;
    kernel->entry = 0;
    for (UINTN i = 0; i < header->e_phnum; i++) {
        const Elf64_Phdr *part = segment(file, i);
        if (part->p_type != PT_LOAD || part->p_memsz == 0)
            continue;
        if (part->p_filesz > part->p_memsz || part->p_offset > size || part->p_filesz > size - part->p_offset)
            return "One of its segments lies outside of the file: was it cut short?";
        if (part->p_memsz > LARGEST || part->p_paddr + part->p_memsz < part->p_paddr)
            return "A segment has more than 64 MB: is a section linked far from the others?";
        if (part->p_paddr < kernel->start)
            kernel->start = part->p_paddr;
        if (part->p_paddr + part->p_memsz > kernel->end)
            kernel->end = part->p_paddr + part->p_memsz;
        if (part->p_flags & PF_X && header->e_entry - part->p_vaddr < part->p_memsz) {
            kernel->entry = header->e_entry - part->p_vaddr + part->p_paddr;    /* memory is mapped one to one */
            enters = TRUE;
        }
    }
    if (!kernel->end)
        return "It has no PT_LOAD segment: nothing to load.";
    if (!enters)
        return "Its entry is in no executable segment: has the linker script an ENTRY(...)?";
    kernel->start &= ~(EFI_PHYSICAL_ADDRESS)(EFI_PAGE_SIZE - 1);
    kernel->end = (kernel->end + EFI_PAGE_SIZE - 1) & ~(EFI_PHYSICAL_ADDRESS)(EFI_PAGE_SIZE - 1);
    if (kernel->end - kernel->start > LARGEST)
        return "Its segments are more than 64 MB apart.";
    return NULL;
}

EFI_STATUS kernel_load(const VOID *data, UINTN size, Kernel *kernel)
{
    const UINT8 *file = data;
    const char *reason = unsuitable(file, size);
    if (!reason)
        reason = measure(file, size, kernel);
    if (reason)
        return failed(EFI_UNSUPPORTED, reason, "load the kernel, %lu bytes", size);

    /* One allocation for all, since two segments may share a page and pages are allocated once. AllocateAddress is all or
     * nothing: memory that a linker script only hopes for may belong to the firmware on the next machine. */
    EFI_PHYSICAL_ADDRESS address = kernel->start;
    EFI_STATUS status = BS->AllocatePages(AllocateAddress, EfiLoaderCode, EFI_SIZE_TO_PAGES(kernel->end - kernel->start),
                                          &address);
    if (EFI_ERROR(status)) {
        MemoryMap map;
        if (!EFI_ERROR(memory_map_allocate(&map)))
            memory_print_owner(&map, kernel->start, kernel->end);
        return failed(status, "Link the kernel to where there is EfiConventionalMemory.",
                      "have %016lx - %016lx for the kernel", kernel->start, kernel->end - 1);
    }

    print("\n  The kernel:\n");
    for (UINTN i = 0; i < ((const Elf64_Ehdr *)file)->e_phnum; i++) {
        const Elf64_Phdr *part = segment(file, i);
        if (part->p_type != PT_LOAD || part->p_memsz == 0)
            continue;
        UINT8 *target = (UINT8 *)part->p_paddr;
        memcpy(target, file + part->p_offset, part->p_filesz);
        memset(target + part->p_filesz, 0, part->p_memsz - part->p_filesz);     /* AllocatePages does not clear */
        print("  %016lx - %016lx  %c%c%c\n", part->p_paddr, part->p_paddr + part->p_memsz - 1,
              part->p_flags & 4 ? 'r' : '-', part->p_flags & 2 ? 'w' : '-', part->p_flags & PF_X ? 'x' : '-');
    }
    return EFI_SUCCESS;
}
