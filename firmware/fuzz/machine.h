/* The machine below the core: a clock that moves only when told, and interrupts wherever they may come. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stddef.h>
#include <stdint.h>

#include "../core/hal.h"

#define TICKS_PER_MS (HAL_TICKS_HZ / 1000u)

/* Who runs. */
enum context { MAIN, MILLISECOND, STAGE };

void machine_start(void);
enum context machine_context(void);

/* Time passes; the main loop turns whenever something has happened. */
void machine_pass(uint32_t ticks);

/* From now on so much time passes, and interrupts come, whenever the main loop is about to lock them out. */
void machine_jitter(uint32_t ticks);

/* The line has no room for the next frames. */
void machine_fill(uint8_t frames);

/* Bytes come from the host. */
void machine_hear(const uint8_t *bytes, size_t size);

/* Something changed outside; each wakes the main loop. */
void machine_button(uint8_t button, uint8_t pressed);
void machine_card(uint8_t present);

#endif
