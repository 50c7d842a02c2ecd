#ifndef COBS_H
#define COBS_H

#include <stdint.h>

#define COBS_BAD 0xFFu

/* Stuff up to 253 bytes; returns the size of the result, which is one more. No zero at the end yet. */
uint8_t cobs_encode(const uint8_t *data, uint8_t size, uint8_t *stuffed);

/* Undo it in place; returns the size of the result, or COBS_BAD. */
uint8_t cobs_decode(uint8_t *stuffed, uint8_t size);

#endif
