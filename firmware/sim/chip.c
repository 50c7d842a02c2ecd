#include "chip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "avr_eeprom.h"
#include "avr_extint.h"
#include "avr_uart.h"
#include "sim_avr.h"
#include "sim_core.h"
#include "sim_cycle_timers.h"
#include "sim_hex.h"
#include "sim_interrupts.h"
#include "sim_irq.h"

#include "lightlog.h"
#include "line.h"
#include "pace.h"
#include "pins.h"

enum {
    /* Ten bits at 250000 baud are 640 cycles. The simulated UART counts a parity bit, and begins with a byte only when the one
     * before was fetched: faster than this its queue would run over where the chip's would not. */
    BYTE_CYCLES = 800,
    SLICE_CYCLES = CHIP_HZ / 1000,
    SETTLING_CYCLES = 64, /* until a change of the pins is in the log */
    UCSR0A_AT = 0xC0,
    TCNT1_AT = 0x84,
    RECEIVED_VECTOR = 18 * 4, /* and behind it come those that let the receiver's go first */
    LAST_VECTOR = 25 * 4,
    LET_IN_CYCLES = 8, /* interrupts that are let in for shorter only let the next one in the row in: the receiver's is the last */
};

static avr_t *avr;
static void (*wait_outside)(int64_t);

static uint64_t next_byte_cycle;
static uint64_t looked_after, let_in_since;
static unsigned deaf_cycles;
static bool started; /* interrupts have been let in since the last reset */
static bool hanging;

static void sent(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    (void)irq;
    (void)unused;
    pins_settle(); /* what was switched before a reply is on record before the reply is */
    line_put((uint8_t)value);
}

static void restarted(void)
{
    avr_extint_set_strict_lvl_trig(avr, 0, 0); /* low interrupt pins would cost a timer in every cycle */
    avr_extint_set_strict_lvl_trig(avr, 1, 0);
    pins_reset();
    next_byte_cycle = 0;
    hanging = false;
    started = false;
}

/* How long the receiver is ever left alone, by interrupts kept out or others served before: a real one holds two bytes and no
 * more. */
static void watch_receiver(const avr_t *chip)
{
    bool open = chip->sreg[S_I];
    started |= open;
    if (!open)
        let_in_since = chip->cycle;
    bool behind = chip->pc >= RECEIVED_VECTOR && chip->pc <= LAST_VECTOR;
    if (!started || hanging || behind || chip->cycle - let_in_since > LET_IN_CYCLES)
        looked_after = chip->cycle;
    unsigned deaf = (unsigned)(chip->cycle - looked_after);
    if (!open && deaf > deaf_cycles)
        deaf_cycles = deaf;
}

static void receiver_polled(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    (void)irq;
    (void)value;
    (void)unused;
    looked_after = avr->cycle;
}

uint16_t chip_timer_1(void)
{
    avr_io_addr_t low = AVR_DATA_TO_IO(TCNT1_AT);
    avr->io[low].r.c(avr, TCNT1_AT, avr->io[low].r.param); /* brings both bytes up to date */
    return (uint16_t)(avr->data[TCNT1_AT] | avr->data[TCNT1_AT + 1] << 8);
}

unsigned chip_deaf_cycles(void)
{
    return deaf_cycles;
}

/* Look outside. A chip that is behind its time does not hear now what is said only now: it catches up first. */
static void listen_until(int64_t ns)
{
    static uint64_t heard;
    wait_outside(ns);
    if (line_arrived() == heard)
        return;
    heard = line_arrived();
    uint64_t now = pace_cycle();
    if (next_byte_cycle < now)
        next_byte_cycle = now;
}

static void run_one(avr_t *chip)
{
    avr_flashaddr_t pc = chip->pc;
    if (chip->state == cpu_Running)
        pc = avr_run_one(chip);
    avr_cycle_count_t idle = avr_cycle_timer_process(chip);
    chip->pc = pc;
    if (chip->state == cpu_Sleeping) {
        if (line_waiting() && chip->cycle + idle > next_byte_cycle)
            idle = next_byte_cycle > chip->cycle ? next_byte_cycle - chip->cycle : 0;
        listen_until(pace_due_ns(chip->cycle + idle));
        int64_t past = (int64_t)(pace_cycle() - chip->cycle);
        avr_cycle_count_t elapsed = past < 0 ? 0 : (avr_cycle_count_t)past;
        chip->cycle += 1 + (elapsed < idle ? elapsed : idle);
    }
    if (chip->state == cpu_Running || chip->state == cpu_Sleeping)
        avr_service_interrupts(chip);
    watch_receiver(chip);
}

