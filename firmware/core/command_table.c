#include "command_table.h"

#include "../protocol.h"

#define UNKNOWN 0xFFu

static uint8_t size_of(uint8_t type)
{
    switch (type) {
    case MSG_HELLO:
        return sizeof(struct hello);
    case MSG_LIGHT:
        return sizeof(struct light);
    case MSG_LIGHTS:
        return sizeof(struct lights);
    case MSG_START_AT:
        return sizeof(struct start_at);
    case MSG_PROGRAMME_BEGIN:
        return sizeof(struct programme_begin);
    case MSG_PROGRAMME_STEP:
        return sizeof(struct programme_step);
    case MSG_BUZZER:
        return sizeof(struct buzzer);
    case MSG_INDICATOR:
        return sizeof(struct indicator);
    case MSG_PING:
    case MSG_STATUS:
    case MSG_OFF:
    case MSG_PROGRAMME_END:
    case MSG_ARM:
    case MSG_START:
    case MSG_ABORT:
    case MSG_CLEAR:
    case MSG_ERRORS:
    case MSG_STATS:
    case MSG_ACK:
        return 0;
    default:
        return UNKNOWN;
    }
}

bool command_known(uint8_t type)
{
    return size_of(type) != UNKNOWN;
}

bool command_has_its_length(uint8_t type, uint8_t size)
{
    uint8_t wanted = size_of(type);
    return wanted == UNKNOWN || wanted == size;
}

bool command_harmless(uint8_t type)
{
    switch (type) {
    case MSG_PING:
    case MSG_STATUS:
    case MSG_CLEAR:
    case MSG_ERRORS:
    case MSG_STATS:
    case MSG_ABORT:
    case MSG_BUZZER:
    case MSG_INDICATOR:
        return true;
    default:
        return false;
    }
}
