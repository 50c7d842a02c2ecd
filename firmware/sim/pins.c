#include "pins.h"

#include <stdio.h>

#include "avr_ioport.h"
#include "sim_irq.h"

#include "lightlog.h"
#include "pace.h"

enum {
    SETTLED_CYCLES = 32, /* several pins that change within this are one change */
    BEEP_PAUSE_CYCLES = CHIP_HZ / 50,
    /* as in avr/pins.h; inputs are low when pressed or covered */
    TRIGGER_B = 1,
    BUZZER_B = 3,
    GREEN_B = 2,
    RED_B = 4,
    STATUS_B = 5,
    CARD_B = 1 << 0,
    BUTTON_0_C = 1 << 4,
    BUTTONS_C = 3 << 4,
};

static avr_t *avr;
static FILE *edge_file;

static uint8_t port_b, port_c, port_d;
static uint8_t lights;
static bool trigger;
static bool unsettled;
static uint64_t changed_cycle;
static uint8_t pulls_b = 0xFF, pulls_c = 0xFF;

/* The ear. */
static unsigned beeps;
static uint64_t beep_begun_cycle, beep_last_cycle, beep_edges;

/* --- out ------------------------------------------------------------------------------------------------------------- */

void pins_settle(void)
{
    uint32_t now = lights | (trigger ? LIGHTLOG_TRIGGER : 0u);
    unsettled = false;
    if (now != lightlog_last())
        lightlog_write(pace_due_ns(changed_cycle), now);
}

void pins_look(void)
{
    if (unsettled && avr->cycle - changed_cycle > SETTLED_CYCLES)
        pins_settle();
}

static void look_at_ports(void)
{
    uint8_t lights_now = (uint8_t)(port_d >> 4 | port_c << 4);
    bool trigger_now = port_b >> TRIGGER_B & 1;
    if (lights_now == lights && trigger_now == trigger)
        return;
    lights = lights_now;
    trigger = trigger_now;
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
    look_at_ports();
}

static void buzzer_moved(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    static uint8_t level;
    (void)irq;
    (void)unused;
    if ((value & 1) == level) /* the simulator tells of the pin's direction, too */
        return;
    level = value & 1;
    if (beeps == 0 || avr->cycle - beep_last_cycle > BEEP_PAUSE_CYCLES) {
        beeps++;
        beep_begun_cycle = avr->cycle;
        beep_edges = 0;
    } else {
        beep_edges++;
    }
    beep_last_cycle = avr->cycle;
}

struct pins_senses pins_senses(void)
{
    uint64_t lasted = beep_last_cycle - beep_begun_cycle;
    struct pins_senses senses = {
        .lights = lights,
        .status_led = port_b >> STATUS_B & 1,
        .green = port_b >> GREEN_B & 1,
        .red = port_b >> RED_B & 1,
        .beeps = beeps,
        .buzzer_hz = lasted ? (unsigned)(beep_edges * CHIP_HZ / 2 / lasted) : 0,
        .buzzer_ms = (unsigned)(lasted * 1000 / CHIP_HZ),
    };
    return senses;
}

/* --- in -------------------------------------------------------------------------------------------------------------- */

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

void pins_button(int button, bool pressed)
{
    uint8_t bit = (uint8_t)(BUTTON_0_C << button);
    pulls_c = pressed ? pulls_c & (uint8_t)~bit : pulls_c | bit;
    pull('C', BUTTONS_C, pulls_c);
}

void pins_card(bool present)
{
    pulls_b = present ? pulls_b & (uint8_t)~CARD_B : pulls_b | CARD_B;
    pull('B', CARD_B, pulls_b);
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

void pins_dark(void)
{
    port_b = port_c = port_d = 0;
    look_at_ports();
    pins_settle();
}

void pins_reset(void)
{
    pins_dark();
    pull('B', CARD_B, pulls_b);
    pull('C', BUTTONS_C, pulls_c);
}

bool pins_start(avr_t *chip, const char *edges)
{
    static const struct {
        char port;
        uint8_t *copy;
    } ports[] = {{'B', &port_b}, {'C', &port_c}, {'D', &port_d}};
    avr = chip;
    if (edges && !(edge_file = fopen(edges, "w"))) {
        perror(edges);
        return false;
    }
    if (edge_file)
        setvbuf(edge_file, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        avr_irq_t *written = avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(ports[i].port), IOPORT_IRQ_REG_PORT);
        avr_irq_register_notify(written, port_written, ports[i].copy);
    }
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('B'), BUZZER_B), buzzer_moved, NULL);
    return true;
}
