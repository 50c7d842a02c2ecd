/* Lights and trigger at their pins, and the pulses of dimmed lights on timer 1's second compare match. */
#include <avr/interrupt.h>
#include <avr/io.h>

#include "../core/hal.h"
#include "pins.h"

#define PERIOD 8000u /* ticks: 4 ms, 250 Hz, which no eye sees flicker */
#define SLOT (PERIOD / PWM_LEVELS)

_Static_assert(PERIOD % PWM_LEVELS == 0, "the levels are not equally far apart");
_Static_assert(HAL_TICKS_HZ / PERIOD >= 200, "dimmed lights flicker");

/* Touched only with interrupts locked. */
static uint8_t pulsed;
static uint16_t on_ticks;
static bool lit;

static void show(uint8_t mask)
{
    uint8_t d = (uint8_t)(mask << 4) & LIGHTS_D_MASK;
    uint8_t c = (mask >> 4) & LIGHTS_C_MASK;
    PORTD &= (uint8_t)(d | (uint8_t)~LIGHTS_D_MASK); /* off before on: the old and the new never burn together */
    PORTC &= (uint8_t)(c | (uint8_t)~LIGHTS_C_MASK);
    PORTD |= d;
    PORTC |= c;
}

void hal_lights(uint8_t mask)
{
    uint8_t state = hal_lock();
    TIMSK1 &= (uint8_t)~_BV(OCIE1B);
    show(mask);
    hal_unlock(state);
}

void hal_dim(uint8_t mask, uint8_t level)
{
    uint8_t state = hal_lock();
    show(mask);
    pulsed = mask;
    on_ticks = (uint16_t)(level * SLOT);
    lit = true;
    OCR1B = (uint16_t)(TCNT1 + on_ticks);
    TIFR1 = _BV(OCF1B); /* an old match is not this one */
    TIMSK1 |= _BV(OCIE1B);
    hal_unlock(state);
}

ISR(TIMER1_COMPB_vect)
{
    lit = !lit;
    show(lit ? pulsed : 0);
    OCR1B = (uint16_t)(OCR1B + (lit ? on_ticks : PERIOD - on_ticks));
}

void hal_trigger(bool high)
{
    if (high)
        PORTB |= _BV(TRIGGER_PIN);
    else
        PORTB &= (uint8_t)~_BV(TRIGGER_PIN);
}
