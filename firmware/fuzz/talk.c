/* The half of the watch that listens to the line: every command is answered once, every event is told once, and each answer is
 * one that may be given. */
#include <string.h>

#include "../core/faults.h"
#include "burning.h"
#include "law.h"
#include "machine.h"
#include "told.h"
#include "watch.h"

enum { REPLIES_FROM = 0x40, EVENTS_FROM = 0x80, NO_SUCH = -1, ANY = -2, HEAT_SLACK_MS = 3 };

/* From the host. */
static uint8_t pending[2 * WIRE_MAX_BYTES];
static size_t pending_size;
static uint16_t session;

/* The command in hand, and its answer. */
static struct message command;
static bool in_hand;
static bool repetition;
static uint8_t answers;
static uint32_t lights_before;
static uint32_t taken_at;

/* The last command that was answered. */
static struct {
    bool valid;
    uint8_t seq;
    uint16_t crc;
    uint8_t size;
    uint8_t wire[WIRE_MAX_BYTES];
} kept;

/* The event on its way. */
static struct {
    bool known;
    bool sent;
    uint8_t number; /* of this one, or of the next */
    uint8_t size;
    uint8_t wire[WIRE_MAX_BYTES];
} event;

static void restart_events(void)
{
    event.known = event.sent = false;
    event.number = 1;
}

void watch_start(void)
{
    pending_size = 0;
    session = 0;
    in_hand = false;
    kept.valid = false;
    restart_events();
    burning_start();
}

/* --- from the host ------------------------------------------------------------------------------------------------- */

static int length_of(uint8_t type)
{
    static const uint8_t lengths[] = {
        [MSG_HELLO] = sizeof(struct hello),
        [MSG_LIGHT] = sizeof(struct light),
        [MSG_LIGHTS] = sizeof(struct lights),
        [MSG_START_AT] = sizeof(struct start_at),
        [MSG_PROGRAMME_BEGIN] = sizeof(struct programme_begin),
        [MSG_PROGRAMME_STEP] = sizeof(struct programme_step),
        [MSG_BUZZER] = sizeof(struct buzzer),
        [MSG_INDICATOR] = sizeof(struct indicator),
    };
    if (type == MSG_ACK)
        return 0;
    return type >= MSG_HELLO && type <= MSG_INDICATOR ? lengths[type] : NO_SUCH;
}

static bool foreign(const struct message *message)
{
    const struct prefix *prefix = (const void *)message->payload;
    return message->type == MSG_HELLO && message->size >= sizeof *prefix
           && (prefix->major != PROTOCOL_MAJOR || prefix->schema_hash != SCHEMA_HASH);
}

static void next_event(void)
{
    event.known = event.sent = false;
    event.number = event.number == UINT8_MAX ? 1 : (uint8_t)(event.number + 1);
}

static void acknowledged(uint8_t number)
{
    if (event.sent && number == event.number)
        next_event();
}

static void take(const struct message *message)
{
    int length = length_of(message->type);
    if (message->type >= REPLIES_FROM)
        return;
    if (length != NO_SUCH && length != message->size && !foreign(message))
        return;
    burning_lease();
    if (message->type == MSG_ACK) {
        acknowledged(message->seq);
        return;
    }
    command = *message;
    in_hand = true;
    repetition = kept.valid && message->seq == kept.seq && message->crc == kept.crc;
    answers = 0;
    lights_before = burning_commanded();
    taken_at = hal_ticks();
    burning_order(repetition ? NULL : &command);
}

void watch_heard(uint8_t byte)
{
    struct message message;
    if (byte) {
        pending[pending_size] = byte;
        pending_size += pending_size < sizeof pending - 1;
        return;
    }
    if (codec_decode(pending, pending_size, &message))
        take(&message);
    pending_size = 0;
}

void watch_answered(void)
{
    if (!in_hand)
        return;
    LAW(answers == 1, "every command is answered exactly once");
    in_hand = false;
    burning_order(NULL);
}

/* --- answers ------------------------------------------------------------------------------------------------------- */

static int reply_length(uint8_t type)
{
    switch (type) {
    case MSG_OK:
        return 0;
    case MSG_HELLO_REPLY:
        return sizeof(struct hello_reply);
    case MSG_PONG:
        return sizeof(struct pong);
    case MSG_STATUS_REPLY:
        return sizeof(struct status_reply);
    case MSG_ERRORS_REPLY:
        return ANY;
    case MSG_STATS_REPLY:
        return sizeof(struct stats_reply);
    case MSG_REFUSED:
        return sizeof(struct refused);
    default:
        return NO_SUCH;
    }
}

static uint8_t reply_of(uint8_t type)
{
    switch (type) {
    case MSG_HELLO:
        return MSG_HELLO_REPLY;
    case MSG_PING:
        return MSG_PONG;
    case MSG_STATUS:
        return MSG_STATUS_REPLY;
    case MSG_ERRORS:
        return MSG_ERRORS_REPLY;
    case MSG_STATS:
        return MSG_STATS_REPLY;
    default:
        return MSG_OK;
    }
}

/* Commands that change what burns, or will; the others are served in a fault and during a run, too. */
static bool moving(uint8_t type)
{
    switch (type) {
    case MSG_LIGHT:
    case MSG_LIGHTS:
    case MSG_PROGRAMME_BEGIN:
    case MSG_PROGRAMME_STEP:
    case MSG_PROGRAMME_END:
    case MSG_ARM:
    case MSG_START:
    case MSG_START_AT:
        return true;
    default:
        return false;
    }
}

