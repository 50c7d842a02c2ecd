#include "events.h"

#include <string.h>

#include "frame.h"
#include "hal.h"

struct event {
    uint8_t number;
    uint8_t type;
    uint8_t size;
    uint8_t payload[sizeof(struct step_done)]; /* the longest */
};

static struct event queue[EVENT_QUEUE];
static volatile uint8_t first;
static volatile uint8_t waiting;
static uint8_t next_number = 1;
static volatile uint8_t repeat_in_ms; /* 0: now */
static bool sent_before;
static uint16_t repeated;
static volatile uint16_t lost;

void events_restart(void)
{
    uint8_t state = hal_lock();
    waiting = 0;
    next_number = 1;
    repeat_in_ms = 0;
    sent_before = false;
    hal_unlock(state);
}

/* Around the ring, and without a division: it would keep interrupts waiting. */
static uint8_t place(uint8_t at)
{
    return at < EVENT_QUEUE ? at : (uint8_t)(at - EVENT_QUEUE);
}

bool events_have_room(void)
{
    return waiting < EVENT_QUEUE - EVENT_RESERVE - PANEL_RESERVE;
}

uint8_t events_waiting(void)
{
    return waiting;
}

void events_push(uint8_t type, const void *payload, uint8_t size, bool reserved)
{
    uint8_t state = hal_lock();
    if (waiting < (reserved ? EVENT_QUEUE : EVENT_QUEUE - EVENT_RESERVE)) {
        struct event *event = &queue[place((uint8_t)(first + waiting))];
        event->number = next_number;
        event->type = type;
        event->size = size;
        memcpy(event->payload, payload, size);
        next_number = next_number == UINT8_MAX ? 1 : (uint8_t)(next_number + 1);
        waiting++;
    } else if (lost != UINT16_MAX) {
        lost++;
    }
    hal_unlock(state);
}

void events_acknowledge(uint8_t number)
{
    uint8_t state = hal_lock();
    if (waiting && sent_before && queue[first].number == number) { /* what was never sent cannot have arrived */
        first = place((uint8_t)(first + 1));
        waiting--;
        repeat_in_ms = 0;
        sent_before = false;
    }
    hal_unlock(state);
}

void events_millisecond(void)
{
    if (repeat_in_ms)
        repeat_in_ms--;
}

void events_send(void)
{
    if (!waiting || repeat_in_ms)
        return;
    /* Only this side removes events, and only from the front: the oldest stays as it is while it is encoded. */
    const struct event *event = &queue[first];
    uint8_t wire[sizeof event->payload + 6];
    uint8_t size = frame_encode(event->number, event->type, event->payload, event->size, wire);
    if (!hal_send(wire, size))
        return;
    if (sent_before && repeated != UINT16_MAX)
        repeated++;
    sent_before = true;
    repeat_in_ms = EVENT_REPEAT_MS;
}

uint16_t events_repeated(void)
{
    return repeated;
}

uint16_t events_lost(void)
{
    uint8_t state = hal_lock();
    uint16_t count = lost;
    hal_unlock(state);
    return count;
}

void events_reset(void)
{
    first = 0;
    repeated = 0;
    lost = 0;
    events_restart();
}
