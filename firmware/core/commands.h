/* What the board does with its commands, once they are admitted. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include <stdint.h>

#include "frame.h"

struct answer {
    uint8_t type;
    uint8_t size; /* of the payload */
};

struct answer refuse(uint8_t reason, uint8_t *payload);
struct answer command_obey(const struct frame *frame, uint8_t *payload);
struct answer command_stats(uint16_t frames_repeated, uint8_t *payload);

/* What STATUS tells of the panel. */
void commands_note_button(uint8_t button, uint8_t pressed);
void commands_note_card(uint8_t present);

/* Start anew, as after a reset. */
void commands_reset(void);

#endif
