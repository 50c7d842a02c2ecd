/* The light log: which lights burned and when, for the simulated camera. The format is that of station/twin/lightlog.py. */
#ifndef LIGHTLOG_H
#define LIGHTLOG_H

#include <stdint.h>

/* Make the file anew. -1 and errno: it cannot be made. */
int lightlog_open(const char *path);

/* From now on exactly these lights burn, and the trigger is high or low. */
void lightlog_write(uint32_t pins);

/* What was written last. */
uint32_t lightlog_last(void);

enum { LIGHTLOG_TRIGGER = 0x100 };

/* Nanoseconds on the monotonic clock. */
int64_t now_ns(void);

#endif
