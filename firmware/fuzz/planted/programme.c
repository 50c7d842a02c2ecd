/* Planted: the shortest gap is not insisted on. */
#include "../../protocol.h"

#undef GAP_MIN_US
#define GAP_MIN_US 1u
#include "../../core/programme.c"
