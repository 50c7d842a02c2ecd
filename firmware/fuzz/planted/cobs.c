/* Planted: a run is believed to end within the frame. */
#define cobs_decode cobs_decode_with_care
#include "../../core/cobs.c"
#undef cobs_decode

uint8_t cobs_decode(uint8_t *stuffed, uint8_t size);

uint8_t cobs_decode(uint8_t *stuffed, uint8_t size)
{
    uint8_t at = 0;
    uint8_t out = 0;
    while (at < size) {
        uint8_t code = stuffed[at++];
        for (uint8_t run = 1; run < code; run++)
            stuffed[out++] = stuffed[at++];
        if (at < size)
            stuffed[out++] = 0;
    }
    return size ? out : COBS_BAD;
}
