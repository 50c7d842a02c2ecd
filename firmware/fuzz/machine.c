#include "machine.h"

#include <stdbool.h>
#include <stddef.h>

#include "../core/board.h"
#include "../core/programme.h"
#include "law.h"
#include "watch.h"

enum { EARLY_TICKS = 8 }; /* the interrupt of a stage comes a little before its time */

static uint32_t now;
static uint32_t millisecond_at;
static bool stage_wanted;
static uint32_t stage_due;
static uint8_t depth;
static enum context context;
static uint32_t jitter;
static uint8_t full;

void machine_start(void)
{
    static const struct birth birth = {RESET_CAUSE_POWER_ON, BOARD_FLAG_SIMULATED, BOARD_KIND_SOFTWARE, 77};
    now = 0xFFFFFFFFu - 3 * HAL_TICKS_HZ; /* the clock runs over soon */
    millisecond_at = now + TICKS_PER_MS;
    stage_wanted = false;
    depth = 0;
    context = MAIN;
    jitter = 0;
    full = 0;
    board_start(&birth);
}

enum context machine_context(void)
{
    return context;
}

/* --- time ---------------------------------------------------------------------------------------------------------- */

static bool reached(uint32_t due)
{
    return (int32_t)(now - due) >= 0;
}

static void interrupt(enum context kind, void (*handler)(void))
{
    context = kind;
    depth++;
    handler();
    depth--;
    context = MAIN;
    watch_settled();
}

static bool run_due(void)
{
    if (stage_wanted && reached(stage_due - EARLY_TICKS)) {
        stage_wanted = false;
        interrupt(STAGE, programme_stage);
    } else if (reached(millisecond_at)) {
        millisecond_at += TICKS_PER_MS;
        interrupt(MILLISECOND, board_millisecond);
    } else {
        return false;
    }
    return true;
}

static uint32_t next_before(uint32_t end)
{
    uint32_t next = (int32_t)(end - millisecond_at) < 0 ? end : millisecond_at;
    return stage_wanted && (int32_t)(stage_due - EARLY_TICKS - next) < 0 ? stage_due - EARLY_TICKS : next;
}

static void pass(uint32_t ticks, void (*then)(void))
{
    uint32_t end = now + ticks;
    do {
        uint32_t next = next_before(end);
        now = reached(next) ? now : next;
        while (run_due())
            then();
    } while (!reached(end));
}

static void main_loop(void)
{
    board_advance();
    watch_settled();
}

static void nothing(void)
{
}

void machine_pass(uint32_t ticks)
{
    pass(ticks, main_loop);
    main_loop();
}

void machine_jitter(uint32_t ticks)
{
    jitter = ticks;
}

void machine_fill(uint8_t frames)
{
    full = frames;
}

/* --- from outside -------------------------------------------------------------------------------------------------- */

void machine_hear(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        watch_heard(bytes[i]);
        board_receive(bytes[i]);
        watch_answered();
        main_loop();
    }
}

void machine_button(uint8_t button, uint8_t pressed)
{
    depth++;
    board_button(button, pressed);
    depth--;
    main_loop();
}

void machine_card(uint8_t present)
{
    depth++;
    board_card(present);
    depth--;
    main_loop();
}

/* --- what the core asks -------------------------------------------------------------------------------------------- */

uint8_t hal_lock(void)
{
    if (depth == 0 && jitter)
        pass(jitter, nothing);
    return depth++;
}

void hal_unlock(uint8_t state)
{
    LAW(depth == state + 1, "locks are given back in order");
    depth = state;
}

void hal_lights(uint8_t mask)
{
    watch_lights(mask, PWM_LEVELS);
}

void hal_dim(uint8_t mask, uint8_t level)
{
    LAW(mask && level && level < PWM_LEVELS, "pulses are for lights that burn, and not wholly");
    watch_lights(mask, level);
}

void hal_trigger(bool high)
{
    watch_trigger(high);
}

uint32_t hal_ticks(void)
{
    return now;
}

void hal_stage_at(uint32_t due)
{
    LAW(depth, "a stage is asked for behind locked doors");
    stage_wanted = true;
    stage_due = due;
}

void hal_wait_for(uint32_t due)
{
    if (reached(due))
        return;
    LAW(due - now <= EARLY_TICKS, "an interrupt waits for the rest of a little, not for long");
    now = due;
}

bool hal_send(const uint8_t *wire, uint8_t size)
{
    bool room = full == 0;
    full -= !room;
    watch_sent(wire, size, room);
    return room;
}

void hal_buzz(uint16_t frequency_hz, uint16_t duration_ms)
{
    LAW(frequency_hz >= 100 && frequency_hz <= 10000, "the buzzer sounds where it can be heard");
    LAW(duration_ms >= 1 && duration_ms <= BUZZER_MAX_MS, "the buzzer ends by itself");
}

void hal_indicate(uint8_t colour, uint8_t pattern)
{
    LAW(pattern <= PATTERN_FAST && colour <= COLOUR_AMBER, "the indicator shows what there is to be shown");
    watch_indicator(colour != COLOUR_OFF || pattern != PATTERN_OFF);
}

void hal_measure(struct stats_reply *stats)
{
    stats->receive_overruns = 0;
    stats->stack_free_bytes = UINT16_MAX;
    stats->isr_latency_max_ticks = UINT16_MAX;
}
