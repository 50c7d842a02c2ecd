/* What burns, and for how long it may. */
#ifndef LIGHTS_H
#define LIGHTS_H

#include <stdbool.h>
#include <stdint.h>

/* Let exactly these burn, at `level` of PWM_LEVELS, for at most so long; `timed`: going off by itself is what is wanted. */
void lights_set(uint8_t mask, uint8_t level, uint16_t max_on_ms, bool timed);
void lights_off(void);

/* At `ticks`, which is now, a step has let exactly these burn, or with 0 has put its lights off. With interrupts locked. */
void lights_stepped(uint8_t mask, uint16_t max_on_ms, uint32_t ticks);

uint8_t lights_burning(void);

/* A millisecond has passed, called with interrupts locked. True: a maximum on-time is over, and that is a fault; to put the lights
 * off is then the caller's. */
bool lights_millisecond(void);

#endif
