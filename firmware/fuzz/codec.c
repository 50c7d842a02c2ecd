#include "codec.h"

#include <string.h>

enum { SEED = 0xFFFF, POLYNOMIAL = 0x1021, HEAD = 2, TAIL = 2 };

uint16_t codec_crc(uint16_t seed, const uint8_t *data, size_t size)
{
    unsigned crc = seed;
    for (size_t i = 0; i < size; i++)
        for (unsigned bit = 0x80; bit; bit >>= 1) {
            bool out = !(crc & 0x8000) != !(data[i] & bit);
            crc = (crc << 1 ^ (out ? POLYNOMIAL : 0)) & 0xFFFF;
        }
    return (uint16_t)crc;
}

size_t codec_encode(uint8_t seq, uint8_t type, const void *payload, uint8_t size, uint8_t *wire)
{
    uint8_t body[FRAME_MAX_BYTES + 1] = {seq, type};
    if (size)
        memcpy(body + HEAD, payload, size);
    uint16_t crc = codec_crc(SEED, body, (size_t)size + HEAD);
    size_t end = (size_t)size + HEAD;
    body[end++] = (uint8_t)(crc >> 8);
    body[end++] = (uint8_t)crc;
    body[end++] = 0; /* the zero that is not sent ends the last run, too */
    size_t out = 0;
    for (size_t from = 0; from < end;) {
        size_t run = (size_t)((uint8_t *)memchr(body + from, 0, end - from) - (body + from));
        wire[out++] = (uint8_t)(run + 1);
        memcpy(wire + out, body + from, run);
        out += run;
        from += run + 1;
    }
    wire[out++] = 0;
    return out;
}

bool codec_decode(const uint8_t *stuffed, size_t size, struct message *message)
{
    uint8_t body[WIRE_MAX_BYTES];
    size_t out = 0;
    if (size == 0 || size >= WIRE_MAX_BYTES)
        return false;
    for (size_t at = 0; at < size; at += stuffed[at]) {
        size_t run = stuffed[at] - 1u;
        if (at + 1 + run > size)
            return false;
        memcpy(body + out, stuffed + at + 1, run);
        out += run;
        if (at + 1 + run < size)
            body[out++] = 0;
    }
    if (out < HEAD + TAIL || out > FRAME_MAX_BYTES || codec_crc(SEED, body, out) != 0)
        return false;
    message->seq = body[0];
    message->type = body[1];
    message->size = (uint8_t)(out - HEAD - TAIL);
    memcpy(message->payload, body + HEAD, message->size);
    message->crc = (uint16_t)(body[out - 2] << 8 | body[out - 1]);
    return true;
}
