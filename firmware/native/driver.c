/* The portable core on this machine, step by step, for tests: one order a line on standard input, one answer a line.
 *
 *   R <hex>    these bytes come from the host
 *   T <ms>     so much time passes
 *   B <n> <p>  button n is pressed (1) or released (0)
 *   C <p>      a card is there (1) or not (0)
 *
 * Answer: `<masks> <frames>`, each a comma separated list or `-`: the lights after every change, the frames sent, in hex. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/board.h"
#include "../core/hal.h"
#include "../core/programme.h"

static uint32_t ticks = UINT32_MAX - 2 * HAL_TICKS_HZ; /* the clock runs over soon */
static uint32_t millisecond_at = UINT32_MAX - 2 * HAL_TICKS_HZ + HAL_TICKS_HZ / 1000;
static bool stage_wanted;
static uint32_t stage_due;
static uint8_t burning;
static uint8_t shown_colour, shown_pattern;
static char masks[65536];
static char frames[1 << 20];

uint8_t hal_lock(void)
{
    return 0;
}

void hal_unlock(uint8_t state)
{
    (void)state;
}

void hal_lights(uint8_t mask)
{
    if (mask == burning)
        return;
    burning = mask;
    sprintf(masks + strlen(masks), "%s%u", *masks ? "," : "", mask);
}

void hal_dim(uint8_t mask, uint8_t level)
{
    (void)level;
    hal_lights(mask);
}

void hal_trigger(bool high)
{
    (void)high;
}

uint32_t hal_ticks(void)
{
    return ticks;
}

void hal_stage_at(uint32_t due)
{
    stage_wanted = true;
    stage_due = due;
}

void hal_wait_for(uint32_t due)
{
    (void)due;
}

bool hal_send(const uint8_t *wire, uint8_t size)
{
    char *at = frames + strlen(frames);
    if (*frames)
        *at++ = ',';
    for (uint8_t i = 0; i < size; i++)
        at += sprintf(at, "%02x", wire[i]);
    return true;
}

void hal_buzz(uint16_t frequency_hz, uint16_t duration_ms)
{
    (void)frequency_hz;
    (void)duration_ms;
}

void hal_indicate(uint8_t colour, uint8_t pattern)
{
    shown_colour = colour;
    shown_pattern = pattern;
}

void hal_measure(struct stats_reply *stats)
{
    stats->receive_overruns = 0;
    stats->stack_free_bytes = UINT16_MAX;
    stats->isr_latency_max_ticks = UINT16_MAX;
}

static void run_stages(void)
{
    while (stage_wanted && (int32_t)(ticks - stage_due) >= 0) {
        stage_wanted = false;
        programme_stage();
    }
}

static void settle(void)
{
    run_stages();
    board_advance();
    run_stages();
}

static void receive(const char *hex)
{
    char pair[3] = "";
    for (; hex[0] && hex[1]; hex += 2) {
        memcpy(pair, hex, 2);
        board_receive((uint8_t)strtoul(pair, NULL, 16));
    }
}

static void pass(unsigned long milliseconds)
{
    uint32_t end = ticks + (uint32_t)milliseconds * (HAL_TICKS_HZ / 1000);
    while (ticks != end) {
        uint32_t next = millisecond_at;
        if ((int32_t)(end - next) < 0)
            next = end;
        if (stage_wanted && (int32_t)(stage_due - next) < 0)
            next = stage_due;
        ticks = next;
        run_stages();
        if (ticks == millisecond_at) {
            millisecond_at += HAL_TICKS_HZ / 1000;
            board_millisecond();
        }
        settle();
    }
}

static bool obey(const char *line)
{
    char hex[4096];
    unsigned long first, second;
    if (sscanf(line, "R %4095s", hex) == 1)
        receive(hex);
    else if (sscanf(line, "T %lu", &first) == 1)
        pass(first);
    else if (sscanf(line, "B %lu %lu", &first, &second) == 2)
        board_button((uint8_t)first, (uint8_t)second);
    else if (sscanf(line, "C %lu", &first) == 1)
        board_card((uint8_t)first);
    else
        return false;
    settle();
    return true;
}

int main(void)
{
    static const struct birth birth = {RESET_CAUSE_POWER_ON, BOARD_FLAG_SIMULATED, BOARD_KIND_SOFTWARE, 77};
    char line[8192];
    board_start(&birth);
    while (fgets(line, sizeof line, stdin)) {
        masks[0] = frames[0] = 0;
        if (!obey(line)) {
            fprintf(stderr, "not understood: %s", line);
            return 1;
        }
        printf("%s %s %u/%u\n", *masks ? masks : "-", *frames ? frames : "-", shown_colour, shown_pattern);
        fflush(stdout);
    }
    return 0;
}
