/* Looks on from outside the core, at its pins and its line, and knows from the protocol alone what may happen there. */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "codec.h"

void watch_start(void);

/* The line: a byte is about to reach the board, has been dealt with; a frame is handed out, in vain without `room`. */
void watch_heard(uint8_t byte);
void watch_answered(void);
void watch_sent(const uint8_t *wire, uint8_t size, bool room);

/* The pins; `level` of PWM_LEVELS. */
void watch_lights(uint8_t mask, uint8_t level);
void watch_trigger(bool high);

/* Status LED or indicator shine, or may at any moment. */
void watch_indicator(bool shines);

/* No interrupt runs now, and no command is half done. */
void watch_settled(void);

/* No light burns or will burn by itself. */
bool watch_idle(void);

/* The number of the event that waits for its acknowledgement; 0: none was sent. */
uint8_t watch_unacknowledged(void);

#endif
