#include "heat.h"

#include <string.h>

#include "hal.h"

#define TICKS_PER_MS (HAL_TICKS_HZ / 1000u)
#define MAX_TICKS (HEAT_MAX_MS * TICKS_PER_MS)
#define SPARE_TICKS TICKS_PER_MS /* the millisecond under way when a light goes on does not count to its on-time */
#define STEP_SPARE_TICKS 100u    /* a step may take so much longer than asked */

/* Since the last reckoning; touched only with interrupts locked. */
static uint32_t burned[HAL_LIGHTS];
static uint32_t noted; /* up to here it is in `burned` */
static uint8_t burning;
static uint8_t share; /* of PWM_LEVELS, at which these burn, or burned last */

/* Outside interrupts only. */
static uint32_t heat[HAL_LIGHTS]; /* in ticks */
static uint32_t reckoned;
static bool too_hot; /* and not told yet */

static uint32_t part(uint32_t ticks, uint8_t level)
{
    return level == PWM_LEVELS ? ticks : ticks * level / PWM_LEVELS;
}

static void bring_up_to(uint32_t now)
{
    uint32_t ticks = now - noted;
    noted = now;
    uint8_t left = burning;
    for (uint32_t *light = burned; left; light++, left >>= 1)
        if (left & 1u)
            *light += ticks;
}

void heat_note(uint8_t mask, uint8_t level, uint32_t ticks)
{
    bring_up_to(ticks);
    burning = mask;
    if (mask)
        share = level;
}

/* Not below 0. */
static uint32_t cooled(uint32_t ticks, uint32_t dark)
{
    return ticks > dark ? ticks - dark : 0;
}

struct moment {
    uint32_t ticks;
    uint8_t burning;
    uint8_t level;
};

static struct moment begin_reckoning(void)
{
    uint8_t state = hal_lock();
    struct moment now = {hal_ticks(), burning, share};
    bring_up_to(now.ticks);
    hal_unlock(state);
    return now;
}

/* A light at a time, so that no interrupt has to wait for all of them. */
static uint32_t take_burned(uint8_t light)
{
    uint8_t state = hal_lock();
    uint32_t ticks = burned[light];
    burned[light] = 0;
    hal_unlock(state);
    return ticks;
}

static void reckon(void)
{
    struct moment now = begin_reckoning();
    uint32_t passed = now.ticks - reckoned;
    reckoned = now.ticks;
    for (uint8_t i = 0; i < HAL_LIGHTS; i++) {
        uint32_t lit = take_burned(i);
        bool was_below = heat[i] < MAX_TICKS;
        heat[i] = cooled(heat[i] + part(lit, now.level), cooled(passed, lit));
        if (heat[i] >= MAX_TICKS && (was_below || now.burning >> i & 1u)) /* one that went off above it has been told of */
            too_hot = true;
    }
}

bool heat_advance(void)
{
    if (hal_ticks() - reckoned >= TICKS_PER_MS)
        reckon();
    bool reached = too_hot;
    too_hot = false;
    return reached;
}

uint16_t heat_hottest_ms(void)
{
    reckon();
    uint32_t hottest = 0;
    for (uint8_t i = 0; i < HAL_LIGHTS; i++)
        if (heat[i] > hottest)
            hottest = heat[i];
    return (uint16_t)(hottest / TICKS_PER_MS);
}

bool heat_leaves_room(uint8_t mask, uint8_t level, uint16_t burn_ms)
{
    reckon();
    uint32_t gain = part(burn_ms * TICKS_PER_MS + SPARE_TICKS, level);
    for (uint8_t i = 0; i < HAL_LIGHTS; i++)
        if (mask >> i & 1u && heat[i] + gain >= MAX_TICKS)
            return false;
    return true;
}

static bool light_stands(uint8_t light, const struct programme_step *steps, uint8_t count)
{
    uint32_t ticks = heat[light];
    for (uint8_t i = 0; i < count; i++) {
        uint32_t on = (steps[i].settle_us + steps[i].expose_us) * HAL_TICKS_PER_US;
        if (steps[i].mask >> light & 1u)
            ticks += on + STEP_SPARE_TICKS;
        else
            ticks = cooled(ticks, on);
        if (ticks >= MAX_TICKS)
            return false;
        ticks = cooled(ticks, steps[i].gap_us * HAL_TICKS_PER_US);
    }
    return true;
}

bool heat_stands(const struct programme_step *steps, uint8_t count)
{
    reckon();
    for (uint8_t light = 0; light < HAL_LIGHTS; light++)
        if (!light_stands(light, steps, count))
            return false;
    return true;
}

void heat_reset(void)
{
    memset(burned, 0, sizeof burned);
    memset(heat, 0, sizeof heat);
    burning = 0;
    share = PWM_LEVELS;
    too_hot = false;
    noted = reckoned = hal_ticks();
}
