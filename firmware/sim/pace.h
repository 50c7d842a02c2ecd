/* The chip's time held against the wall clock. */
#ifndef PACE_H
#define PACE_H

#include <stdint.h>

enum { CHIP_HZ = 16000000 };

/* So many parts in a million faster than it should be, as a ceramic resonator is. Before the chip starts. */
void pace_detune(double parts_per_million);

/* How long a standstill of the simulator is made up for. Before the chip starts. */
void pace_catch_up(double milliseconds);

/* The chip's clock shows this now. */
void pace_anchor(uint64_t cycle);

/* When, on the monotonic clock, the chip's clock is to show this. */
int64_t pace_due_ns(uint64_t cycle);

/* What the chip's clock should show now. */
uint64_t pace_cycle(void);

/* Time that was lost beyond what can be caught up with is given up. */
void pace_forgive(uint64_t cycle);

#endif
