/* What physics does for a real board: without power there is no light. A simulator that is killed outright can no longer say so
 * in its light log; a process beside it does. */
#ifndef GUARD_H
#define GUARD_H

/* Fork it; the light log is open, and nothing else is yet. -1 and errno: it cannot be done. */
int guard_start(void);

/* The simulator ends in order. */
void guard_dismiss(void);

#endif