static void greeted(const struct hello *hello, const struct hello_reply *reply)
{
    LAW(reply->session == hello->session, "a greeting is answered with its session");
    LAW(reply->fault == faults_latched(), "a greeting tells of the fault");
    if (foreign(&command))
        return;
    LAW(hello->session, "zero is no session");
    if (hello->session == session)
        return;
    uint16_t lease_ms = hello->lease_ms < LEASE_MIN_MS ? LEASE_MIN_MS : hello->lease_ms;
    LAW(reply->lease_ms == (lease_ms > LEASE_MAX_MS ? LEASE_MAX_MS : lease_ms), "a lease is granted within its limits");
    session = hello->session;
    kept.valid = false;
    restart_events();
    burning_session(reply->lease_ms);
}

static void obeyed(void)
{
    LAW(session || command.type == MSG_OFF, "nothing but off is done without a session");
    if (moving(command.type))
        LAW(faults_latched() == FAULT_NONE, "nothing moves while a fault is latched");
    if (command.type == MSG_LIGHTS)
        LAW(((const struct lights *)(const void *)command.payload)->level, "lights without brightness are refused");
    if (command.type == MSG_LIGHT || command.type == MSG_LIGHTS)
        burning_lit();
    if (command.type == MSG_OFF || command.type == MSG_ABORT || command.type == MSG_ARM)
        burning_dark();
    if (command.type == MSG_CLEAR)
        LAW(faults_latched() == FAULT_NONE, "what is cleared is clear");
    told_done(&command);
}

static void described(const struct status_reply *status)
{
    LAW(burning_was(status->mask, status->ticks), "a status tells what burns");
    LAW(status->fault == faults_latched(), "a status tells of the fault");
    LAW((status->state == BOARD_STATE_FAULT) == (status->fault != FAULT_NONE), "a fault is a state");
    uint32_t hottest_ms = burning_hottest_ms();
    LAW(status->heat_ms <= hottest_ms + HEAT_SLACK_MS && hottest_ms <= status->heat_ms + HEAT_SLACK_MS, "a status tells how hot it is");
    LAW(hal_ticks() - status->ticks <= hal_ticks() - taken_at, "a status is of now");
}

static void check_answer(const struct message *reply)
{
    const void *payload = reply->payload;
    LAW(reply->type == reply_of(command.type) || reply->type == MSG_REFUSED, "each command has its kind of answer");
    switch (reply->type) {
    case MSG_REFUSED:
        LAW(((const struct refused *)payload)->reason, "a refusal has a reason");
        LAW(burning_commanded() == lights_before, "what was refused has changed no light");
        break;
    case MSG_HELLO_REPLY:
        greeted((const void *)command.payload, payload);
        break;
    case MSG_PONG:
        LAW(hal_ticks() - ((const struct pong *)payload)->ticks <= hal_ticks() - taken_at, "a pong is of now");
        break;
    case MSG_STATUS_REPLY:
        described(payload);
        break;
    case MSG_OK:
        obeyed();
        break;
    default:
        break;
    }
}

static void answered(const struct message *reply, const uint8_t *wire, uint8_t size)
{
    LAW(in_hand && answers++ == 0, "nothing is answered that was not asked, and nothing twice");
    LAW(reply->seq == command.seq, "an answer has the number of its command");
    if (repetition) {
        LAW(size == kept.size && !memcmp(wire, kept.wire, size), "a repetition gets the same answer again");
        LAW(burning_commanded() == lights_before, "a repetition is not carried out again");
        return;
    }
    check_answer(reply);
    if (command.type == MSG_HELLO)
        return;
    kept.valid = true;
    kept.seq = command.seq;
    kept.crc = command.crc;
    kept.size = size;
    memcpy(kept.wire, wire, size);
}

/* --- events -------------------------------------------------------------------------------------------------------- */

uint8_t watch_unacknowledged(void)
{
    return event.sent ? event.number : 0;
}

static void told_once(const struct message *message)
{
    const void *payload = message->payload;
    switch (message->type) {
    case MSG_STEP_DONE:
        LAW(message->size == sizeof(struct step_done), "an event has its length");
        told_reported(payload);
        break;
    case MSG_PROGRAMME_DONE:
        LAW(message->size == sizeof(struct programme_done), "an event has its length");
        told_completed(payload);
        break;
    case MSG_FAULT_RAISED:
    case MSG_BUTTON:
    case MSG_CARD:
        break;
    default:
        LAW(false, "there is no such event");
    }
}

static void reported(const struct message *message, const uint8_t *wire, uint8_t size)
{
    LAW(session && burning_within_lease(), "events are told only to who listens");
    LAW(message->seq == event.number, "events are numbered without a gap, and one waits for the other");
    if (event.known) {
        LAW(size == event.size && !memcmp(wire, event.wire, size), "an event is repeated as it was");
        return;
    }
    event.known = true;
    event.size = size;
    memcpy(event.wire, wire, size);
    told_once(message);
}

void watch_sent(const uint8_t *wire, uint8_t size, bool room)
{
    struct message message;
    LAW(size >= 2 && size <= WIRE_MAX_BYTES && wire[size - 1] == 0, "a frame ends with a zero");
    LAW(!memchr(wire, 0, size - 1u), "a frame has no zero inside");
    LAW(codec_decode(wire, size - 1u, &message), "what is sent can be read");
    if (message.type >= EVENTS_FROM) {
        reported(&message, wire, size);
        event.sent |= room;
        return;
    }
    int length = reply_length(message.type);
    LAW(length == ANY || length == message.size, "an answer has its length");
    answered(&message, wire, size);
}

void watch_settled(void)
{
    burning_settled();
}
