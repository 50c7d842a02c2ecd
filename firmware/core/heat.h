/* The interlock of the duty cycle: how warm each light is, reckoned from how long it burned.
 *
 * A light's heat grows by one for each millisecond it burns, dimmed ones in proportion, and shrinks by one for each in darkness,
 * never below 0. */
#ifndef HEAT_H
#define HEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "../protocol.h"

/* Since `ticks`, which is now, exactly these burn, at `level` of PWM_LEVELS. Called with interrupts locked; the level changes only
 * after one of the two questions below was asked. */
void heat_note(uint8_t mask, uint8_t level, uint32_t ticks);

/* To be called outside interrupts, often. True: a light has burned until it was too hot. */
bool heat_advance(void);

/* Of the hottest light, as of now. */
uint16_t heat_hottest_ms(void);

/* Whether each of these lights could burn for so long. */
bool heat_leaves_room(uint8_t mask, uint8_t level, uint16_t burn_ms);

/* Whether all lights would stand these steps, their gaps included, beginning now. */
bool heat_stands(const struct programme_step *steps, uint8_t count);

/* Start anew, as after a reset. */
void heat_reset(void);

#endif
