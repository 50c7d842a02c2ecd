/* What the portable core asks of the machine below it. */
#ifndef HAL_H
#define HAL_H

#include <stdbool.h>
#include <stdint.h>

#include "../protocol.h"

#define HAL_TICKS_PER_US 2u
#define HAL_TICKS_HZ 2000000UL
#define HAL_LIGHTS 8u
#define HAL_BUTTONS 2u

/* Keep interrupts out; what comes back is to be handed to hal_unlock. May be nested. */
uint8_t hal_lock(void);
void hal_unlock(uint8_t state);

/* Let exactly these lights burn. Lights that go off do so before others go on. */
void hal_lights(uint8_t mask);

/* Let exactly these lights burn in pulses, all together, `level` of PWM_LEVELS of the time; 0 < level < PWM_LEVELS. The next call
 * of hal_lights ends it. */
void hal_dim(uint8_t mask, uint8_t level);

void hal_trigger(bool high);

/* The free-running clock. */
uint32_t hal_ticks(void);

/* Have programme_stage() called, with interrupts locked, a little before the clock reaches this tick, or at once if that has
 * passed. */
void hal_stage_at(uint32_t ticks);

/* Wait for the rest of that little, so that how an interrupt was entered does not show at the pins. */
void hal_wait_for(uint32_t ticks);

/* Queue a whole frame for sending; false if it has no room, and then nothing of it is sent. */
bool hal_send(const uint8_t *wire, uint8_t size);

void hal_buzz(uint16_t frequency_hz, uint16_t duration_ms);

/* What the status LED (pattern) and the two-coloured indicator (both) show from now on; called with interrupts locked. */
void hal_indicate(uint8_t colour, uint8_t pattern);

/* Fill in what only the machine knows: overruns, free stack, latency. */
void hal_measure(struct stats_reply *stats);

#endif
