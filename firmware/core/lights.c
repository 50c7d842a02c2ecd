#include "lights.h"

#include "hal.h"
#include "heat.h"

static volatile uint8_t burning;
static volatile uint16_t left_ms;
static volatile bool wanted_off;

static void remember(uint8_t mask, uint16_t max_on_ms, bool timed)
{
    burning = mask;
    left_ms = mask ? max_on_ms + 1u : 0; /* the millisecond under way does not count */
    wanted_off = timed;
}

void lights_set(uint8_t mask, uint8_t level, uint16_t max_on_ms, bool timed)
{
    uint8_t state = hal_lock();
    if (mask && level < PWM_LEVELS)
        hal_dim(mask, level);
    else
        hal_lights(mask);
    remember(mask, max_on_ms, timed);
    heat_note(mask, level, hal_ticks());
    hal_unlock(state);
}

void lights_stepped(uint8_t mask, uint16_t max_on_ms, uint32_t ticks)
{
    remember(mask, max_on_ms, false);
    heat_note(mask, PWM_LEVELS, ticks);
}

void lights_off(void)
{
    lights_set(0, PWM_LEVELS, 0, false);
}

uint8_t lights_burning(void)
{
    return burning;
}

bool lights_millisecond(void)
{
    if (left_ms == 0 || --left_ms != 0)
        return false;
    if (!wanted_off)
        return true;
    lights_off();
    return false;
}
