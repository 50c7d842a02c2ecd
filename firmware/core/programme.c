#include "programme.h"

#include "crc16.h"
#include "events.h"
#include "hal.h"
#include "heat.h"
#include "lights.h"

#define MAX_ON_US (MAX_ON_MAX_MS * 1000UL)
#define AHEAD_MAX_TICKS (int32_t)(START_AHEAD_MAX_MS * (HAL_TICKS_HZ / 1000u))
#define AHEAD_MIN_TICKS 100 /* 50 us: what is nearer has passed before the board could meet it */

enum phase { WAITING, SETTLING, EXPOSING };

static struct programme_step steps[STEPS_MAX];
static struct programme_begin expected;
static uint8_t stored;
static volatile uint8_t state = BOARD_STATE_IDLE;

/* The run; touched only with interrupts locked. */
static volatile uint8_t index_now;
static enum phase phase;
static volatile bool awaited; /* the moment of the start has not come */
static bool blocked; /* the step is due, and waits for room to report it */
static uint32_t due; /* counted from when the stage before really happened: nothing is ever shorter than asked */
static struct step_done report;

uint8_t programme_begin(const struct programme_begin *begin)
{
    if (begin->count == 0 || begin->count > STEPS_MAX)
        return REFUSAL_BAD_STEP;
    expected = *begin;
    stored = 0;
    state = BOARD_STATE_LOADING;
    return PROGRAMME_ACCEPTED;
}

uint8_t programme_add(const struct programme_step *step)
{
    if (state != BOARD_STATE_LOADING || step->index != stored || stored >= expected.count)
        return REFUSAL_BAD_STEP;
    steps[stored++] = *step;
    return PROGRAMME_ACCEPTED;
}

uint8_t programme_end(void)
{
    if (state != BOARD_STATE_LOADING || stored != expected.count)
        return REFUSAL_BAD_STEP;
    uint16_t crc = CRC16_SEED;
    for (uint8_t i = 0; i < stored; i++)
        for (uint8_t j = 0; j < sizeof steps[i]; j++)
            crc = crc16_update(crc, ((const uint8_t *)&steps[i])[j]);
    if (crc != expected.checksum)
        return REFUSAL_BAD_CHECKSUM;
    state = BOARD_STATE_LOADED;
    return PROGRAMME_ACCEPTED;
}

static uint8_t check(const struct programme_step *step)
{
    if (HAL_LIGHTS < 8u && step->mask >> HAL_LIGHTS)
        return REFUSAL_BAD_LIGHT;
    if (step->expose_us < EXPOSURE_MIN_US || step->expose_us > MAX_ON_US || step->settle_us > MAX_ON_US - step->expose_us)
        return REFUSAL_BAD_DURATION;
    if (step->gap_us < GAP_MIN_US || step->gap_us > GAP_MAX_US)
        return REFUSAL_BAD_DURATION;
    return PROGRAMME_ACCEPTED;
}

uint8_t programme_arm(void)
{
    if (state != BOARD_STATE_LOADED && state != BOARD_STATE_ARMED)
        return REFUSAL_NO_PROGRAMME;
    for (uint8_t i = 0; i < stored; i++) {
        uint8_t refusal = check(&steps[i]);
        if (refusal != PROGRAMME_ACCEPTED)
            return refusal;
    }
    if (!heat_stands(steps, stored))
        return REFUSAL_TOO_HOT;
    state = BOARD_STATE_ARMED;
    return PROGRAMME_ACCEPTED;
}

/* With interrupts locked. */
static void begin_run(uint32_t ticks)
{
    state = BOARD_STATE_RUNNING;
    index_now = 0;
    phase = WAITING;
    blocked = false;
    report.flags = 0;
    due = ticks;
    hal_stage_at(due);
}

uint8_t programme_start(void)
{
    if (state != BOARD_STATE_ARMED)
        return REFUSAL_NOT_ARMED;
    uint8_t lock = hal_lock();
    awaited = false;
    begin_run(hal_ticks());
    hal_unlock(lock);
    return PROGRAMME_ACCEPTED;
}

