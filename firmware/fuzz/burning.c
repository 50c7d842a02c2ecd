#include "burning.h"

#include <string.h>

#include "../core/faults.h"
#include "../core/programme.h"
#include "law.h"
#include "machine.h"
#include "told.h"
#include "watch.h"

enum {
    GRACE_MS = 2, /* the millisecond under way does not count, nor does the one in which it is noticed */
    HEAT_GRACE_MS = 4,
    CHANGES_KEPT = 16,
};

static struct {
    uint8_t mask;
    uint8_t level;
    bool trigger;
    bool by_programme;
    bool timed;
    uint32_t on;
    uint16_t max_on_ms;
    uint32_t until;
    bool cut; /* has just gone off by itself */
} light;

/* Of the mask, the newest first. */
static struct change {
    uint32_t ticks;
    uint8_t before;
} changes[CHANGES_KEPT];
static uint8_t changes_known;

static const struct message *order;
static bool indicated;
static uint16_t session_lease_ms; /* 0: no session */
static uint32_t heard;
static uint32_t by_command;
static uint8_t fault_known;

/* In ticks and PWM_LEVELS. */
static uint64_t heat[HAL_LIGHTS];
static uint32_t heat_as_of;

void burning_start(void)
{
    memset(&light, 0, sizeof light);
    changes_known = 0;
    order = NULL;
    indicated = false;
    session_lease_ms = 0;
    by_command = 0;
    fault_known = FAULT_NONE;
    memset(heat, 0, sizeof heat);
    told_start();
}

static uint32_t since(uint32_t ticks)
{
    return hal_ticks() - ticks;
}

/* --- the host ------------------------------------------------------------------------------------------------------ */

void burning_lease(void)
{
    heard = hal_ticks();
}

bool burning_within_lease(void)
{
    return session_lease_ms && since(heard) <= (session_lease_ms + GRACE_MS) * TICKS_PER_MS;
}

void burning_dark(void)
{
    LAW(light.mask == 0 && !light.trigger, "off is off before the reply");
}

void burning_session(uint16_t lease_ms)
{
    session_lease_ms = lease_ms;
    burning_dark();
    LAW(!indicated, "the indicator shows nothing that this session has not said");
    told_session();
}

void burning_order(const struct message *command)
{
    order = command;
}

const struct message *burning_ordered(void)
{
    return order;
}

void burning_lit(void)
{
    LAW(light.mask && !light.by_programme, "the port is written before the reply");
}

bool burning_was(uint8_t mask, uint32_t ticks)
{
    bool was = mask == light.mask;
    for (uint8_t i = 0; i < changes_known && (int32_t)(changes[i].ticks - ticks) >= 0; i++)
        was = mask == changes[i].before || (was && changes[i].ticks == ticks); /* at that very tick both count */
    return was;
}

static void remember_change(void)
{
    memmove(changes + 1, changes, sizeof changes - sizeof *changes);
    changes[0] = (struct change){hal_ticks(), light.mask};
    changes_known += changes_known < CHANGES_KEPT;
}

uint32_t burning_commanded(void)
{
    return by_command;
}

/* --- heat ---------------------------------------------------------------------------------------------------------- */

static void heat_up(void)
{
    uint64_t passed = since(heat_as_of);
    heat_as_of = hal_ticks();
    for (uint8_t i = 0; i < HAL_LIGHTS; i++) {
        uint64_t cooled = passed * PWM_LEVELS;
        if (light.mask >> i & 1)
            heat[i] += passed * light.level;
        else
            heat[i] -= heat[i] < cooled ? heat[i] : cooled;
    }
}

uint32_t burning_hottest_ms(void)
{
    uint64_t hottest = 0;
    heat_up();
    for (uint8_t i = 0; i < HAL_LIGHTS; i++)
        hottest = heat[i] > hottest ? heat[i] : hottest;
    return (uint32_t)(hottest / PWM_LEVELS / TICKS_PER_MS);
}

/* --- the pins ------------------------------------------------------------------------------------------------------ */

static void allow(uint8_t flags, uint16_t max_on_ms)
{
    LAW(max_on_ms >= 1 && max_on_ms <= MAX_ON_MAX_MS, "no light is to burn longer than the limit");
    light.by_programme = false;
    light.timed = flags & LIGHT_FLAG_TIMED;
    light.max_on_ms = max_on_ms;
    light.on = hal_ticks();
    light.until = light.on + (max_on_ms + GRACE_MS) * TICKS_PER_MS;
}

