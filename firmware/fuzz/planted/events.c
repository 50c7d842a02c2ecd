/* Planted: a step begins although its report has no place. */
#define events_have_room events_had_room
#include "../../core/events.c"
#undef events_have_room

bool events_have_room(void);

bool events_have_room(void)
{
    return true;
}
