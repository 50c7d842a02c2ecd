#include "board.h"

#include <stdbool.h>
#include <string.h>

#include "command_table.h"
#include "commands.h"
#include "events.h"
#include "faults.h"
#include "frame.h"
#include "hal.h"
#include "heat.h"
#include "indicator.h"
#include "lights.h"
#include "programme.h"
#include "version.h"

#define REPLIES_BEGIN 0x40u /* message ids from here on are the board's own */

static struct birth born;
static volatile uint16_t session; /* 0: none */
static uint16_t lease_ms;
static volatile uint16_t lease_left_ms;

/* The last command's answer, for its repetitions. Greetings are not kept. */
static uint8_t kept[WIRE_MAX_BYTES];
static uint8_t kept_size;
static uint8_t kept_seq;
static uint16_t kept_crc;
static uint16_t repeated;

void board_start(const struct birth *birth)
{
    born = *birth;
    session = 0;
    lease_ms = 0;
    lease_left_ms = 0;
    kept_size = 0;
    repeated = 0;
    frame_reset();
    events_reset();
    faults_reset();
    programme_forget();
    commands_reset();
    heat_reset();
    lights_off();
    indicator_reset();
}

/* --- time and faults ------------------------------------------------------------------------------------------ */

static void quench(void)
{
    programme_stop();
    lights_off();
}

void board_fail(uint8_t fault)
{
    uint8_t state = hal_lock();
    struct fault_raised raised = {fault, programme_step(), hal_ticks()};
    quench();
    faults_latch(raised.fault, raised.step, raised.ticks);
    if (session)
        events_push(MSG_FAULT_RAISED, &raised, sizeof raised, true);
    hal_unlock(state);
}

static bool needs_host(void)
{
    uint8_t state = programme_state();
    return lights_burning() || state == BOARD_STATE_ARMED || state == BOARD_STATE_RUNNING;
}

void board_millisecond(void)
{
    events_millisecond();
    if (lights_millisecond())
        board_fail(FAULT_MAX_ON_EXPIRED);
    if (lease_left_ms && --lease_left_ms == 0) {
        indicator_hide(); /* nobody stands by what it says any more */
        if (needs_host())
            board_fail(FAULT_LEASE_EXPIRED);
    }
}

/* `familiar`: from the host whose session this is; a greeting may come from another one. */
static void hear(bool familiar)
{
    uint8_t state = hal_lock();
    lease_left_ms = lease_ms ? (uint16_t)(lease_ms + 1u) : 0; /* the millisecond under way does not count */
    if (familiar)
        indicator_show();
    hal_unlock(state);
}

static bool somebody_listens(void)
{
    uint8_t state = hal_lock();
    bool listens = session && lease_left_ms;
    hal_unlock(state);
    return listens;
}

/* --- greeting --------------------------------------------------------------------------------------------------- */

static void open_session(const struct hello *hello)
{
    uint16_t asked = hello->lease_ms < LEASE_MIN_MS ? LEASE_MIN_MS : hello->lease_ms;
    uint8_t state = hal_lock();
    quench();
    programme_forget();
    events_restart();
    indicator_reset();
    kept_size = 0;
    lease_ms = asked > LEASE_MAX_MS ? LEASE_MAX_MS : asked;
    session = hello->session;
    hear(true);
    hal_unlock(state);
}

static uint8_t introduce(uint16_t greeted, void *payload)
{
    struct hello_reply reply = {
        .major = PROTOCOL_MAJOR,
        .minor = PROTOCOL_MINOR,
        .schema_hash = SCHEMA_HASH,
        .session = greeted,
        .firmware_major = FIRMWARE_MAJOR,
        .firmware_minor = FIRMWARE_MINOR,
        .firmware_patch = FIRMWARE_PATCH,
        .git = GIT,
        .board = born.kind,
        .flags = born.flags,
        .light_count = HAL_LIGHTS,
        .button_count = HAL_BUTTONS,
        .reset_cause = born.reset_cause,
        .boot_nonce = born.boot_nonce,
        .ticks_hz = HAL_TICKS_HZ,
        .lease_ms = lease_ms,
        .max_on_max_ms = MAX_ON_MAX_MS,
        .lights_at_once = HAL_LIGHTS,
        .steps_max = STEPS_MAX,
        .gap_min_us = GAP_MIN_US,
        .gap_max_us = GAP_MAX_US,
        .exposure_min_us = EXPOSURE_MIN_US,
        .fault = faults_latched(),
    };
    memcpy(payload, &reply, sizeof reply);
    return sizeof reply;
}