static void commanded(uint8_t mask, uint8_t level)
{
    if (mask != light.mask || (mask && level != light.level))
        by_command++;
    if (mask == 0)
        return;
    LAW(order && (order->type == MSG_LIGHT || order->type == MSG_LIGHTS), "no light goes on unasked");
    LAW(session_lease_ms, "no light goes on without a session");
    LAW(faults_latched() == FAULT_NONE, "no light goes on while a fault is latched");
    const struct light *one = (const void *)order->payload;
    const struct lights *some = (const void *)order->payload;
    bool single = order->type == MSG_LIGHT;
    LAW(mask == (single ? (uint8_t)(1u << one->light) : some->mask), "no light burns but the one that was asked for");
    LAW(level == (single ? PWM_LEVELS : (some->level * PWM_LEVELS + 254) / 255), "a light is as bright as was asked");
    told_disarm();
    allow(single ? one->flags : some->flags, single ? one->max_on_ms : some->max_on_ms);
}

static void moved_by_programme(uint8_t mask)
{
    if (!mask) {
        told_off();
        return;
    }
    light.by_programme = true;
    light.until = told_on(mask);
}

void watch_lights(uint8_t mask, uint8_t level)
{
    LAW(HAL_LIGHTS == 8 || mask < 1u << HAL_LIGHTS, "there is no such light");
    heat_up();
    if (machine_context() == MAIN)
        commanded(mask, level);
    else
        LAW(level == PWM_LEVELS, "a programme dims no light");
    if (mask)
        light.level = level;
    if (mask == light.mask)
        return;
    if (machine_context() == STAGE)
        moved_by_programme(mask);
    if (machine_context() == MILLISECOND) {
        LAW(mask == 0, "no light goes on by itself");
        light.cut = true;
    }
    remember_change();
    light.mask = mask;
}

void watch_trigger(bool high)
{
    if (high == light.trigger)
        return;
    light.trigger = high;
    LAW(!high || machine_context() == STAGE, "only a programme triggers the camera");
    if (machine_context() == STAGE)
        told_trigger(high);
}

void watch_indicator(bool shines)
{
    indicated = shines;
}

bool watch_idle(void)
{
    return light.mask == 0 && !light.trigger && programme_state() != BOARD_STATE_RUNNING;
}

/* --- at rest ------------------------------------------------------------------------------------------------------- */

static bool burned_as_asked(void)
{
    return !light.by_programme && since(light.on) >= light.max_on_ms * TICKS_PER_MS;
}

static void check_cut(void)
{
    if (!light.cut)
        return;
    light.cut = false;
    if (faults_latched() == FAULT_NONE)
        LAW(light.timed && burned_as_asked(), "a light goes off early only with a fault");
    if (faults_latched() == FAULT_MAX_ON_EXPIRED)
        LAW(!light.timed && burned_as_asked(), "a light that burned as was wanted is no fault");
}

static void check_fault(void)
{
    uint8_t fault = faults_latched();
    if (fault == FAULT_LEASE_EXPIRED && fault != fault_known)
        LAW(session_lease_ms && since(heard) >= session_lease_ms * TICKS_PER_MS, "a lease is as long as was granted");
    if (fault == FAULT_TOO_HOT && fault != fault_known)
        LAW(burning_hottest_ms() + HEAT_GRACE_MS >= HEAT_MAX_MS, "a light that is not hot may burn");
    fault_known = fault;
    if (fault == FAULT_NONE)
        return;
    LAW(light.mask == 0 && !light.trigger, "no light burns while a fault is latched");
    LAW(programme_state() != BOARD_STATE_RUNNING && programme_state() != BOARD_STATE_ARMED,
        "no programme runs or is armed while a fault is latched");
}

void burning_settled(void)
{
    check_cut();
    check_fault();
    told_settled();
    if (faults_latched() != FAULT_NONE)
        told_disarm();
    LAW(!light.trigger || programme_state() == BOARD_STATE_RUNNING, "the trigger is high only in a programme");
    LAW(!indicated || burning_within_lease(), "the indicator shows nothing of a host that is gone");
    if (light.mask == 0)
        return;
    LAW((int32_t)(hal_ticks() - light.until) <= 0, "no light burns beyond its time");
    LAW(burning_within_lease(), "no light burns beyond the host lease");
    LAW(burning_hottest_ms() < HEAT_MAX_MS + HEAT_GRACE_MS, "no light burns when it is too hot");
}
