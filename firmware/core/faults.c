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

uint8_t faults_report(void *reply)
{
    struct errors_reply *errors = reply;
    uint8_t state = hal_lock();
    errors->total = total;
    uint8_t count = total < ERRORS_KEPT ? (uint8_t)total : ERRORS_KEPT;
    for (uint8_t i = 0; i < count; i++)
        errors->entries[i] = newest[(total - 1u - i) % ERRORS_KEPT];
    hal_unlock(state);
    return (uint8_t)(sizeof *errors + count * sizeof errors->entries[0]);
}

void faults_reset(void)
{
    total = 0;
    latched = FAULT_NONE;
}
