#include "indicator.h"

#include <stdbool.h>

#include "../protocol.h"
#include "hal.h"

static uint8_t set_colour;
static uint8_t set_pattern;
static volatile bool hidden;

void indicator_set(uint8_t colour, uint8_t pattern)
{
    uint8_t state = hal_lock();
    set_colour = colour;
    set_pattern = pattern;
    if (!hidden) /* or the lease has just ended */
        hal_indicate(colour, pattern);
    hal_unlock(state);
}

void indicator_hide(void)
{
    hidden = true;
    hal_indicate(COLOUR_OFF, PATTERN_OFF);
}

void indicator_show(void)
{
    if (!hidden)
        return;
    hidden = false;
    hal_indicate(set_colour, set_pattern);
}

void indicator_reset(void)
{
    set_colour = COLOUR_OFF;
    set_pattern = PATTERN_OFF;
    hidden = false;
    hal_indicate(COLOUR_OFF, PATTERN_OFF);
}
