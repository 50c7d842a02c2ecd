#include "control.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chip.h"
#include "line.h"
#include "pace.h"
#include "pins.h"

static const char *link_path;
static bool closed;
static uint64_t ordered_cycle; /* when the last order but `state` was obeyed */

/* What is still to be done to the buttons. */
static struct move {
    uint64_t cycle;
    int button;
    bool pressed;
} moves[64];
static size_t moves_waiting;

void control_start(const char *link)
{
    link_path = link;
}

void control_say(const char *format, const char *text)
{
    printf(format, text);
    putchar('\n');
    fflush(stdout);
}

static void tell_state(void)
{
    struct pins_senses senses = pins_senses();
    char text[240];
    snprintf(text, sizeof text,
             "ok state mask=%u beeps=%u buzzer_hz=%u buzzer_ms=%u status_led=%d green=%d red=%d deaf_cycles=%u timer1=%u ordered_cycle=%llu cycle=%llu",
             senses.lights, senses.beeps, senses.buzzer_hz, senses.buzzer_ms, senses.status_led, senses.green, senses.red, chip_deaf_cycles(),
             chip_timer_1(), (unsigned long long)ordered_cycle, (unsigned long long)chip_cycle());
    control_say("%s", text);
}

static bool obey_line(const char *word, int values, double first)
{
    static const struct line_faults healed;
    bool percent = values == 1 && first >= 0 && first <= 100;
    if (!strcmp(word, "drop") && percent)
        line_faults.drop_percent = first;
    else if (!strcmp(word, "corrupt") && percent)
        line_faults.corrupt_percent = first;
    else if (!strcmp(word, "repeat") && percent)
        line_faults.repeat_percent = first;
    else if (!strcmp(word, "delay") && values == 1 && first >= 0 && first <= 60000)
        line_faults.delay_ns = (int64_t)(first * 1e6);
    else if (!strcmp(word, "garbage") && values == 1 && first >= 1 && first <= 4096)
        line_noise((size_t)first);
    else if (!strcmp(word, "mute") && values == 0)
        line_faults.mute = true;
    else if (!strcmp(word, "heal") && values == 0)
        line_faults = healed;
    else
        return false;
    return true;
}

static bool move(int button, bool pressed, uint64_t cycle)
{
    if (moves_waiting == sizeof moves / sizeof *moves)
        return false;
    moves[moves_waiting++] = (struct move){cycle, button, pressed};
    return true;
}

/* `changes` of the contact, an odd number of them, a millisecond apart; the last one stays. */
static bool press(int button, double milliseconds, int changes)
{
    uint64_t begin = chip_cycle(), end = begin + (uint64_t)(milliseconds * (CHIP_HZ / 1000));
    bool taken = true;
    for (int change = 0; change < changes; change++) {
        uint64_t later = (uint64_t)change * (CHIP_HZ / 1000);
        taken = taken && move(button, change % 2 == 0, begin + later) && move(button, change % 2 != 0, end + later);
    }
    return taken;
}

static bool obey_board(const char *word, int values, double first, double second)
{
    if (!strcmp(word, "reset") && values == 0) {
        chip_reset(CHIP_EXTERNAL);
    } else if (!strcmp(word, "brownout") && values == 0) {
        chip_reset(CHIP_BROWN_OUT);
    } else if (!strcmp(word, "power") && values == 0) {
        chip_reset(CHIP_POWER_ON);
    } else if (!strcmp(word, "poke") && values == 2 && first >= 0 && second >= 0 && second <= UINT8_MAX) {
        return chip_poke((unsigned)first, (uint8_t)second);
    } else if (!strcmp(word, "hang") && values == 0) {
        return chip_hang();
    } else if (!strcmp(word, "unplug") && values == 0) {
        line_unplug();
    } else if (!strcmp(word, "plug") && values == 0) {
        line_unplug();
        return line_plug(link_path) == 0;
    } else if (!strcmp(word, "card") && values == 1 && (first == 0 || first == 1)) {
        pins_card(first == 1);
    } else if (!strcmp(word, "press") && values == 2 && (first == 0 || first == 1) && second >= 1 && second <= 60000) {
        return press((int)first, second, 1);
    } else if (!strcmp(word, "bounce") && values == 2 && (first == 0 || first == 1) && second >= 10 && second <= 60000) {
        return press((int)first, second, 5);
    } else {
        return false;
    }
    return true;
}

static void obey(char *text)
{
    char word[16] = "";
    char first[16] = "0", second[16] = "0", beyond[2];
    int values = sscanf(text, "%15s %15s %15s %1s", word, first, second, beyond) - 1;
    char *end_1, *end_2;
    double one = strtod(first, &end_1), two = strtod(second, &end_2);
    bool numbers = (!*end_1 || !strcmp(end_1, "%") || !strcmp(end_1, "ms")) && (!*end_2 || !strcmp(end_2, "ms"));
    if (values < 0)
        return;
    if (!strcmp(word, "state") && values == 0) {
        tell_state();
        return;
    }
    ordered_cycle = chip_cycle();
    if (numbers && (obey_line(word, values, one) || obey_board(word, values, one, two)))
        control_say("ok %s", text);
    else
        control_say("error not understood: %s", text);
}

void control_read(void)
{
    static char pending[512];
    static size_t size;
    ssize_t got = read(STDIN_FILENO, pending + size, sizeof pending - 1 - size);
    if (got <= 0) {
        closed = true;
        return;
    }
    size += (size_t)got;
    pending[size] = 0;
    for (char *end; (end = strchr(pending, '\n')); memmove(pending, end + 1, size + 1)) {
        *end = 0;
        size -= (size_t)(end + 1 - pending);
        obey(pending);
    }
}

int control_descriptor(void)
{
    return closed ? -1 : STDIN_FILENO;
}

static struct move *earliest(void)
{
    struct move *found = moves;
    for (size_t i = 1; i < moves_waiting; i++)
        if (moves[i].cycle < found->cycle)
            found = &moves[i];
    return found;
}

void control_advance(void)
{
    for (struct move *next; moves_waiting && (next = earliest())->cycle <= chip_cycle(); *next = moves[--moves_waiting])
        pins_button(next->button, next->pressed);
}
