/* A session out of any bytes: what the host says, how the line spoils it, how time passes, what happens at the rig.
 * The watch beside the core decides whether all went by the protocol. See seeds.py for the script's words. */
#include <string.h>

#include "codec.h"
#include "law.h"
#include "machine.h"
#include "watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TICKS_OF_ONE_RUN = 40 * HAL_TICKS_HZ, STEPS_OF_ONE_WORD = 6 };

static const uint8_t *script;
static size_t left;
static uint8_t seq;
static uint8_t last[WIRE_MAX_BYTES];
static size_t last_size;
static uint32_t passed;

static uint8_t next(void)
{
    return left ? (left--, *script++) : 0;
}

static void pass(uint32_t ticks)
{
    uint32_t room = TICKS_OF_ONE_RUN - passed;
    ticks = ticks < room ? ticks : room;
    passed += ticks;
    machine_pass(ticks);
}

static void say(uint8_t type, const void *payload, uint8_t size)
{
    last_size = codec_encode(++seq, type, payload, size, last);
    machine_hear(last, last_size);
}

/* --- words of the script ------------------------------------------------------------------------------------------- */

static void greet(void)
{
    uint8_t session = next();
    struct hello hello = {PROTOCOL_MAJOR, PROTOCOL_MINOR, SCHEMA_HASH, session, (uint16_t)(next() * 256)};
    if (session == 0xFF)
        hello.schema_hash++;
    say(MSG_HELLO, &hello, sizeof hello);
}

/* A command, its payload as in the protocol. */
static void command(void)
{
    static const uint8_t sizes[MSG_INDICATOR + 1] = {
        [MSG_LIGHT] = sizeof(struct light),
        [MSG_LIGHTS] = sizeof(struct lights),
        [MSG_PROGRAMME_BEGIN] = sizeof(struct programme_begin),
        [MSG_PROGRAMME_STEP] = sizeof(struct programme_step),
        [MSG_BUZZER] = sizeof(struct buzzer),
        [MSG_INDICATOR] = sizeof(struct indicator),
    };
    uint8_t payload[PAYLOAD_MAX_BYTES];
    uint8_t type = next();
    uint8_t size = type <= MSG_INDICATOR ? sizes[type] : next() % (PAYLOAD_MAX_BYTES + 1);
    for (uint8_t i = 0; i < size; i++)
        payload[i] = next();
    say(type, payload, size);
}

static void start_at(void)
{
    struct start_at start = {hal_ticks() + (uint32_t)(int8_t)next() * (HAL_TICKS_HZ / 20)};
    say(MSG_START_AT, &start, sizeof start);
}

/* A whole programme with its checksum; what its steps ask for may be beyond the limits. */
static void programme(void)
{
    static const uint32_t settle_us[] = {0, 1, 1500, MAX_ON_MAX_MS * 1000ul};
    static const uint32_t expose_us[] = {50, 49, 51, 999, 1000, 3000, 70000, MAX_ON_MAX_MS * 1000ul};
    static const uint32_t gap_us[] = {200, 199, 201, 1000, 2500, 40000, GAP_MAX_US, GAP_MAX_US + 1};
    struct programme_step steps[STEPS_OF_ONE_WORD];
    uint8_t count = (uint8_t)(1 + next() % STEPS_OF_ONE_WORD);
    uint16_t crc = 0xFFFF;
    for (uint8_t i = 0; i < count; i++) {
        uint8_t mask = next(), times = next();
        steps[i] = (struct programme_step){i, mask, STEP_FLAG_TRIGGER, settle_us[times & 3], expose_us[times >> 2 & 7], gap_us[times >> 5]};
        steps[i].flags = times % 7 ? STEP_FLAG_TRIGGER : 0;
        crc = codec_crc(crc, (const uint8_t *)&steps[i], sizeof steps[i]);
    }
    struct programme_begin begin = {count, crc};
    say(MSG_PROGRAMME_BEGIN, &begin, sizeof begin);
    for (uint8_t i = 0; i < count; i++)
        say(MSG_PROGRAMME_STEP, &steps[i], sizeof steps[i]);
    say(MSG_PROGRAMME_END, NULL, 0);
}

/* 0: the event that waits; else this number. The command before stays the last one. */
static void acknowledge(void)
{
    uint8_t number = next();
    uint8_t wire[WIRE_MAX_BYTES];
    machine_hear(wire, codec_encode(number ? number : watch_unacknowledged(), MSG_ACK, NULL, 0, wire));
}

static void repeat_spoilt(void)
{
    uint8_t wire[WIRE_MAX_BYTES];
    uint8_t at = next(), by = next();
    memcpy(wire, last, last_size);
    if (last_size)
        wire[at % last_size] ^= by;
    machine_hear(wire, last_size);
}

static void noise(void)
{
    uint8_t bytes[WIRE_MAX_BYTES + 4];
    size_t size = next() % sizeof bytes;
    for (size_t i = 0; i < size; i++)
        bytes[i] = next();
    machine_hear(bytes, size);
}

static void panel(void)
{
    uint8_t what = next();
    if (what & 4)
        machine_card(what & 1);
    else
        machine_button(what >> 1 & 1, what & 1);
}

static void word(uint8_t which)
{
    switch (which) {
    case 0: greet(); break;
    case 1: command(); break;
    case 2: programme(); break;
    case 3: say(MSG_ARM, NULL, 0); say(MSG_START, NULL, 0); break;
    case 4: start_at(); break;
    case 5: acknowledge(); break;
    case 6: machine_hear(last, last_size); break;
    case 7: repeat_spoilt(); break;
    case 8: noise(); break;
    case 9: panel(); break;
    case 10: pass(next() * 25u); break;
    case 11: pass(next() * (TICKS_PER_MS / 2)); break;
    case 12: pass(next() * (64u * TICKS_PER_MS)); break;
    case 13: machine_fill(next() & 7); break;
    case 14: machine_jitter(next()); break;
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    script = data;
    left = size;
    seq = 0;
    last_size = 0;
    passed = 0;
    watch_start();
    machine_start();
    while (left)
        word(next() % 15);
    machine_jitter(0);
    for (uint32_t waited_ms = 0; !watch_idle(); waited_ms += 64) {
        LAW(waited_ms < LEASE_MAX_MS + MAX_ON_MAX_MS, "in the end, all is dark");
        machine_pass(64 * TICKS_PER_MS);
    }
    return 0;
}
