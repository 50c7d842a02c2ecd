/* Events in order; the oldest is repeated until its number is acknowledged. Safe to fill from interrupts. */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>
#include <stdint.h>

/* A new session: forget everything, number from 1 again. */
void events_restart(void);

/* Whether a step may begin: its report finds room, and buttons and card still do, too. */
bool events_have_room(void);

uint8_t events_waiting(void);

/* Take an event; `reserved` may use the places kept for faults and programmes. What has no room is counted as lost. */
void events_push(uint8_t type, const void *payload, uint8_t size, bool reserved);

/* The oldest event has arrived, if this is its number. */
void events_acknowledge(uint8_t number);

/* A millisecond has passed. */
void events_millisecond(void);

/* Send the oldest event if it is due. */
void events_send(void);

uint16_t events_repeated(void);
uint16_t events_lost(void);

/* Start anew, as after a reset. */
void events_reset(void);

#endif
