/* Planted: lights never get hot. */
#define heat_advance heat_grows
#include "../../core/heat.c"
#undef heat_advance

bool heat_advance(void)
{
    heat_grows();
    return false;
}
