/* The pins of the simulated chip: what it drives is seen, heard and logged; what it reads is pulled. */
#ifndef PINS_H
#define PINS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim_avr.h"

/* Connect. `edges`, if not NULL, is a file to which every change of lights and trigger is written: cycle, mask of lights,
 * trigger. False: it cannot be written, and why was printed. */
bool pins_start(avr_t *chip, const char *edges);

/* The chip is in reset: nothing is driven, what is pulled stays pulled. */
void pins_reset(void);

/* No power: no light. */
void pins_dark(void);

/* Log what has changed, once several pins that change together have had the time to. */
void pins_look(void);

/* Log it now. */
void pins_settle(void);

void pins_button(int button, bool pressed);
void pins_card(bool present);

struct pins_senses {
    uint8_t lights;
    bool status_led;
    bool green; /* of the indicator, as red */
    bool red;
    unsigned beeps;
    unsigned buzzer_hz;
    unsigned buzzer_ms;
};
struct pins_senses pins_senses(void);

#endif
