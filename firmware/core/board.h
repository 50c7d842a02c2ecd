/* The board behind its protocol: session, lease, kept reply, faults. Everything here but board_millisecond runs outside interrupts. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* What is settled when the board starts. */
struct birth {
    uint8_t reset_cause;
    uint8_t flags; /* BOARD_FLAG_... */
    uint8_t kind;  /* BOARD_KIND_... */
    uint16_t boot_nonce;
};

void board_start(const struct birth *birth);

/* A byte has come from the line. */
void board_receive(uint8_t byte);

/* Send what is due. */
void board_advance(void);

/* A millisecond has passed; called with interrupts locked. Here lights and lease run out, whatever the rest is doing. */
void board_millisecond(void);

/* Switch everything off and latch a fault. */
void board_fail(uint8_t fault);

/* Debounced inputs; called from an interrupt, or with interrupts locked. */
void board_button(uint8_t button, uint8_t pressed);
void board_card(uint8_t present);

#endif
