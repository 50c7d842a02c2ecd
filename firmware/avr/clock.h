/* Timer 1: a clock of 32 bits at 2 MHz, and the exposure programme on its compare match. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

void clock_start(void);

/* Latest a stage was ever called, in ticks after the early time it asks for. */
uint16_t clock_latency_max(void);

#endif
