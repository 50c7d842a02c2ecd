#include "panel.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <stdbool.h>

#include "../core/board.h"
#include "../core/hal.h"
#include "pins.h"

#define DEBOUNCE_MS 5u
#define FAST_BLINK 0x80u /* bits of a millisecond counter: 128 ms on, 128 ms off */
#define SLOW_BLINK 0x200u

_Static_assert(F_CPU == 16000000UL, "timer 0 and the buzzer are set for 16 MHz");

/* An input that counts only once it has been steady. */
struct input {
    uint8_t steady;
    uint8_t differs_for_ms;
};

static struct input button_0;
static struct input button_1;
static struct input card;
static volatile uint8_t pattern;
static volatile uint8_t colour;
static volatile uint16_t indicated_at;
static volatile uint16_t buzz_left_ms;
static uint16_t milliseconds;

void panel_start(void)
{
    PORTC |= _BV(BUTTON_0_PIN) | _BV(BUTTON_1_PIN);
    PORTB |= _BV(CARD_PIN);
    DDRD |= LIGHTS_D_MASK;
    DDRC |= LIGHTS_C_MASK;
    DDRB |= _BV(TRIGGER_PIN) | _BV(BUZZER_PIN) | _BV(STATUS_PIN) | _BV(GREEN_PIN) | _BV(RED_PIN);
    TCCR0A = _BV(WGM01);
    TCCR0B = _BV(CS01) | _BV(CS00); /* 16 MHz / 64 / 250 */
    OCR0A = 249;
    TIMSK0 = _BV(OCIE0A);
}

/* True: it has just changed for good. */
static bool look(struct input *input, uint8_t level)
{
    level = level ? 1 : 0;
    if (level == input->steady) {
        input->differs_for_ms = 0;
        return false;
    }
    if (++input->differs_for_ms < DEBOUNCE_MS)
        return false;
    input->steady = level;
    input->differs_for_ms = 0;
    return true;
}

static void look_at_inputs(void)
{
    uint8_t low_c = (uint8_t)~PINC;
    uint8_t low_b = (uint8_t)~PINB;
    if (look(&button_0, low_c & _BV(BUTTON_0_PIN)))
        board_button(0, button_0.steady);
    if (look(&button_1, low_c & _BV(BUTTON_1_PIN)))
        board_button(1, button_1.steady);
    if (look(&card, low_b & _BV(CARD_PIN)))
        board_card(card.steady);
}

/* A blink begins with light, so that what is new is seen at once. */
static bool shining(void)
{
    uint16_t shown_ms = (uint16_t)(milliseconds - indicated_at);
    switch (pattern) {
    case PATTERN_ON:
        return true;
    case PATTERN_SLOW:
        return !(shown_ms & SLOW_BLINK);
    case PATTERN_FAST:
        return !(shown_ms & FAST_BLINK);
    default:
        return false;
    }
}

/* Bit by bit, each in one instruction: stages move the trigger at the same port, and come between. */
static void shine(void)
{
    bool on = shining();
    uint8_t mix = on ? colour : COLOUR_OFF;
    if (on)
        PORTB |= _BV(STATUS_PIN);
    else
        PORTB &= (uint8_t)~_BV(STATUS_PIN);
    if (mix & COLOUR_GREEN)
        PORTB |= _BV(GREEN_PIN);
    else
        PORTB &= (uint8_t)~_BV(GREEN_PIN);
    if (mix & COLOUR_RED)
        PORTB |= _BV(RED_PIN);
    else
        PORTB &= (uint8_t)~_BV(RED_PIN);
}

ISR(TIMER0_COMPA_vect)
{
    milliseconds++;
    board_millisecond();
    sei(); /* the rest may be interrupted: stages and bytes of the line do not wait for it */
    look_at_inputs();
    if (buzz_left_ms && --buzz_left_ms == 0) {
        TCCR2A = 0;
        TCCR2B = 0;
    }
    shine();
}

uint8_t panel_milliseconds(void)
{
    return *(volatile uint8_t *)&milliseconds;
}

/* Timer 2 toggles the pin: f = 16 MHz / (2 * prescaler * (1 + OCR2A)). */
void hal_buzz(uint16_t frequency_hz, uint16_t duration_ms)
{
    static const struct {
        uint8_t select;
        uint8_t shift;
    } prescalers[] = {{_BV(CS21) | _BV(CS20), 5}, {_BV(CS22), 6}, {_BV(CS22) | _BV(CS20), 7}, {_BV(CS22) | _BV(CS21), 8},
                      {_BV(CS22) | _BV(CS21) | _BV(CS20), 10}};
    uint32_t half_period = F_CPU / 2u / frequency_hz;
    uint8_t i = 0;
    while (half_period >> prescalers[i].shift > 256u)
        i++;
    uint8_t top = (uint8_t)((half_period >> prescalers[i].shift) - 1u);
    uint8_t state = hal_lock();
    TCNT2 = 0;
    OCR2A = top;
    TCCR2A = _BV(COM2A0) | _BV(WGM21);
    TCCR2B = prescalers[i].select;
    buzz_left_ms = duration_ms;
    hal_unlock(state);
}

void hal_indicate(uint8_t wanted_colour, uint8_t wanted_pattern)
{
    colour = wanted_colour;
    pattern = wanted_pattern;
    indicated_at = milliseconds;
}
