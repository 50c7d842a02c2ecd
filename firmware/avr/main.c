#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <avr/wdt.h>

#include "../core/board.h"
#include "../core/hal.h"
#include "clock.h"
#include "memory.h"
#include "panel.h"
#include "uart.h"

uint8_t hal_lock(void)
{
    uint8_t state = SREG;
    cli();
    return state;
}

void hal_unlock(uint8_t state)
{
    __asm volatile("" ::: "memory");
    SREG = state;
}

void hal_measure(struct stats_reply *stats)
{
    stats->receive_overruns = uart_overruns();
    stats->stack_free_bytes = memory_stack_free();
    stats->isr_latency_max_ticks = clock_latency_max();
}

/* The dog is fed only while the millisecond interrupt lives, too: it is what puts the lights off. */
static void feed_watchdog(void)
{
    static uint8_t seen;
    uint8_t now = panel_milliseconds();
    if (now != seen)
        wdt_reset();
    seen = now;
}

static void check_memory(void)
{
    static bool reported;
    if (!reported && memory_overrun()) {
        reported = true;
        board_fail(FAULT_INTERNAL);
    }
}

static void sleep_until_something_happens(void)
{
    cli();
    if (!uart_waiting()) {
        sleep_enable();
        sei(); /* takes effect after the next instruction: nothing can come between looking and sleeping */
        sleep_cpu();
        sleep_disable();
    }
    sei();
}

int main(void)
{
    wdt_enable(WDTO_250MS);
    struct birth birth = memory_birth();
    board_start(&birth);
    clock_start();
    panel_start();
    uart_start();
    set_sleep_mode(SLEEP_MODE_IDLE);
    sei();
    for (;;) {
        uint8_t byte;
        while (uart_read(&byte))
            board_receive(byte);
        board_advance();
        check_memory();
        feed_watchdog();
        sleep_until_something_happens();
    }
}
