// Single x87 instructions on the processor underneath, for tests/test_transcendental.py. Reads records from standard input:
//      0 instruction   1 rounding control   2 precision control   3 exceptions masked   4 ST(0)   14 ST(1)
// and writes, for each:
//      0 ST(0)   10 ST(1)   20 ST(2)   30 status word   32 tag byte: bit i, physical register i is not empty   33 nothing
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct question { uint8_t instruction, rounding, precision, masked, st0[10], st1[10]; };
struct answer { uint8_t st[3][10]; uint16_t status; uint8_t tags, nothing; };

int main(void)
{
    static _Alignas(16) uint8_t image[512];
    struct question q;
    while (fread(&q, sizeof q, 1, stdin) == 1) {
        struct answer a = {0};
        uint16_t control = q.precision << 8 | q.rounding << 10 | q.masked;
        memset(image, 0, sizeof image);
        memcpy(image, &control, 2);
        image[3] = 6 << 3;                              // TOP = 6
        image[4] = 0xC0;
        image[24] = 0x80, image[25] = 0x1F;             // MXCSR
        memcpy(image + 32, q.st0, 10);
        memcpy(image + 48, q.st1, 10);
        asm volatile("fxrstor64 %0" : : "m"(image));
        switch (q.instruction) {
        case 0: asm volatile("f2xm1"); break;
        case 1: asm volatile("fyl2x"); break;
        case 2: asm volatile("fyl2xp1"); break;
        case 3: asm volatile("fsin"); break;
        case 4: asm volatile("fcos"); break;
        case 5: asm volatile("fptan"); break;
        case 6: asm volatile("fpatan"); break;
        case 7: asm volatile("fsincos"); break;
        }
        asm volatile("fxsave64 %0\n\tfninit" : "=m"(image) : : "memory");   // no waiting instruction: #MF never comes
        for (int i = 0; i < 3; i++) memcpy(a.st[i], image + 32 + 16 * i, 10);
        memcpy(&a.status, image + 2, 2);
        a.tags = image[4];
        fwrite(&a, sizeof a, 1, stdout);
    }
    return 0;
}
