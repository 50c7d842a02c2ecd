#include "memory.h"

#include <avr/eeprom.h>
#include <avr/io.h>
#include <avr/wdt.h>

#include "../protocol.h"

#define NONCE_AT ((uint16_t *)0)
#define SIMULATED_AT ((const uint8_t *)E2END) /* a simulator writes an S here, so that the board can say what it is */
#define PAINT 0xC5u
#define GUARD_BYTES 8u

extern uint8_t _end; /* of the variables, beginning of what the stack may use */

static uint8_t cause __attribute__((section(".noinit")));

void note_cause(void) __attribute__((naked, used, section(".init3")));
void paint_stack(void) __attribute__((naked, used, section(".init1")));

/* Before main: after a watchdog reset the watchdog runs on, at its shortest time. */
void note_cause(void)
{
    cause = MCUSR;
    MCUSR = 0;
    wdt_disable();
}

/* Before there is a stack frame, and therefore in assembly: no C function may write below its own. */
void paint_stack(void)
{
    __asm volatile("ldi r30, lo8(_end)\n"
                   "ldi r31, hi8(_end)\n"
                   "ldi r24, %0\n"
                   "ldi r25, hi8(%1)\n"
                   "rjmp 2f\n"
                   "1: st Z+, r24\n"
                   "2: cpi r30, lo8(%1)\n"
                   "cpc r31, r25\n"
                   "brlo 1b\n"
                   "breq 1b\n" ::"M"(PAINT),
                   "i"(RAMEND));
}

static uint8_t cause_in_words(void)
{
    if (cause & _BV(PORF))
        return RESET_CAUSE_POWER_ON;
    if (cause & _BV(BORF))
        return RESET_CAUSE_BROWN_OUT;
    if (cause & _BV(WDRF))
        return RESET_CAUSE_WATCHDOG;
    return cause & _BV(EXTRF) ? RESET_CAUSE_EXTERNAL : RESET_CAUSE_UNKNOWN;
}

struct birth memory_birth(void)
{
    uint16_t nonce = (uint16_t)(eeprom_read_word(NONCE_AT) + 1u);
    eeprom_update_word(NONCE_AT, nonce);
    bool simulated = eeprom_read_byte(SIMULATED_AT) == 'S';
    struct birth birth = {
        .reset_cause = cause_in_words(),
        .flags = simulated ? BOARD_FLAG_SIMULATED : 0,
        .kind = BOARD_KIND_ATMEGA328P,
        .boot_nonce = nonce,
    };
    return birth;
}

uint16_t memory_stack_free(void)
{
    const uint8_t *at = &_end;
    while (*at == PAINT && at < (const uint8_t *)RAMEND)
        at++;
    return (uint16_t)(at - &_end);
}

bool memory_overrun(void)
{
    for (uint8_t i = 0; i < GUARD_BYTES; i++)
        if ((&_end)[i] != PAINT)
            return true;
    return false;
}
