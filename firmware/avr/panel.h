/* Timer 0, once a millisecond: lights and lease run out, buttons and card are looked at, buzzer, status LED and indicator are kept. */
#ifndef PANEL_H
#define PANEL_H

#include <stdint.h>

void panel_start(void);

/* Counts milliseconds and wraps; shows that the interrupt lives. */
uint8_t panel_milliseconds(void);

#endif
