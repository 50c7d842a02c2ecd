#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "../protocol.h"

struct frame {
    uint8_t seq;
    uint8_t type;
    uint8_t size; /* of the payload */
    const uint8_t *payload;
    uint16_t crc; /* tells frames of the same seq apart */
};

/* Take one byte from the line. True: `frame` holds a valid one, good until the next call. */
bool frame_receive(uint8_t byte, struct frame *frame);

/* The bytes for the line, closing zero included; returns their number, at most WIRE_MAX_BYTES. */
uint8_t frame_encode(uint8_t seq, uint8_t type, const void *payload, uint8_t size, uint8_t *wire);

uint32_t frames_ok(void);
uint16_t frames_bad(void);

/* A valid frame turned out to be of the wrong length. */
void frame_disown(void);

/* Start anew, as after a reset. */
void frame_reset(void);

#endif
