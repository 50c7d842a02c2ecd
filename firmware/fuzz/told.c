#include "told.h"

#include <string.h>

#include "../core/faults.h"
#include "../core/programme.h"
#include "burning.h"
#include "law.h"
#include "machine.h"

static const uint32_t MAX_ON_US = MAX_ON_MAX_MS * 1000ul;

struct report {
    struct programme_step step;
    bool lit; /* seen at the pins, with its times */
    bool late;
    uint32_t on, trigger, off;
};

static struct {
    enum { NONE, LOADING, LOADED, ARMED, RUNNING } state;
    uint8_t count;
    uint16_t checksum;
    uint8_t stored;
    struct programme_step steps[STEPS_MAX];
} told;

static struct {
    uint8_t next; /* step whose light has not gone off yet */
    bool lit;
    bool triggered;
    bool late;
    bool unseen; /* a step was dark, and when it was is not known */
    uint32_t earliest;
    uint32_t on, trigger;
} run;

static struct report reports[EVENT_QUEUE];
static uint8_t reports_count;
static uint16_t completions;

void told_start(void)
{
    memset(&told, 0, sizeof told);
    told_session();
}

void told_session(void)
{
    told.state = NONE;
    reports_count = 0;
    completions = 0;
}

void told_disarm(void)
{
    if (told.state == ARMED || told.state == RUNNING)
        told.state = LOADED;
}

static uint32_t since(uint32_t ticks)
{
    return hal_ticks() - ticks;
}

static bool within(uint32_t value, uint32_t least, uint32_t most)
{
    return value >= least && value <= most;
}

/* --- upload -------------------------------------------------------------------------------------------------------- */

static void begin_upload(const struct programme_begin *begin)
{
    LAW(within(begin->count, 1, STEPS_MAX), "a programme has room for its steps");
    told.count = begin->count;
    told.checksum = begin->checksum;
    told.stored = 0;
    told.state = LOADING;
}

static void store(const struct programme_step *step)
{
    LAW(told.state == LOADING && told.stored < told.count, "steps are taken only while they are expected");
    LAW(step->index == told.stored, "steps are taken in order");
    told.steps[told.stored++] = *step;
}

static void end_upload(void)
{
    uint16_t crc = 0xFFFF;
    for (uint8_t i = 0; i < told.stored; i++)
        crc = codec_crc(crc, (const uint8_t *)&told.steps[i], sizeof told.steps[i]);
    LAW(told.state == LOADING && told.stored == told.count, "a programme is whole only with all its steps");
    LAW(crc == told.checksum, "a programme is whole only with its checksum");
    told.state = LOADED;
}

static void arm(void)
{
    LAW(told.state == LOADED || told.state == ARMED, "only a whole programme is armed");
    for (uint8_t i = 0; i < told.count; i++) {
        const struct programme_step *step = &told.steps[i];
        LAW(within(step->expose_us, EXPOSURE_MIN_US, MAX_ON_US), "an armed programme exposes within the limits");
        LAW(step->settle_us <= MAX_ON_US - step->expose_us, "an armed programme keeps no light on too long");
        LAW(within(step->gap_us, GAP_MIN_US, GAP_MAX_US), "an armed programme keeps its gaps within the limits");
    }
    told.state = ARMED;
}

static void begin_run(uint32_t earliest)
{
    LAW(told.state == ARMED, "only an armed programme runs");
    told.state = RUNNING;
    memset(&run, 0, sizeof run);
    run.earliest = earliest;
}

/* A stage may come before the answer that explains it. */
static void begin_if_ordered(void)
{
    const struct message *order = burning_ordered();
    if (told.state == RUNNING || !order)
        return;
    if (order->type == MSG_START)
        begin_run(hal_ticks() - SLACK_TICKS);
    else if (order->type == MSG_START_AT)
        begin_run(((const struct start_at *)order->payload)->at_ticks);
}

static void check_start_at(const struct start_at *order)
{
    LAW(order->at_ticks - hal_ticks() <= START_AHEAD_MAX_MS * TICKS_PER_MS, "a start lies ahead, and not too far");
}

void told_done(const struct message *command)
{
    const void *payload = command->payload;
    switch (command->type) {
    case MSG_PROGRAMME_BEGIN:
        begin_upload(payload);
        break;
    case MSG_PROGRAMME_STEP:
        store(payload);
        break;
    case MSG_PROGRAMME_END:
        end_upload();
        break;
    case MSG_ARM:
        arm();
        break;
    case MSG_START_AT:
        check_start_at(payload);
        begin_if_ordered();
        break;
    case MSG_START:
        begin_if_ordered();
        break;
    case MSG_OFF:
    case MSG_ABORT:
        told_disarm();
        break;
    default:
        break;
    }
}

/* --- reports ------------------------------------------------------------------------------------------------------- */

static void expect(struct report report)
{
    LAW(reports_count < EVENT_QUEUE, "no step begins that could not be reported");
    reports[reports_count++] = report;
}

