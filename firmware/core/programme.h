/* The exposure programme: its store and its run. */
#ifndef PROGRAMME_H
#define PROGRAMME_H

#include <stdbool.h>
#include <stdint.h>

#include "../protocol.h"

#define PROGRAMME_ACCEPTED 0u

/* Each returns PROGRAMME_ACCEPTED or a refusal; a refusal has changed nothing. */
uint8_t programme_begin(const struct programme_begin *begin);
uint8_t programme_add(const struct programme_step *step);
uint8_t programme_end(void);
uint8_t programme_arm(void);
uint8_t programme_start(void);
uint8_t programme_start_at(uint32_t ticks);

/* BOARD_STATE_IDLE, _LOADING, _LOADED, _ARMED or _RUNNING. */
uint8_t programme_state(void);
uint8_t programme_steps(void);

/* Step running, or NO_STEP; that also until the moment of programme_start_at has come. */
uint8_t programme_step(void);

/* Do what is due; called with interrupts locked, when hal_stage_at asked for it. */
void programme_stage(void);

/* The event queue has got room: go on if that was waited for. */
void programme_go_on(void);

/* Stop at once, without a report, and disarm. Trigger low; the lights are the caller's. */
void programme_stop(void);

/* Forget it. */
void programme_forget(void);

#endif
