/* Status LED and two-coloured indicator: what they show is the word of a station that is there. */
#ifndef INDICATOR_H
#define INDICATOR_H

#include <stdint.h>

void indicator_set(uint8_t colour, uint8_t pattern);

/* The host lease is over: dark, whatever was set. */
void indicator_hide(void);

/* The host was heard: what was set is shown again. */
void indicator_show(void);

/* Dark, and nothing is set. */
void indicator_reset(void);

#endif
