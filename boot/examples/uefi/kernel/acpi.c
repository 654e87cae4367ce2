/* ACPI as far as it takes to list the tables and to switch off (ACPI 6.5, 5.2 and 16.1.7):
 *
 *     RSDP -> XSDT (or RSDT) -> FADT: the ports; -> DSDT: the number to write there, in AML
 */
#include "kernel.h"

typedef struct __attribute__((packed)) {
    char     signature[8];                              /* "RSD PTR " */
    uint8_t  checksum;
    char     oem[6];
    uint8_t  revision;                                  /* 0: ACPI 1.0, and what follows `rsdt` does not exist */
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
} Rsdp;

typedef struct __attribute__((packed)) {
    char     signature[4];
    uint32_t length;                                    /* of the whole table */
    uint8_t  rest[28];
} Table;

enum { FADT_DSDT = 40, FADT_SMI_CMD = 48, FADT_ACPI_ENABLE = 52, FADT_PM1A_CNT = 64, FADT_X_DSDT = 140 };  /* offsets */
#define SCI_EN 0x0001u                                  /* PM1 control: ACPI is on, */
#define SLP_EN 0x2000u                                  /* and: sleep now, as SLP_TYP in bits 10 - 12 says */

static uint64_t field(const void *table, unsigned offset, unsigned size)    /* nothing in ACPI is aligned */
{
    uint64_t value = 0;
    memcpy(&value, (const uint8_t *)table + offset, size);
    return value;
}

static const Table *table_at(const Rsdp *rsdp, uint32_t index)
{
    unsigned size = rsdp->revision >= 2 && rsdp->xsdt ? 8 : 4;
    const Table *root = (const Table *)(size == 8 ? rsdp->xsdt : (uint64_t)rsdp->rsdt);
    uint32_t offset = sizeof *root + index * size;
    return root && offset + size <= root->length ? (const Table *)field(root, offset, size) : NULL;
}

static const Table *find(const Rsdp *rsdp, const char *signature)
{
    const Table *table;
    for (uint32_t i = 0; (table = table_at(rsdp, i)); i++)
        if (memcmp(table->signature, signature, 4) == 0)
            return table;
    return NULL;
}

static const Rsdp *checked(uint64_t address)
{
    const Rsdp *rsdp = (const Rsdp *)address;
    return rsdp && memcmp(rsdp->signature, "RSD PTR ", 8) == 0 ? rsdp : NULL;
}

void acpi_report(uint64_t address)
{
    const Rsdp *rsdp = checked(address);
    if (!rsdp) {
        say("There is no ACPI.\n");
        return;
    }
    say("ACPI:");
    const Table *table;
    for (uint32_t i = 0; (table = table_at(rsdp, i)); i++)
        say(" %c%c%c%c", table->signature[0], table->signature[1], table->signature[2], table->signature[3]);
    say("\n");
}

/* SLP_TYP for soft off, or -1. It is the first number of a package in the DSDT, and a kernel with no AML interpreter looks for
 * its bytes:  08 "_S5_" 12 <length> <count> <number>, a number being 00, 01 or 0A and a byte. */
static int sleep_type(const Table *dsdt)
{
    const uint8_t *aml = (const uint8_t *)dsdt;
    for (uint32_t i = sizeof *dsdt; i + 12 < dsdt->length; i++) {
        if (memcmp(aml + i, "_S5_\x12", 5) != 0)
            continue;
        const uint8_t *number = aml + i + 5 + 1 + (aml[i + 5] >> 6) + 1;    /* the length has up to 3 bytes more */
        return *number == 0x0A ? number[1] : *number;
    }
    return -1;
}

void acpi_power_off(uint64_t address)
{
    const Rsdp *rsdp = checked(address);
    const Table *fadt = rsdp ? find(rsdp, "FACP") : NULL;
    uint16_t port = 0x604;                              /* without tables: where QEMU's pc has it under SeaBIOS */
    int type = 0;
    if (fadt) {
        uint64_t dsdt = fadt->length >= FADT_X_DSDT + 8 ? field(fadt, FADT_X_DSDT, 8) : 0;
        type = sleep_type((const Table *)(dsdt ? dsdt : field(fadt, FADT_DSDT, 4)));
        port = (uint16_t)field(fadt, FADT_PM1A_CNT, 4);
        uint16_t smi = (uint16_t)field(fadt, FADT_SMI_CMD, 4);
        if (smi && !(in16(port) & SCI_EN)) {            /* the firmware still has the power button */
            out8(smi, (uint8_t)field(fadt, FADT_ACPI_ENABLE, 1));
            for (unsigned patience = 10000; patience && !(in16(port) & SCI_EN); patience--)
                ;
        }
    }
    if (type < 0) {
        say("The DSDT has no _S5_.\n");
        return;
    }
    out16(port, (uint16_t)(type << 10 | SLP_EN));
    for (unsigned patience = 100000; patience; patience--)
        in16(port);                                     /* boards take their time */
}
