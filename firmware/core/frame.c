#include "frame.h"

#include <string.h>

#include "cobs.h"
#include "crc16.h"

enum { OVERHEAD = 4 }; /* seq, type, two bytes of checksum */

static uint8_t pending[WIRE_MAX_BYTES];
static uint8_t pending_size;
static bool too_long;
static uint32_t ok;
static uint16_t bad;

static void count_bad(void)
{
    if (bad != UINT16_MAX)
        bad++;
}

static bool unpack(uint8_t stuffed, struct frame *frame)
{
    uint8_t size = cobs_decode(pending, stuffed);
    if (size == COBS_BAD || size < OVERHEAD || size > FRAME_MAX_BYTES || crc16(pending, size) != 0)
        return false;
    frame->seq = pending[0];
    frame->type = pending[1];
    frame->size = (uint8_t)(size - OVERHEAD);
    frame->payload = pending + 2;
    frame->crc = (uint16_t)((pending[size - 2] << 8) | pending[size - 1]);
    return true;
}

bool frame_receive(uint8_t byte, struct frame *frame)
{
    if (byte != 0) {
        if (pending_size < WIRE_MAX_BYTES - 1) /* the closing zero has its place, too */
            pending[pending_size++] = byte;
        else
            too_long = true;
        return false;
    }
    uint8_t size = pending_size;
    bool whole = !too_long;
    pending_size = 0;
    too_long = false;
    if (size == 0)
        return false; /* two zeros in a row are no frame and no fault */
    if (whole && unpack(size, frame)) {
        ok++;
        return true;
    }
    count_bad();
    return false;
}

uint8_t frame_encode(uint8_t seq, uint8_t type, const void *payload, uint8_t size, uint8_t *wire)
{
    uint8_t body[FRAME_MAX_BYTES];
    body[0] = seq;
    body[1] = type;
    memcpy(body + 2, payload, size);
    uint16_t crc = crc16(body, (uint8_t)(size + 2));
    body[size + 2] = (uint8_t)(crc >> 8);
    body[size + 3] = (uint8_t)crc;
    uint8_t stuffed = cobs_encode(body, (uint8_t)(size + OVERHEAD), wire);
    wire[stuffed] = 0;
    return (uint8_t)(stuffed + 1);
}

uint32_t frames_ok(void)
{
    return ok;
}

uint16_t frames_bad(void)
{
    return bad;
}

void frame_disown(void)
{
    ok--;
    count_bad();
}

void frame_reset(void)
{
    pending_size = 0;
    too_long = false;
    ok = 0;
    bad = 0;
}
