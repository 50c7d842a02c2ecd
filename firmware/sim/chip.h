/* The simulated ATmega328P: its firmware, its pins, its serial port, its time. */
#ifndef CHIP_H
#define CHIP_H

#include <stdbool.h>
#include <stdint.h>

/* Load the firmware and switch on. `edges`, if not NULL, is a file to which every change of lights and trigger is written:
 * cycle, mask of lights, trigger. False: it cannot be done, and why was printed. */
bool chip_start(const char *hex, const char *edges);

/* Run until something outside has to be looked at: at most about a millisecond of the chip's time, in step with the wall clock.
 * `wait_until(ns)` is called where the chip sleeps; it may return early. */
void chip_run(void (*wait_until)(int64_t ns));

uint64_t chip_cycle(void);

void chip_reset(void);

/* Lead the processor into an endless loop with its interrupts off. False: the firmware has none to offer. */
bool chip_hang(void);

void chip_button(int button, bool pressed);
void chip_card(bool present);

/* No power: no light. */
void chip_power_off(void);

struct chip_senses {
    uint8_t lights;
    bool status_led;
    unsigned beeps;
    unsigned buzzer_hz;
    unsigned buzzer_ms;
    unsigned locked_cycles; /* longest that interrupts were kept out since power on, boot excepted */
};
struct chip_senses chip_senses(void);

enum { CHIP_HZ = 16000000 };

#endif
