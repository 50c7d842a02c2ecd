#include "crc16.h"

uint16_t crc16_update(uint16_t crc, uint8_t byte)
{
    /* Eight steps of the polynomial x^16 + x^12 + x^5 + 1 at once: the byte that falls out comes back at 0, 5 and 12. */
    uint8_t out = (uint8_t)((crc >> 8) ^ byte);
    out ^= out >> 4;
    return (uint16_t)((crc << 8) ^ ((uint16_t)out << 12) ^ ((uint16_t)out << 5) ^ out);
}

uint16_t crc16(const uint8_t *data, uint8_t size)
{
    uint16_t crc = CRC16_SEED;
    while (size--)
        crc = crc16_update(crc, *data++);
    return crc;
}