static bool foreign(const struct frame *frame)
{
    const struct prefix *prefix = (const struct prefix *)frame->payload;
    return frame->type == MSG_HELLO && frame->size >= sizeof *prefix
           && (prefix->major != PROTOCOL_MAJOR || prefix->schema_hash != SCHEMA_HASH);
}

static struct answer greet(const struct frame *frame, uint8_t *payload)
{
    const struct hello *hello = (const struct hello *)frame->payload;
    if (!foreign(frame)) {
        if (hello->session == 0)
            return refuse(REFUSAL_BAD_VALUE, payload);
        if (hello->session != session)
            open_session(hello);
    }
    struct answer answer = {MSG_HELLO_REPLY, introduce(hello->session, payload)};
    return answer;
}

/* --- frames ------------------------------------------------------------------------------------------------------- */

static struct answer answer(const struct frame *frame, uint8_t *payload)
{
    if (frame->type == MSG_HELLO)
        return greet(frame, payload);
    if (!command_known(frame->type))
        return refuse(REFUSAL_UNKNOWN_COMMAND, payload);
    if (frame->type == MSG_OFF)
        return command_obey(frame, payload);
    if (!session)
        return refuse(REFUSAL_NO_SESSION, payload);
    if (!command_harmless(frame->type)) {
        if (faults_latched() != FAULT_NONE)
            return refuse(REFUSAL_FAULT_LATCHED, payload);
        if (programme_state() == BOARD_STATE_RUNNING)
            return refuse(REFUSAL_BUSY, payload);
    }
    if (frame->type == MSG_PING) {
        struct pong pong = {hal_ticks(), born.boot_nonce};
        memcpy(payload, &pong, sizeof pong);
        struct answer alive = {MSG_PONG, sizeof pong};
        return alive;
    }
    if (frame->type == MSG_STATS)
        return command_stats(repeated, payload);
    return command_obey(frame, payload);
}

static bool is_repetition(const struct frame *frame)
{
    return kept_size && frame->seq == kept_seq && frame->crc == kept_crc;
}

static void reply(const struct frame *frame)
{
    uint8_t payload[PAYLOAD_MAX_BYTES];
    uint8_t wire[WIRE_MAX_BYTES];
    uint8_t seq = frame->seq;
    uint8_t type = frame->type;
    uint16_t crc = frame->crc;
    struct answer given = answer(frame, payload);
    uint8_t size = frame_encode(seq, given.type, payload, given.size, wire);
    if (type != MSG_HELLO) {
        memcpy(kept, wire, size);
        kept_size = size;
        kept_seq = seq;
        kept_crc = crc;
    }
    hal_send(wire, size);
}

static void take(const struct frame *frame)
{
    if (frame->type >= REPLIES_BEGIN)
        return; /* an echo of our own */
    if (!command_has_its_length(frame->type, frame->size) && !foreign(frame)) {
        frame_disown();
        return;
    }
    hear(frame->type != MSG_HELLO);
    if (frame->type == MSG_ACK) {
        events_acknowledge(frame->seq);
        programme_go_on();
    } else if (is_repetition(frame)) {
        if (repeated != UINT16_MAX)
            repeated++;
        hal_send(kept, kept_size);
    } else {
        reply(frame);
    }
}

void board_receive(uint8_t byte)
{
    struct frame frame;
    if (frame_receive(byte, &frame))
        take(&frame);
}

void board_advance(void)
{
    if (heat_advance())
        board_fail(FAULT_TOO_HOT);
    if (somebody_listens())
        events_send();
}

void board_button(uint8_t button, uint8_t pressed)
{
    struct button event = {button, pressed, hal_ticks()};
    commands_note_button(button, pressed);
    if (session)
        events_push(MSG_BUTTON, &event, sizeof event, false);
}

void board_card(uint8_t present)
{
    struct card event = {present, hal_ticks()};
    commands_note_card(present);
    if (session)
        events_push(MSG_CARD, &event, sizeof event, false);
}