static void feed_byte(avr_irq_t *input)
{
    uint8_t byte;
    if (avr->cycle < next_byte_cycle || !line_next(&byte))
        return;
    next_byte_cycle = avr->cycle + BYTE_CYCLES;
    avr_raise_irq(input, byte);
}

void chip_run(void (*wait_until)(int64_t ns))
{
    avr_irq_t *input = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
    wait_outside = wait_until;
    uint64_t end = avr->cycle + SLICE_CYCLES;
    while (avr->cycle < end) {
        bool resetting = avr->run != run_one; /* the watchdog has put its own function there */
        avr->run(avr);
        if (resetting)
            restarted();
        feed_byte(input);
        pins_look();
    }
    int64_t due_ns = pace_due_ns(avr->cycle);
    pace_forgive(avr->cycle);
    lightlog_known_until(pace_due_ns(avr->cycle - SETTLING_CYCLES));
    listen_until(due_ns);
}

uint64_t chip_cycle(void)
{
    return avr->cycle;
}

void chip_reset(enum chip_cause cause)
{
    avr_reset(avr);
    avr->run = run_one;
    if (cause == CHIP_EXTERNAL)
        avr_regbit_set(avr, avr->reset_flags.extrf);
    else
        avr_regbit_set(avr, cause == CHIP_BROWN_OUT ? avr->reset_flags.borf : avr->reset_flags.porf);
    restarted();
}

bool chip_poke(unsigned address, uint8_t value)
{
    if (address > avr->ramend)
        return false;
    avr->data[address] = value;
    return true;
}

bool chip_hang(void)
{
    static const uint8_t loop[] = {0xF8, 0x94, 0xFF, 0xCF}; /* cli; rjmp to itself */
    uint8_t *found = memmem(avr->flash, avr->flashend, loop, sizeof loop);
    if (!found)
        return false;
    hanging = true;
    avr->pc = (avr_flashaddr_t)(found - avr->flash);
    avr->state = cpu_Running;
    return true;
}

/* --- switching on --------------------------------------------------------------------------------------------------- */

static void mark_as_simulated(void)
{
    uint8_t mark = 'S';
    avr_eeprom_desc_t at_end = {.ee = &mark, .offset = (uint16_t)avr->e2end, .size = 1};
    avr_ioctl(avr, AVR_IOCTL_EEPROM_SET, &at_end);
    uint8_t nonce[2]; /* no two chips begin with the same */
    if (getrandom(nonce, sizeof nonce, 0) != sizeof nonce)
        abort();
    avr_eeprom_desc_t at_start = {.ee = nonce, .offset = 0, .size = sizeof nonce};
    avr_ioctl(avr, AVR_IOCTL_EEPROM_SET, &at_start);
}

static void connect_line(void)
{
    uint32_t flags = 0; /* neither printed nor slowed down */
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), sent, NULL);
    avr_irq_t *status_read = avr_iomem_getirq(avr, UCSR0A_AT, NULL, AVR_IOMEM_IRQ_ALL);
    avr_irq_register_notify(status_read, receiver_polled, NULL);
}

bool chip_start(const char *hex, const char *edges)
{
    uint32_t size = 0, start = 0;
    uint8_t *code = read_ihex_file(hex, &size, &start);
    if (!code) {
        fprintf(stderr, "board-sim: %s cannot be read\n", hex);
        return false;
    }
    avr = avr_make_mcu_by_name("atmega328p");
    if (!avr || avr_init(avr) < 0)
        return false;
    avr->frequency = CHIP_HZ;
    avr->log = LOG_ERROR;
    memcpy(avr->flash + start, code, size);
    free(code);
    avr->codeend = avr->flashend;
    avr->pc = start;
    avr->run = run_one;
    mark_as_simulated();
    connect_line();
    if (!pins_start(avr, edges))
        return false;
    pace_anchor(avr->cycle);
    restarted();
    return true;
}
