/* The exposure programme as the host told it, its run as the pins show it, and the reports that are due. */
#ifndef TOLD_H
#define TOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "codec.h"

enum { SLACK_TICKS = 6 }; /* three microseconds */

void told_start(void);
void told_session(void);

/* A command was answered with Ok. */
void told_done(const struct message *command);

/* It cannot run on. */
void told_disarm(void);

/* The pins, moved by the programme. told_on returns when the light has to be off again. */
uint32_t told_on(uint8_t mask);
void told_off(void);
void told_trigger(bool high);

/* Events. */
void told_reported(const struct step_done *report);
void told_completed(const struct programme_done *end);

void told_settled(void);

#endif
