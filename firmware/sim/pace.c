#include "pace.h"

#include <stdbool.h>

#include "lightlog.h"

static int64_t far_behind_ns = 2000000000;
static int64_t stalled_ns = 250000000; /* beyond that the chip would miss a short lease for our fault */

static double cycle_ns = 1e9 / CHIP_HZ;
static int64_t anchor_ns;
static uint64_t anchor_cycle;

void pace_detune(double parts_per_million)
{
    cycle_ns = 1e9 / CHIP_HZ / (1 + parts_per_million / 1e6);
}

void pace_catch_up(double milliseconds)
{
    stalled_ns = (int64_t)(milliseconds * 1e6);
    if (far_behind_ns < stalled_ns)
        far_behind_ns = stalled_ns;
}

void pace_anchor(uint64_t cycle)
{
    anchor_ns = now_ns();
    anchor_cycle = cycle;
}

int64_t pace_due_ns(uint64_t cycle)
{
    return anchor_ns + (int64_t)((double)(int64_t)(cycle - anchor_cycle) * cycle_ns);
}

uint64_t pace_cycle(void)
{
    return anchor_cycle + (uint64_t)((double)(now_ns() - anchor_ns) / cycle_ns);
}

void pace_forgive(uint64_t cycle)
{
    static int64_t before_ns;
    int64_t now = now_ns(), behind_ns = now - pace_due_ns(cycle);
    bool stalled = before_ns && now - before_ns > stalled_ns && behind_ns > stalled_ns;
    before_ns = now;
    if (stalled || behind_ns > far_behind_ns) {
        lightlog_lost(behind_ns);
        pace_anchor(cycle);
    }
}
