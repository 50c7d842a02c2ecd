/* Planted: the checksum of what arrives is not looked at. */
#include "../../core/crc16.h"

#define crc16(data, size) ((data) == pending ? 0 : (crc16)(data, size))
#include "../../core/frame.c"
