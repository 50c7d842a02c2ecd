/* An ATmega328P with an Arduino bootloader, behind a pseudo-terminal: what avrdude is tried against.
 *
 *     bootloader_chip BOOTLOADER.hex 57600|115200 LINK [APPLICATION.hex]
 *
 * A pseudo-terminal has no DTR line, which on a real board pulls the reset. In its place the chip is reset when somebody speaks at the
 * bootloader's rate while the application runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "avr_uart.h"
#include "sim_avr.h"
#include "sim_io.h"
#include "sim_irq.h"

enum {
    CHIP_HZ = 16000000,
    SLICE_CYCLES = 16000,     /* a millisecond */
    BITS = 11,                /* of a byte: the simulated UART counts a parity bit */
    BAUD = 250000,
    RESET_PAUSE_CYCLES = CHIP_HZ / 2,
};

static avr_t *avr;
static int ours, theirs;
static volatile sig_atomic_t ending;

static void end(int number)
{
    (void)number;
    ending = 1;
}

/* The library's own reader takes the record with the start address for data. */
static bool load(const char *path, uint32_t *start)
{
    FILE *file = fopen(path, "r");
    unsigned size, address, kind, byte;
    bool first = true;
    if (!file) {
        perror(path);
        return false;
    }
    for (char line[600]; fgets(line, sizeof line, file);) {
        if (sscanf(line, ":%2x%4x%2x", &size, &address, &kind) != 3 || kind != 0 || address + size > avr->flashend + 1u)
            continue;
        for (unsigned i = 0; i < size && sscanf(line + 9 + 2 * i, "%2x", &byte) == 1; i++)
            avr->flash[address + i] = (uint8_t)byte;
        if (first)
            *start = address;
        first = false;
    }
    fclose(file);
    return !first;
}

static void sent(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    uint8_t byte = (uint8_t)value;
    (void)irq;
    (void)unused;
    if (write(ours, &byte, 1) < 0 && errno != EAGAIN)
        perror("bootloader_chip: port");
}

static unsigned boot_baud;

static bool at_boot_rate(void)
{
    struct termios now;
    return tcgetattr(ours, &now) == 0 && cfgetospeed(&now) == (boot_baud == 57600 ? B57600 : B115200);
}

static void feed(uint32_t boot_start)
{
    static uint8_t waiting[512];
    static ssize_t size, place;
    static avr_cycle_count_t next, reset_again;
    if (avr->cycle < next)
        return;
    if (place == size) {
        place = 0;
        size = read(ours, waiting, sizeof waiting);
        if (size <= 0) {
            size = 0;
            next = avr->cycle + SLICE_CYCLES / 4;
            return;
        }
    }
    bool boot_rate = at_boot_rate();
    if (boot_rate && avr->pc < boot_start && avr->cycle >= reset_again) {
        avr_reset(avr);
        avr_regbit_set(avr, avr->reset_flags.extrf);
        reset_again = avr->cycle + RESET_PAUSE_CYCLES;
        next = avr->cycle + SLICE_CYCLES; /* the bootloader must have switched its receiver on */
        return;
    }
    next = avr->cycle + CHIP_HZ / (boot_rate ? boot_baud : BAUD) * (BITS + 1);
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT), waiting[place++]);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void keep_pace(void)
{
    static int64_t anchor_ns;
    static avr_cycle_count_t anchor;
    int64_t ahead_ns = anchor_ns + (int64_t)(avr->cycle - anchor) * 125 / 2 - now_ns();
    if (anchor_ns == 0 || ahead_ns < -20000000) { /* time that was lost is not caught up with */
        anchor_ns = now_ns();
        anchor = avr->cycle;
    } else if (ahead_ns > 0) {
        usleep((useconds_t)(ahead_ns / 1000));
    }
}

static void sleep_not(avr_t *chip, avr_cycle_count_t cycles)
{
    (void)chip;
    (void)cycles; /* the pace is kept elsewhere */
}

int main(int argc, char **argv)
{
    uint32_t boot_start = 0, application_start = 0;
    struct termios raw;
    char name[256];
    if (argc < 4)
        return 2;
    boot_baud = (unsigned)atoi(argv[2]);
    signal(SIGTERM, end);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    avr = avr_make_mcu_by_name("atmega328p");
    if (!avr || avr_init(avr) < 0)
        return 1;
    avr->frequency = CHIP_HZ;
    avr->log = LOG_ERROR;
    avr->sleep = sleep_not;
    for (uint32_t at = 0; at < avr->flashend; at += 2) /* the simulator does not run erased memory: jumps to themselves */
        memcpy(avr->flash + at, "\xFF\xCF", 2);
    if (!load(argv[1], &boot_start) || (argc > 4 && !load(argv[4], &application_start)))
        return 1;
    avr->codeend = avr->flashend;
    avr->reset_pc = avr->pc = boot_start;
    memset(&raw, 0, sizeof raw);
    cfmakeraw(&raw);
    raw.c_cflag |= CREAD | CLOCAL;
    if (openpty(&ours, &theirs, name, &raw, NULL) < 0 || symlink(name, argv[3]) < 0) {
        perror(argv[3]);
        return 1;
    }
    fcntl(ours, F_SETFL, O_NONBLOCK);
    uint32_t flags = 0; /* neither printed nor slowed down */
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), sent, NULL);
    printf("ready %s\n", argv[3]);
    fflush(stdout);
    while (!ending) {
        avr_cycle_count_t until = avr->cycle + SLICE_CYCLES;
        while (avr->cycle < until) {
            int state = avr_run(avr);
            if (state == cpu_Done || state == cpu_Crashed) {
                fputs("bootloader_chip: the chip crashed\n", stderr);
                return 1;
            }
            feed(boot_start);
        }
        keep_pace();
    }
    unlink(argv[3]);
    return 0;
}
