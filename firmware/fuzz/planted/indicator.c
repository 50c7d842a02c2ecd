/* Planted: the indicator goes on showing what a host said that has gone. */
#define indicator_hide indicator_darken
#include "../../core/indicator.c"
#undef indicator_hide

void indicator_hide(void)
{
}
