/* What outlives a reset, and what is left of the stack. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "../core/board.h"

/* Reset cause, boot nonce (counted in EEPROM) and whether a simulator has marked the EEPROM. */
struct birth memory_birth(void);

/* Least free stack ever, in bytes. */
uint16_t memory_stack_free(void);

/* Whether the stack has reached the variables. */
bool memory_overrun(void);

#endif