static void pop(void)
{
    memmove(reports, reports + 1, --reports_count * sizeof *reports);
}

static bool is_of(const struct step_done *done, const struct report *report)
{
    return done->index == report->step.index && (!report->lit || done->on_ticks == report->on);
}

void told_reported(const struct step_done *done)
{
    LAW(reports_count && is_of(done, reports), "every step is reported once, in order, with the time its light went on");
    struct report report = reports[0];
    const struct programme_step *step = &report.step;
    pop();
    LAW(done->mask == step->mask, "a report names the lights that burned");
    LAW((done->flags & STEP_FLAG_TRIGGER) == (step->flags & STEP_FLAG_TRIGGER), "a report knows of the trigger");
    LAW(done->trigger_ticks - done->on_ticks >= step->settle_us * HAL_TICKS_PER_US, "a light settled as long as asked");
    LAW(done->off_ticks - done->trigger_ticks >= step->expose_us * HAL_TICKS_PER_US, "an exposure lasted as long as asked");
    LAW(!report.late || done->flags & STEP_FLAG_LATE, "a step that begins late says so");
    if (report.lit)
        LAW(done->off_ticks == report.off, "a report tells when the light went off");
    if (report.lit && step->flags & STEP_FLAG_TRIGGER)
        LAW(done->trigger_ticks == report.trigger, "a report tells when the trigger rose");
}

void told_completed(const struct programme_done *end)
{
    if (end->reason != END_REASON_COMPLETED)
        return;
    LAW(completions, "only what was completed is called so");
    completions--;
}

/* --- the run ------------------------------------------------------------------------------------------------------- */

/* Steps before this one have been done; of those that were lit we know. */
static void advance_to(uint8_t index)
{
    LAW(!run.lit || run.next == index, "no step begins before the last has ended");
    for (; run.next < index; run.next++) {
        struct report report = {told.steps[run.next], false, false, 0, 0, 0};
        LAW(report.step.mask == 0, "no step is left out");
        run.unseen = true;
        run.earliest += (report.step.settle_us + report.step.expose_us + report.step.gap_us) * HAL_TICKS_PER_US;
        expect(report);
    }
}

static const struct programme_step *step_now(void)
{
    begin_if_ordered();
    uint8_t index = programme_step();
    LAW(told.state == RUNNING, "a programme burns only while it runs");
    LAW(index < told.count, "only steps of the programme are run");
    advance_to(index);
    LAW(run.next == index, "no step is done twice");
    return &told.steps[index];
}

uint32_t told_on(uint8_t mask)
{
    const struct programme_step *step = step_now();
    LAW(mask == step->mask, "a step lights its own lights");
    LAW(!run.lit && since(run.earliest) < INT32_MAX, "a step begins after its gap, or at its time");
    run.lit = true;
    run.triggered = false;
    run.on = hal_ticks();
    run.late = !run.unseen && since(run.earliest) > SLACK_TICKS;
    return run.on + (step->settle_us + step->expose_us) * HAL_TICKS_PER_US + SLACK_TICKS;
}

void told_off(void)
{
    const struct programme_step *step = step_now();
    uint32_t burned = (step->settle_us + step->expose_us) * HAL_TICKS_PER_US;
    LAW(run.lit, "a step that ends has begun");
    LAW(within(since(run.on), burned, burned + SLACK_TICKS), "a light burns as long as its step says");
    LAW(run.triggered == (step->flags & STEP_FLAG_TRIGGER), "the camera is triggered where asked");
    struct report report = {*step, true, run.late, run.on, run.trigger, hal_ticks()};
    run.lit = false;
    run.earliest = hal_ticks() + step->gap_us * HAL_TICKS_PER_US;
    run.unseen = false;
    run.next++;
    expect(report);
}

void told_trigger(bool high)
{
    const struct programme_step *step = step_now();
    uint32_t settle = step->settle_us * HAL_TICKS_PER_US, expose = step->expose_us * HAL_TICKS_PER_US;
    if (!high) {
        LAW(within(since(run.trigger), expose, expose + SLACK_TICKS), "the trigger falls when the exposure ends");
        return;
    }
    LAW(step->flags & STEP_FLAG_TRIGGER, "the camera is triggered only where asked");
    LAW(!run.lit || within(since(run.on), settle, settle + SLACK_TICKS), "the trigger rises when the light has settled");
    run.trigger = hal_ticks();
    run.triggered = true;
}

void told_settled(void)
{
    bool runs = programme_state() == BOARD_STATE_RUNNING;
    if (runs)
        begin_if_ordered();
    LAW(!runs || told.state == RUNNING, "only what was started runs");
    if (runs && programme_step() != NO_STEP)
        advance_to(programme_step());
    if (runs || told.state != RUNNING)
        return;
    if (faults_latched() == FAULT_NONE) {
        advance_to(told.count);
        completions++;
    }
    told.state = LOADED;
}
