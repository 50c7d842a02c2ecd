/* The cable: a pseudo-terminal under a name of its own, and what a bad cable does to the frames on it. */
#ifndef LINE_H
#define LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line_faults {
    double drop_percent;
    double corrupt_percent;
    double repeat_percent;
    int64_t delay_ns;
    bool mute;
};

extern struct line_faults line_faults;

void line_seed(uint32_t seed);

/* Publish the port. -1 and errno: it cannot be made. */
int line_plug(const char *link);
void line_unplug(void);

/* To be waited on for bytes from the host; -1 while unplugged. */
int line_descriptor(void);

/* Fetch what the host sent, as it arrives over a bad line. */
void line_fetch(void);

/* The next byte for the board; false: none. */
bool line_next(uint8_t *byte);
bool line_waiting(void);

/* How many bytes have ever come for the board. */
uint64_t line_arrived(void);

/* A byte from the board. */
void line_put(uint8_t byte);

/* Bytes without meaning, to the host. */
void line_noise(size_t count);

/* Send what is due; returns when there will be more, or INT64_MAX. */
int64_t line_flush(int64_t now);

#endif
