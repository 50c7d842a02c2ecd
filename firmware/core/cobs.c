#include "cobs.h"

uint8_t cobs_encode(const uint8_t *data, uint8_t size, uint8_t *stuffed)
{
    uint8_t code_at = 0;
    uint8_t at = 1;
    for (uint8_t i = 0; i < size; i++) {
        if (data[i] == 0) {
            stuffed[code_at] = (uint8_t)(at - code_at);
            code_at = at++;
        } else {
            stuffed[at++] = data[i];
        }
    }
    stuffed[code_at] = (uint8_t)(at - code_at);
    return at;
}

uint8_t cobs_decode(uint8_t *stuffed, uint8_t size)
{
    uint8_t at = 0;
    uint8_t out = 0;
    while (at < size) {
        uint8_t code = stuffed[at++];
        if (code == 0 || code - 1 > size - at)
            return COBS_BAD;
        for (uint8_t run = 1; run < code; run++)
            stuffed[out++] = stuffed[at++];
        if (at < size)
            stuffed[out++] = 0;
    }
    return size ? out : COBS_BAD;
}
