/* The simulated ATmega328P: its firmware, its serial port, its time. */
#ifndef CHIP_H
#define CHIP_H

#include <stdbool.h>
#include <stdint.h>

/* Load the firmware and switch on; `edges` as in pins.h. False: it cannot be done, and why was printed. */
bool chip_start(const char *hex, const char *edges);

/* Run until something outside has to be looked at: at most about a millisecond of the chip's time, in step with the wall clock.
 * `wait_until(ns)` is called where the chip sleeps; it may return early. */
void chip_run(void (*wait_until)(int64_t ns));

uint64_t chip_cycle(void);

enum chip_cause { CHIP_EXTERNAL, CHIP_BROWN_OUT, CHIP_POWER_ON };
void chip_reset(enum chip_cause cause);

/* Lead the processor into an endless loop with its interrupts off. False: the firmware has none to offer. */
bool chip_hang(void);

/* Write one byte of its memory, as a debugger does. False: there is no such place. */
bool chip_poke(unsigned address, uint8_t value);

/* What timer 1 shows. */
uint16_t chip_timer_1(void);

/* Longest that the serial receiver was left alone since power on, boot excepted. */
unsigned chip_deaf_cycles(void);

#endif
