/* What an image says of itself to whoever is about to write it. The chip has no use for it. */

#include <avr/pgmspace.h>

#include "../core/version.h"
#include "../protocol.h"

#define TEXT_OF(number) #number
#define TEXT(macro) TEXT_OF(macro)

extern const char board_identity[]; /* kept by the linker, see the Makefile */
const char board_identity[] PROGMEM
    = "scan-board firmware " TEXT(FIRMWARE_MAJOR) "." TEXT(FIRMWARE_MINOR) "." TEXT(FIRMWARE_PATCH) " protocol " TEXT(
        PROTOCOL_MAJOR) "." TEXT(PROTOCOL_MINOR) " schema " TEXT(SCHEMA_HASH) " git " TEXT(GIT);
