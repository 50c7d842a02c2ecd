#ifndef CRC16_H
#define CRC16_H

#include <stdint.h>

#define CRC16_SEED 0xFFFFu

/* CRC-16/CCITT-FALSE, one byte further. Over a message and its checksum (big endian) it comes to 0. */
uint16_t crc16_update(uint16_t crc, uint8_t byte);
uint16_t crc16(const uint8_t *data, uint8_t size);

#endif
