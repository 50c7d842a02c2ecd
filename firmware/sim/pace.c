#include "pace.h"

#include <stdbool.h>

#include "lightlog.h"

static const int64_t FAR_BEHIND_NS = 2000000000;
static const int64_t STALLED_NS = 250000000; /* beyond that the chip would miss a short lease for our fault */

static double cycle_ns = 1e9 / CHIP_HZ;
static int64_t anchor_ns;
static uint64_t anchor_cycle;

void pace_detune(double parts_per_million)
{
    cycle_ns = 1e9 / CHIP_HZ / (1 + parts_per_million / 1e6);
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
    bool stalled = before_ns && now - before_ns > STALLED_NS && behind_ns > STALLED_NS;
    before_ns = now;
    if (stalled || behind_ns > FAR_BEHIND_NS) {
        lightlog_lost(behind_ns);
        pace_anchor(cycle);
    }
}
