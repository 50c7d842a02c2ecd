#include "clock.h"

#include <avr/interrupt.h>
#include <avr/io.h>

#include "../core/hal.h"
#include "../core/programme.h"
#include "uart.h"

_Static_assert(F_CPU / 8u == HAL_TICKS_HZ, "timer 1 does not run at the announced rate");

#define LEAD 72u /* ticks a stage is called early: 36 us, longer than anything keeps it waiting, and a little for the receiver */
#define POLL 8u  /* ticks in which the receiver can be looked after once more */
#define SOON 8u  /* ticks that certainly lie ahead when the compare register is written */

static volatile uint16_t upper;
static volatile uint32_t stage_due;
static volatile bool at_once; /* its time had passed when it was asked for: being late then is no latency */
static volatile uint16_t latency_max;

void clock_start(void)
{
    TCCR1A = 0;
    TCCR1B = _BV(CS11);
    TIMSK1 = _BV(TOIE1);
}

ISR(TIMER1_OVF_vect)
{
    upper++;
}

uint32_t hal_ticks(void)
{
    uint8_t state = hal_lock();
    uint16_t low = TCNT1;
    uint16_t high = upper;
    if ((TIFR1 & _BV(TOV1)) && low < 0x8000u) /* wrapped, and the interrupt has not come yet */
        high++;
    hal_unlock(state);
    return ((uint32_t)high << 16) | low;
}

/* Until the call for the stage, not the stage itself. */
static int32_t until_call(void)
{
    return (int32_t)(stage_due - LEAD - hal_ticks());
}

void hal_stage_at(uint32_t ticks)
{
    uint8_t state = hal_lock();
    stage_due = ticks;
    TIMSK1 |= _BV(OCIE1A); /* a flag left by an old match does no harm: the handler looks at the clock */
    OCR1A = (uint16_t)(ticks - LEAD);
    at_once = until_call() < (int32_t)SOON;
    if (at_once)
        OCR1A = (uint16_t)(TCNT1 + SOON);
    hal_unlock(state);
}

ISR(TIMER1_COMPA_vect)
{
    int32_t left = until_call();
    if (left > 0)
        return; /* the lower half matches once in 33 ms; this is not yet the time meant */
    uint16_t passed = left < -(int32_t)UINT16_MAX ? UINT16_MAX : (uint16_t)-left;
    if (!at_once && passed > latency_max)
        latency_max = passed;
    TIMSK1 &= (uint8_t)~_BV(OCIE1A);
    uart_poll();
    programme_stage();
}

void hal_wait_for(uint32_t ticks)
{
    uint16_t until = (uint16_t)ticks;
    if ((uint16_t)(until - TCNT1) > LEAD)
        return;
    while ((int16_t)(until - TCNT1) > (int16_t)POLL)
        uart_poll();
    while ((int16_t)(until - TCNT1) > 0) {
    }
}

uint16_t clock_latency_max(void)
{
    uint8_t state = hal_lock();
    uint16_t latency = latency_max;
    hal_unlock(state);
    return latency;
}
