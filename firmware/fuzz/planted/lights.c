/* Planted: lights have no maximum on-time. */
#define lights_millisecond lights_expire
#include "../../core/lights.c"
#undef lights_millisecond

bool lights_millisecond(void);

bool lights_millisecond(void)
{
    return false;
}
