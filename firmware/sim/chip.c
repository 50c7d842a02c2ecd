#include "chip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "avr_eeprom.h"
#include "avr_extint.h"
#include "avr_ioport.h"
#include "avr_uart.h"
#include "sim_avr.h"
#include "sim_core.h"
#include "sim_cycle_timers.h"
#include "sim_hex.h"
#include "sim_interrupts.h"
#include "sim_irq.h"

#include "lightlog.h"
#include "line.h"

enum {
    /* Ten bits at 250000 baud are 640 cycles. The simulated UART counts a parity bit, and begins with a byte only when the one
     * before was fetched: faster than this its queue would run over where the chip's would not. */
    BYTE_CYCLES = 800,
    SETTLED_CYCLES = 32,  /* several pins that change within this are one change of the lights */
    SLICE_CYCLES = 16000, /* a millisecond */
    BEEP_PAUSE_CYCLES = CHIP_HZ / 50,
    CYCLE_NS_TIMES_2 = 125,
    /* as in avr/pins.h; inputs are low when pressed or covered */
    TRIGGER_B = 1,
    BUZZER_B = 3,
    STATUS_B = 5,
    CARD_B = 1 << 0,
    BUTTON_0_C = 1 << 4,
    BUTTONS_C = 3 << 4,
};
static const int64_t FAR_BEHIND_NS = 20000000; /* time lost beyond this is not caught up with */

static avr_t *avr;
static FILE *edge_file;
static void (*wait_outside)(int64_t);

/* Chip time to wall time. */
static int64_t anchor_ns;
static uint64_t anchor_cycle;
static uint64_t next_byte_cycle;
static uint64_t locked_since;
static bool started; /* interrupts have been let in since the last reset */
static bool hanging;

/* Pins. */
static uint8_t port_b, port_c, port_d;
static uint8_t raw_lights, logged_lights;
static bool raw_trigger;
static bool unsettled;
static uint64_t changed_cycle;
static uint8_t pulls_b = 0xFF, pulls_c = 0xFF;

/* The ear. */
static struct chip_senses senses;
static uint64_t beep_begun_cycle, beep_last_cycle, beep_edges;

/* --- pins out ------------------------------------------------------------------------------------------------------ */

static void settle(void)
{
    unsettled = false;
    if (raw_lights == logged_lights)
        return;
    logged_lights = raw_lights;
    lightlog_write(logged_lights);
}

static void look_at_lights(void)
{
    uint8_t lights = (uint8_t)(port_d >> 4 | port_c << 4);
    bool trigger = port_b >> TRIGGER_B & 1;
    if (lights == raw_lights && trigger == raw_trigger)
        return;
    raw_lights = lights;
    raw_trigger = trigger;
    if (edge_file)
        fprintf(edge_file, "%llu %u %u\n", (unsigned long long)avr->cycle, lights, trigger);
    if (!unsettled)
        changed_cycle = avr->cycle;
    unsettled = true;
}

static void port_written(struct avr_irq_t *irq, uint32_t value, void *port)
{
    (void)irq;
    *(uint8_t *)port = (uint8_t)value;
    look_at_lights();
    senses.status_led = port_b >> STATUS_B & 1;
}

static void buzzer_moved(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    static uint8_t level;
    (void)irq;
    (void)unused;
    if ((value & 1) == level) /* the simulator tells of the pin's direction, too */
        return;
    level = value & 1;
    if (senses.beeps == 0 || avr->cycle - beep_last_cycle > BEEP_PAUSE_CYCLES) {
        senses.beeps++;
        beep_begun_cycle = avr->cycle;
        beep_edges = 0;
    } else {
        beep_edges++;
    }
    beep_last_cycle = avr->cycle;
}

struct chip_senses chip_senses(void)
{
    uint64_t lasted = beep_last_cycle - beep_begun_cycle;
    senses.lights = raw_lights;
    senses.buzzer_hz = lasted ? (unsigned)(beep_edges * CHIP_HZ / 2 / lasted) : 0;
    senses.buzzer_ms = (unsigned)(lasted * 1000 / CHIP_HZ);
    return senses;
}

/* --- pins in --------------------------------------------------------------------------------------------------------- */

static void pull(char port, uint8_t inputs, uint8_t levels)
{
    avr_ioport_external_t external = {.name = (unsigned char)port, .mask = inputs, .value = levels};
    avr_ioctl(avr, AVR_IOCTL_IOPORT_SET_EXTERNAL(port), &external);
    for (int pin = 0; pin < 8; pin++) {
        avr_irq_t *irq = avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(port), pin);
        if (!(inputs >> pin & 1))
            continue;
        avr_raise_irq(irq, !(levels >> pin & 1)); /* the simulator ignores what it takes for no change */
        avr_raise_irq(irq, levels >> pin & 1);
    }
}