uint8_t programme_start_at(uint32_t ticks)
{
    if (state != BOARD_STATE_ARMED)
        return REFUSAL_NOT_ARMED;
    uint8_t lock = hal_lock();
    int32_t ahead = (int32_t)(ticks - hal_ticks());
    bool possible = ahead >= AHEAD_MIN_TICKS && ahead <= AHEAD_MAX_TICKS;
    if (possible) {
        awaited = true;
        begin_run(ticks);
    }
    hal_unlock(lock);
    return possible ? PROGRAMME_ACCEPTED : REFUSAL_BAD_TIME;
}

uint8_t programme_state(void)
{
    return state;
}

uint8_t programme_steps(void)
{
    return stored;
}

uint8_t programme_step(void)
{
    return state == BOARD_STATE_RUNNING && !awaited ? index_now : NO_STEP;
}

/* At least microseconds / 1000, which is less than / 1024 + / 32768, without a division or long shifts inside an interrupt. */
static uint16_t above_ms(uint32_t us)
{
    return (uint16_t)(((uint16_t)(us >> 8) >> 2) + 2u * (uint16_t)(us >> 16) + 4u);
}

_Static_assert(MAX_ON_US >> 8 <= UINT16_MAX, "above_ms reckons in 16 bits");

static void lights_on(const struct programme_step *step)
{
    uint16_t max_on_ms = above_ms(step->settle_us + step->expose_us);
    hal_wait_for(due);
    hal_lights(step->mask);
    report.on_ticks = hal_ticks();
    lights_stepped(step->mask, max_on_ms, report.on_ticks);
    phase = SETTLING;
    due = report.on_ticks + step->settle_us * HAL_TICKS_PER_US;
}

static void trigger(const struct programme_step *step)
{
    hal_wait_for(due);
    if (step->flags & STEP_FLAG_TRIGGER)
        hal_trigger(true);
    report.trigger_ticks = hal_ticks();
    phase = EXPOSING;
    due = report.trigger_ticks + step->expose_us * HAL_TICKS_PER_US;
}

static void finish(void)
{
    struct programme_done done = {END_REASON_COMPLETED, index_now, report.off_ticks};
    state = BOARD_STATE_LOADED;
    events_push(MSG_PROGRAMME_DONE, &done, sizeof done, true);
}

static void lights_out(const struct programme_step *step)
{
    hal_wait_for(due);
    hal_trigger(false);
    hal_lights(0);
    report.off_ticks = hal_ticks();
    lights_stepped(0, 0, report.off_ticks);
    report.index = step->index;
    report.mask = step->mask;
    report.flags |= step->flags & STEP_FLAG_TRIGGER;
    events_push(MSG_STEP_DONE, &report, sizeof report, true);
    report.flags = 0;
    phase = WAITING;
    due = report.off_ticks + step->gap_us * HAL_TICKS_PER_US;
    if (++index_now == stored)
        finish();
}

void programme_stage(void)
{
    if (state != BOARD_STATE_RUNNING)
        return;
    awaited = false;
    const struct programme_step *step = &steps[index_now];
    if (phase == WAITING && !events_have_room()) {
        blocked = true;
        report.flags = STEP_FLAG_LATE;
        return;
    }
    if (phase == WAITING)
        lights_on(step);
    else if (phase == SETTLING)
        trigger(step);
    else
        lights_out(step);
    if (state == BOARD_STATE_RUNNING)
        hal_stage_at(due);
}

void programme_go_on(void)
{
    uint8_t lock = hal_lock();
    if (state == BOARD_STATE_RUNNING && blocked && events_have_room()) {
        blocked = false;
        hal_stage_at(hal_ticks());
    }
    hal_unlock(lock);
}

void programme_stop(void)
{
    uint8_t lock = hal_lock();
    hal_trigger(false);
    if (state == BOARD_STATE_RUNNING || state == BOARD_STATE_ARMED)
        state = BOARD_STATE_LOADED;
    hal_unlock(lock);
}

void programme_forget(void)
{
    programme_stop();
    stored = 0;
    state = BOARD_STATE_IDLE;
}
