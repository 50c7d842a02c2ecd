/* Control lines on the standard input, answered on the standard output: those of station/twin/board_control.py, and
 *
 *   brownout, power      reset for that reason
 *   poke ADDRESS VALUE   write one byte of the chip's memory, as a debugger does
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>

/* `link` is the name under which `plug` publishes the port. */
void control_start(const char *link);

/* One line for whoever started the simulator. */
void control_say(const char *format, const char *text);

/* To be waited on; -1: there will be no more lines. */
int control_descriptor(void);
void control_read(void);

/* Do what a line asked for later. */
void control_advance(void);

#endif
