/* What is known of each command before it is looked into. */
#ifndef COMMAND_TABLE_H
#define COMMAND_TABLE_H

#include <stdbool.h>
#include <stdint.h>

bool command_known(uint8_t type);

/* A type that is unknown has any length. */
bool command_has_its_length(uint8_t type, uint8_t size);

/* Served while a fault is latched and while a programme runs, too. */
bool command_harmless(uint8_t type);

#endif
