/* COM1, a 16550: the one device that works without anybody's help. */
#include "kernel.h"

#define COM1 0x3F8
enum { DATA = COM1, INTERRUPTS, FIFO, LINE, MODEM, STATUS };
#define TRANSMITTER_EMPTY 0x20

void serial_open(void)
{
    out8(INTERRUPTS, 0);                                /* none: it is polled */
    out8(LINE, 0x80);                                   /* the divisor's turn: */
    out8(DATA, 1);                                      /* 115200 / 1 */
    out8(INTERRUPTS, 0);
    out8(LINE, 3);                                      /* 8N1 */
    out8(FIFO, 7);                                      /* on, and empty */
    out8(MODEM, 3);                                     /* DTR, RTS */
}

void serial_put(char character)
{
    if (character == '\n')
        serial_put('\r');
    for (unsigned patience = 1000000; patience && !(in8(STATUS) & TRANSMITTER_EMPTY); patience--)
        ;                                               /* a board without COM1 reads FFh, which is ready */
    out8(DATA, (uint8_t)character);
}