void chip_button(int button, bool pressed)
{
    uint8_t bit = (uint8_t)(BUTTON_0_C << button);
    pulls_c = pressed ? pulls_c & (uint8_t)~bit : pulls_c | bit;
    pull('C', BUTTONS_C, pulls_c);
}

void chip_card(bool present)
{
    pulls_b = present ? pulls_b & (uint8_t)~CARD_B : pulls_b | CARD_B;
    pull('B', CARD_B, pulls_b);
}

/* --- life ------------------------------------------------------------------------------------------------------------- */

static void sent(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    (void)irq;
    (void)unused;
    settle(); /* what was switched before a reply is on record before the reply is */
    line_put((uint8_t)value);
}

static void restarted(void)
{
    avr_extint_set_strict_lvl_trig(avr, 0, 0); /* low interrupt pins would cost a timer in every cycle */
    avr_extint_set_strict_lvl_trig(avr, 1, 0);
    port_b = port_c = port_d = 0;
    look_at_lights();
    settle();
    pull('B', CARD_B, pulls_b);
    pull('C', BUTTONS_C, pulls_c);
    next_byte_cycle = 0;
    hanging = false;
    started = false;
}

/* How long interrupts are ever kept out: a real UART holds two bytes and no more. */
static void watch_lock(const avr_t *chip)
{
    started |= chip->sreg[S_I];
    if (chip->sreg[S_I] || !started || hanging) {
        locked_since = chip->cycle;
        return;
    }
    unsigned locked = (unsigned)(chip->cycle - locked_since);
    if (locked > senses.locked_cycles)
        senses.locked_cycles = locked;
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
        int64_t until = anchor_ns + (int64_t)(chip->cycle + idle - anchor_cycle) * CYCLE_NS_TIMES_2 / 2;
        wait_outside(until);
        int64_t past = (now_ns() - anchor_ns) * 2 / CYCLE_NS_TIMES_2 + (int64_t)anchor_cycle - (int64_t)chip->cycle;
        avr_cycle_count_t elapsed = past < 0 ? 0 : (avr_cycle_count_t)past;
        chip->cycle += 1 + (elapsed < idle ? elapsed : idle);
    }
    if (chip->state == cpu_Running || chip->state == cpu_Sleeping)
        avr_service_interrupts(chip);
    watch_lock(chip);
}

static void feed_byte(avr_irq_t *input)
{
    uint8_t byte;
    if (avr->cycle < next_byte_cycle || !line_next(&byte))
        return;
    next_byte_cycle = avr->cycle + BYTE_CYCLES;
    avr_raise_irq(input, byte);
}

static void keep_pace(void)
{
    int64_t due = anchor_ns + (int64_t)(avr->cycle - anchor_cycle) * CYCLE_NS_TIMES_2 / 2;
    if (now_ns() - due > FAR_BEHIND_NS) {
        anchor_ns = now_ns();
        anchor_cycle = avr->cycle;
    }
    wait_outside(due);
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
        if (unsettled && avr->cycle - changed_cycle > SETTLED_CYCLES)
            settle();
    }
    keep_pace();
}

uint64_t chip_cycle(void)
{
    return avr->cycle;
}

void chip_reset(void)
{
    avr_reset(avr);
    avr->run = run_one;
    avr_regbit_set(avr, avr->reset_flags.extrf);
    restarted();
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

void chip_power_off(void)
{
    port_b = port_c = port_d = 0;
    look_at_lights();
    settle();
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

static void wire_up(void)
{
    static const struct {
        char port;
        uint8_t *copy;
    } ports[] = {{'B', &port_b}, {'C', &port_c}, {'D', &port_d}};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        avr_irq_t *written = avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(ports[i].port), IOPORT_IRQ_REG_PORT);
        avr_irq_register_notify(written, port_written, ports[i].copy);
    }
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('B'), BUZZER_B), buzzer_moved, NULL);
    uint32_t flags = 0; /* neither printed nor slowed down */
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), sent, NULL);
}

bool chip_start(const char *hex, const char *edges)
{
    uint32_t size = 0, start = 0;
    uint8_t *code = read_ihex_file(hex, &size, &start);
    if (!code) {
        fprintf(stderr, "board-sim: %s cannot be read\n", hex);
        return false;
    }
    if (edges && !(edge_file = fopen(edges, "w"))) {
        perror(edges);
        return false;
    }
    if (edge_file)
        setvbuf(edge_file, NULL, _IOLBF, 0);
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
    wire_up();
    anchor_ns = now_ns();
    restarted();
    return true;
}
