/* 7.2: thousands of allocations and frees in an order that nobody chose, and the map checked against them. */
#include "guest.h"

enum { MOST = 64, STEPS = 4000 };
struct block { EFI_PHYSICAL_ADDRESS start; UINTN pages; UINT32 type; };      /* pages 0: none */
struct buffer { UINT8 *start; UINTN size; UINT8 fill; };

static struct block Blocks[MOST];
static struct buffer Buffers[MOST];
static UINT8 Map[64 * 1024] __attribute__((aligned(16)));
static UINTN MapSize, MapKey, Step;
static const UINT32 TYPES[] = {EfiLoaderCode, EfiLoaderData, EfiBootServicesCode, EfiBootServicesData, EfiRuntimeServicesData,
                               EfiReservedMemoryType, EfiACPIReclaimMemory, 0x80000001};

#define EACH(descriptor) (EFI_MEMORY_DESCRIPTOR *descriptor = (void *)Map; (UINT8 *)descriptor < Map + MapSize; \
                          descriptor = (void *)((UINT8 *)descriptor + Step))

static UINT64 random_bits(void)
{
    static UINT64 state = 20260517;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

static void get_map(void)
{
    UINT32 version;
    MapSize = sizeof Map;
    NEED(BS->GetMemoryMap(&MapSize, (VOID *)Map, &MapKey, &Step, &version));
}

/* All pages of memory, whoever has them. */
static UINT64 total(void)
{
    UINT64 pages = 0;
    for EACH(each)
        if (each->Type != EfiMemoryMappedIO && each->Type != EfiMemoryMappedIOPortSpace)
            pages += each->NumberOfPages;
    return pages;
}

/* Whether the map has each block with its type, and no two descriptors overlap. */
static int consistent(void)
{
    for (UINTN i = 0; i < MOST; i++) {
        EFI_PHYSICAL_ADDRESS at = Blocks[i].start, end = at + Blocks[i].pages * EFI_PAGE_SIZE;
        while (at < end) {                              /* a block may lie in several descriptors */
            EFI_PHYSICAL_ADDRESS next = 0;
            for EACH(each)
                if (each->PhysicalStart <= at && at < each->PhysicalStart + each->NumberOfPages * EFI_PAGE_SIZE &&
                    each->Type == Blocks[i].type)
                    next = each->PhysicalStart + each->NumberOfPages * EFI_PAGE_SIZE;
            if (!next)
                return 0;
            at = next;
        }
    }
    EFI_PHYSICAL_ADDRESS behind = 0;
    for EACH(each) {
        if (each->PhysicalStart < behind || !each->NumberOfPages)
            return 0;
        behind = each->PhysicalStart + each->NumberOfPages * EFI_PAGE_SIZE;
    }
    return 1;
}

static int overlaps(EFI_PHYSICAL_ADDRESS start, UINTN bytes)
{
    for (UINTN i = 0; i < MOST; i++) {
        if (Blocks[i].pages && start < Blocks[i].start + Blocks[i].pages * EFI_PAGE_SIZE && Blocks[i].start < start + bytes)
            return 1;
        if (Buffers[i].size && start < (UINTN)Buffers[i].start + Buffers[i].size && (UINTN)Buffers[i].start < start + bytes)
            return 1;
    }
    return 0;
}

static int kept(struct buffer *buffer)
{
    for (UINTN i = 0; i < buffer->size; i++)
        if (buffer->start[i] != buffer->fill)
            return 0;
    return 1;
}

void guest(void)
{
    UINT64 allocated = 0, freed = 0, refused = 0, twice = 0, wrong_map = 0, collisions = 0, lost = 0, changed = 0, misplaced = 0;
    UINT64 same_key = 0;
    get_map();
    UINT64 before = total();
    for (UINTN step = 0; step < STEPS; step++) {
        UINT64 bits = random_bits();
        UINTN which = bits % MOST, pages = 1 + (bits >> 8) % 40, size = 1 + (bits >> 8) % 9000;
        UINT32 type = TYPES[(bits >> 24) % COUNT(TYPES)];
        struct block *block = &Blocks[which];
        struct buffer *buffer = &Buffers[which];
        UINTN key = MapKey;
        switch ((bits >> 32) % 4) {
        case 0:                                         /* pages: anywhere, below 32 MB, or where somebody just was */
            if (block->pages) {
                EFI_STATUS ended = BS->FreePages(block->start, block->pages);
                freed += !EFI_ERROR(ended), lost += EFI_ERROR(ended) != 0;
                twice += BS->FreePages(block->start, block->pages) == EFI_NOT_FOUND;
                block->pages = 0;
            } else {
                EFI_ALLOCATE_TYPE kind = (EFI_ALLOCATE_TYPE)((bits >> 40) % 3);
                EFI_PHYSICAL_ADDRESS at = kind == AllocateMaxAddress ? 0x1FFFFFF : Blocks[(which + 1) % MOST].start;
                EFI_STATUS ended = BS->AllocatePages(kind, type, pages, &at);
                if (EFI_ERROR(ended)) {
                    refused++;
                    break;
                }
                allocated++;
                collisions += overlaps(at, pages * EFI_PAGE_SIZE);
                misplaced += kind == AllocateMaxAddress && at + pages * EFI_PAGE_SIZE > 0x2000000;
                *block = (struct block){at, pages, type};
            }
            get_map();
            same_key += key == MapKey;
            break;
        case 1:                                         /* a part of a block: its first pages, or its last */
            if (block->pages > 2) {
                UINTN part = 1 + (bits >> 40) % (block->pages - 1);
                int first = bits >> 48 & 1;
                EFI_STATUS ended = BS->FreePages(first ? block->start : block->start + (block->pages - part) * EFI_PAGE_SIZE, part);
                freed += !EFI_ERROR(ended), lost += EFI_ERROR(ended) != 0;
                if (first)
                    block->start += part * EFI_PAGE_SIZE;
                block->pages -= part;
            }
            break;
        default:                                        /* pool */
            if (buffer->size) {
                changed += !kept(buffer);
                EFI_STATUS ended = BS->FreePool(buffer->start);
                freed += !EFI_ERROR(ended), lost += EFI_ERROR(ended) != 0;
                buffer->size = 0;
            } else {
                VOID *start;
                NEED(BS->AllocatePool(type, size, &start));
                allocated++;
                collisions += overlaps((UINTN)start, size);
                misplaced += (UINTN)start % 8 != 0;
                *buffer = (struct buffer){start, size, (UINT8)bits};
                memset(start, buffer->fill, size);
            }
        }
        if (step % 16 == 0) {
            get_map();
            wrong_map += !consistent();
        }
    }
    for (UINTN i = 0; i < MOST; i++) {
        if (Blocks[i].pages)
            lost += EFI_ERROR(BS->FreePages(Blocks[i].start, Blocks[i].pages)) != 0;
        if (Buffers[i].size)
            changed += !kept(&Buffers[i]), lost += EFI_ERROR(BS->FreePool(Buffers[i].start)) != 0;
        Blocks[i].pages = Buffers[i].size = 0;
    }
    get_map();
    check("more than a thousand allocations", allocated > 1000 && freed > 1000);
    check("some were refused, where somebody was", refused > 20);
    check("most blocks cannot be freed twice", twice > 100);
    tell("allocations that lie in others", "%u", collisions);
    tell("allocations beyond their maximum, or not aligned", "%u", misplaced);
    tell("frees that failed", "%u", lost);
    tell("buffers that somebody else wrote to", "%u", changed);
    tell("maps that were wrong", "%u", wrong_map);
    tell("changes that left the key as it was", "%u", same_key);
    tell("pages more or less in the end", "%d", (INT64)(total() - before));
}
