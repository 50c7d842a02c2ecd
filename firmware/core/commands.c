#include "commands.h"

#include <string.h>

#include "events.h"
#include "faults.h"
#include "hal.h"
#include "heat.h"
#include "indicator.h"
#include "lights.h"
#include "programme.h"

#define BUZZER_MIN_HZ 100u
#define BUZZER_MAX_HZ 10000u

static volatile uint8_t buttons;
static volatile uint8_t card;

struct answer refuse(uint8_t reason, uint8_t *payload)
{
    struct answer answer = {MSG_REFUSED, sizeof(struct refused)};
    payload[0] = reason;
    return answer;
}

static struct answer done(void)
{
    struct answer answer = {MSG_OK, 0};
    return answer;
}

static struct answer done_unless(uint8_t refusal, uint8_t *payload)
{
    return refusal == PROGRAMME_ACCEPTED ? done() : refuse(refusal, payload);
}

static struct answer burn(uint8_t mask, uint8_t level, uint8_t flags, uint16_t max_on_ms, uint8_t *payload)
{
    if (max_on_ms == 0 || max_on_ms > MAX_ON_MAX_MS)
        return refuse(REFUSAL_BAD_DURATION, payload);
    bool timed = flags & LIGHT_FLAG_TIMED;
    if (!heat_leaves_room(mask, level, timed ? max_on_ms : 1u)) /* a guard may be long; the host means to switch off before */
        return refuse(REFUSAL_TOO_HOT, payload);
    uint8_t state = hal_lock();
    if (faults_latched() != FAULT_NONE) { /* came by interrupt since this command was admitted */
        hal_unlock(state);
        return refuse(REFUSAL_FAULT_LATCHED, payload);
    }
    programme_stop();
    lights_set(mask, level, max_on_ms, timed);
    hal_unlock(state);
    return done();
}

static struct answer light(const struct light *command, uint8_t *payload)
{
    if (command->light >= HAL_LIGHTS)
        return refuse(REFUSAL_BAD_LIGHT, payload);
    return burn((uint8_t)(1u << command->light), PWM_LEVELS, command->flags, command->max_on_ms, payload);
}

/* Of PWM_LEVELS, rounded up: what is not off burns. */
static uint8_t level_of(uint8_t brightness)
{
    return (uint8_t)((brightness * PWM_LEVELS + UINT8_MAX - 1u) / UINT8_MAX);
}

static struct answer lights(const struct lights *command, uint8_t *payload)
{
    if (command->mask == 0 || (HAL_LIGHTS < 8u && command->mask >> HAL_LIGHTS))
        return refuse(REFUSAL_BAD_LIGHT, payload);
    if (command->level == 0)
        return refuse(REFUSAL_BAD_VALUE, payload);
    return burn(command->mask, level_of(command->level), command->flags, command->max_on_ms, payload);
}

static struct answer stop(void)
{
    uint8_t state = hal_lock();
    bool running = programme_state() == BOARD_STATE_RUNNING;
    uint8_t step = programme_step();
    programme_stop();
    lights_off();
    if (running) {
        struct programme_done end = {END_REASON_ABORTED, step == NO_STEP ? 0 : step, hal_ticks()};
        events_push(MSG_PROGRAMME_DONE, &end, sizeof end, true);
    }
    hal_unlock(state);
    return done();
}

static struct answer arm(uint8_t *payload)
{
    uint8_t refusal = programme_arm();
    if (refusal == PROGRAMME_ACCEPTED)
        lights_off();
    return done_unless(refusal, payload);
}

static struct answer buzz(const struct buzzer *command, uint8_t *payload)
{
    if (command->frequency_hz < BUZZER_MIN_HZ || command->frequency_hz > BUZZER_MAX_HZ || command->duration_ms == 0
        || command->duration_ms > BUZZER_MAX_MS)
        return refuse(REFUSAL_BAD_DURATION, payload);
    hal_buzz(command->frequency_hz, command->duration_ms);
    return done();
}

static struct answer indicate(const struct indicator *command, uint8_t *payload)
{
    if (command->pattern > PATTERN_FAST || command->colour > COLOUR_AMBER)
        return refuse(REFUSAL_BAD_VALUE, payload);
    indicator_set(command->colour, command->pattern);
    return done();
}

/* What burns, and why, is told as it was at its ticks: a light may go on or off whenever interrupts are not locked out. */
static struct answer status(uint8_t *payload)
{
    uint16_t heat_ms = heat_hottest_ms();
    uint8_t state = hal_lock(); /* for no longer than must be: a byte may be waiting */
    uint32_t ticks = hal_ticks();
    uint8_t mask = lights_burning();
    uint8_t fault = faults_latched();
    uint8_t step = programme_step();
    uint8_t doing = programme_state();
    hal_unlock(state);
    struct status_reply reply = {
        .state = fault == FAULT_NONE ? doing : BOARD_STATE_FAULT,
        .mask = mask,
        .fault = fault,
        .step = step,
        .steps_stored = programme_steps(),
        .buttons = buttons,
        .card_present = card,
        .events_waiting = events_waiting(),
        .heat_ms = heat_ms,
        .ticks = ticks,
    };
    memcpy(payload, &reply, sizeof reply);
    struct answer answer = {MSG_STATUS_REPLY, sizeof reply};
    return answer;
}

struct answer command_stats(uint16_t frames_repeated, uint8_t *payload)
{
    struct stats_reply reply = {
        .frames_ok = frames_ok(),
        .frames_bad = frames_bad(),
        .frames_repeated = frames_repeated,
        .events_repeated = events_repeated(),
        .events_lost = events_lost(),
    };
    hal_measure(&reply);
    memcpy(payload, &reply, sizeof reply);
    struct answer answer = {MSG_STATS_REPLY, sizeof reply};
    return answer;
}

static struct answer errors(uint8_t *payload)
{
    struct answer answer = {MSG_ERRORS_REPLY, faults_report(payload)};
    return answer;
}

struct answer command_obey(const struct frame *frame, uint8_t *payload)
{
    const void *command = frame->payload;
    switch (frame->type) {
    case MSG_STATUS:
        return status(payload);
    case MSG_LIGHT:
        return light(command, payload);
    case MSG_LIGHTS:
        return lights(command, payload);
    case MSG_OFF:
    case MSG_ABORT:
        return stop();
    case MSG_START_AT:
        return done_unless(programme_start_at(((const struct start_at *)command)->at_ticks), payload);
    case MSG_PROGRAMME_BEGIN:
        return done_unless(programme_begin(command), payload);
    case MSG_PROGRAMME_STEP:
        return done_unless(programme_add(command), payload);
    case MSG_PROGRAMME_END:
        return done_unless(programme_end(), payload);
    case MSG_ARM:
        return arm(payload);
    case MSG_START:
        return done_unless(programme_start(), payload);
    case MSG_CLEAR:
        faults_clear();
        return done();
    case MSG_ERRORS:
        return errors(payload);
    case MSG_BUZZER:
        return buzz(command, payload);
    case MSG_INDICATOR:
        return indicate(command, payload);
    default:
        return refuse(REFUSAL_UNKNOWN_COMMAND, payload);
    }
}

void commands_note_button(uint8_t button, uint8_t pressed)
{
    uint8_t bit = (uint8_t)(1u << button);
    buttons = pressed ? buttons | bit : buttons & (uint8_t)~bit;
}

void commands_note_card(uint8_t present)
{
    card = present;
}

void commands_reset(void)
{
    buttons = 0;
    card = 0;
}
