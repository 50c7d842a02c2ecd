/* The light log: which lights burned and when, for the simulated camera. The format is that of station/twin/lightlog.py. */
#ifndef LIGHTLOG_H
#define LIGHTLOG_H

#include <stdint.h>

/* Make the file anew. -1 and errno: it cannot be made. */
int lightlog_open(const char *path);

/* From then on exactly these lights burn, and the trigger is high or low. */
void lightlog_write(int64_t when_ns, uint32_t pins);

/* Everything up to then is written. */
void lightlog_known_until(int64_t when_ns);

/* So much more of the board's time was given up. */
void lightlog_lost(int64_t time_ns);

/* What was written last. */
uint32_t lightlog_last(void);

enum { LIGHTLOG_TRIGGER = 0x100 };

/* Nanoseconds on the monotonic clock. */
int64_t now_ns(void);

#endif
