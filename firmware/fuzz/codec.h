/* The framing once more, written from the head of protocol.toml and not from the core: what the core is held against. */
#ifndef CODEC_H
#define CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../protocol.h"

struct message {
    uint8_t seq;
    uint8_t type;
    uint8_t size;
    uint8_t payload[PAYLOAD_MAX_BYTES];
    uint16_t crc;
};

/* Bit by bit. The seed of a whole checksum is 0xFFFF. */
uint16_t codec_crc(uint16_t seed, const uint8_t *data, size_t size);

/* The bytes for the line, closing zero included; `wire` has room for WIRE_MAX_BYTES. */
size_t codec_encode(uint8_t seq, uint8_t type, const void *payload, uint8_t size, uint8_t *wire);

/* What lies before a zero; false: no frame. */
bool codec_decode(const uint8_t *stuffed, size_t size, struct message *message);

#endif
