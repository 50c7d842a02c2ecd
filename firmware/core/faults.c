#include "faults.h"

#include "../protocol.h"
#include "hal.h"

static struct error_entry newest[ERRORS_KEPT]; /* a ring; the newest is at `total - 1` */
static volatile uint16_t total;
static volatile uint8_t latched;

void faults_latch(uint8_t fault, uint8_t step, uint32_t ticks)
{
    uint8_t state = hal_lock();
    struct error_entry *entry = &newest[total % ERRORS_KEPT];
    entry->fault = fault;
    entry->step = step;
    entry->ticks = ticks;
    if (total != UINT16_MAX)
        total++;
    latched = fault;
    hal_unlock(state);
}

uint8_t faults_latched(void)
{
    return latched;
}

void faults_clear(void)
{
    latched = FAULT_NONE;
}

static uint16_t count_all(void)
{
    uint8_t state = hal_lock();
    uint16_t count = total;
    hal_unlock(state);
    return count;
}

/* One at a time, so that no interrupt has to wait for all of them. */
static struct error_entry entry_before(uint16_t number)
{
    uint8_t state = hal_lock();
    struct error_entry entry = newest[(number - 1u) % ERRORS_KEPT];
    hal_unlock(state);
    return entry;
}

uint8_t faults_report(void *reply)
{
    struct errors_reply *errors = reply;
    uint8_t count;
    uint16_t known;
    do {
        known = count_all();
        count = known < ERRORS_KEPT ? (uint8_t)known : ERRORS_KEPT;
        for (uint8_t i = 0; i < count; i++)
            errors->entries[i] = entry_before((uint16_t)(known - i));
    } while (count_all() != known); /* another came meanwhile, and lies where the oldest was */
    errors->total = known;
    return (uint8_t)(sizeof *errors + count * sizeof errors->entries[0]);
}

void faults_reset(void)
{
    total = 0;
    latched = FAULT_NONE;
}
