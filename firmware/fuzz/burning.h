/* What may burn, and how long: the half of the watch that looks at the lights. */
#ifndef BURNING_H
#define BURNING_H

#include <stdbool.h>
#include <stdint.h>

#include "codec.h"

void burning_start(void);

/* The host was heard; it opened a session. */
void burning_lease(void);
void burning_session(uint16_t lease_ms);
bool burning_within_lease(void);

/* This command is being carried out; NULL: none is. */
void burning_order(const struct message *command);
const struct message *burning_ordered(void);

/* A command for lights was answered with Ok; all must be dark at this answer. */
void burning_lit(void);
void burning_dark(void);

/* Exactly these lights burned at this tick, not long ago. */
bool burning_was(uint8_t mask, uint32_t ticks);
uint32_t burning_hottest_ms(void);

/* Changes of the lights that were made by the main loop. */
uint32_t burning_commanded(void);

void burning_settled(void);

#endif
