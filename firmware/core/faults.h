/* The latched fault, and the last ones for MSG_ERRORS. Safe to use from interrupts. */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdint.h>

void faults_latch(uint8_t fault, uint8_t step, uint32_t ticks);
uint8_t faults_latched(void);
void faults_clear(void);

/* Write an errors_reply; returns its size. */
uint8_t faults_report(void *reply);

/* Start anew, as after a reset. */
void faults_reset(void);

#endif
