/* Planted: a host that has gone is not missed as long as a light burns. */
#include "../../core/lights.h"

#define lights_burning() 0
#include "../../core/board.c"
