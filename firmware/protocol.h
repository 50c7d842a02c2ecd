/* Generated from firmware/protocol.toml by firmware/generate.py; do not edit. */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdint.h>

#define PROTOCOL_MAJOR 1
#define PROTOCOL_MINOR 0
#define SCHEMA_HASH 0x6517B905UL
#define PROTOCOL_BAUD 250000UL

#define FRAME_MAX_BYTES 64u /* seq, type, payload and crc, before stuffing */
#define PAYLOAD_MAX_BYTES 60u /* frame_max_bytes less seq, type and crc */
#define WIRE_MAX_BYTES 66u /* a stuffed frame with its closing zero */
#define LIGHTS_MAX 8u /* lights have one byte of mask */
#define STEPS_MAX 32u /* steps of an exposure programme */
#define LEASE_MIN_MS 300u /* shortest host lease a board grants */
#define LEASE_MAX_MS 60000u /* longest host lease a board grants */
#define MAX_ON_MAX_MS 10000u /* longest time one command or step may keep a light burning */
#define GAP_MIN_US 200u /* shortest darkness between two steps */
#define GAP_MAX_US 10000000UL /* longest darkness between two steps */
#define EXPOSURE_MIN_US 50u /* shortest exposure of a step */
#define BUZZER_MAX_MS 2000u /* longest beep */
#define REPLY_TIMEOUT_MS 100u /* the host repeats a command after this long without a reply */
#define TRIES_MAX 10u /* times a command is sent before the host gives up */
#define EVENT_REPEAT_MS 50u /* the board repeats an unacknowledged event after this long */
#define EVENT_QUEUE 14u /* events a board holds */
#define EVENT_RESERVE 3u /* places of the queue that only programmes and faults may take */
#define PANEL_RESERVE 6u /* places of the queue that no step is begun for: buttons and the card sensor find room while reports wait */
#define ERRORS_KEPT 8u /* faults a board remembers */
#define WATCHDOG_MS 250u /* a board that hangs is reset after about this long */
#define START_AHEAD_MAX_MS 5000u /* how far ahead `StartAt` may lie */
#define PWM_LEVELS 16u /* steps of brightness a board really has; never used in a scan */
#define HEAT_MAX_MS 15000u /* interlock of the duty cycle: a light's heat grows by one for each millisecond it burns and shrinks by one in darkness; at this it goes off */
#define NO_STEP 255u /* stands where no step of a programme was running */

/* What went wrong on the board. All lights are off; latched until `Clear`. */
#define FAULT_NONE 0u /* no fault */
#define FAULT_LEASE_EXPIRED 1u /* nothing was heard from the station for longer than the host lease */
#define FAULT_MAX_ON_EXPIRED 2u /* a light burned for its maximum on-time and was switched off */
#define FAULT_INTERNAL 3u /* the board found its own state damaged */
#define FAULT_TOO_HOT 4u /* a light burned more than its duty cycle allows */

/* Why the board started, as far as it knows. */
#define RESET_CAUSE_UNKNOWN 0u /* unknown */
#define RESET_CAUSE_POWER_ON 1u /* power on */
#define RESET_CAUSE_EXTERNAL 2u /* reset line */
#define RESET_CAUSE_BROWN_OUT 3u /* supply voltage too low */
#define RESET_CAUSE_WATCHDOG 4u /* watchdog: the firmware hung */

/* What the board is. */
#define BOARD_KIND_SOFTWARE 1u /* software board */
#define BOARD_KIND_ATMEGA328P 2u /* ATmega328P */

/* What the board is doing. */
#define BOARD_STATE_IDLE 0u /* idle */
#define BOARD_STATE_LOADING 1u /* receiving a programme */
#define BOARD_STATE_LOADED 2u /* programme loaded */
#define BOARD_STATE_ARMED 3u /* armed */
#define BOARD_STATE_RUNNING 4u /* programme running */
#define BOARD_STATE_FAULT 5u /* fault */

/* Why a command was not carried out. Nothing has changed on the board. */
#define REFUSAL_UNKNOWN_COMMAND 1u /* the board does not know this command */
#define REFUSAL_NO_SESSION 2u /* the board knows of no session; it has restarted */
#define REFUSAL_BUSY 3u /* an exposure programme is running */
#define REFUSAL_FAULT_LATCHED 4u /* a fault is latched and must be cleared first */
#define REFUSAL_BAD_LIGHT 5u /* the board has no such light */
#define REFUSAL_BAD_DURATION 6u /* the duration is outside the board's limits */
#define REFUSAL_BAD_STEP 7u /* the step is out of turn or outside the programme */
#define REFUSAL_BAD_CHECKSUM 8u /* the programme's checksum does not match */
#define REFUSAL_NO_PROGRAMME 9u /* no exposure programme is loaded */
#define REFUSAL_NOT_ARMED 10u /* the programme is not armed */
#define REFUSAL_BAD_VALUE 11u /* a value has no meaning */
#define REFUSAL_BAD_TIME 12u /* the moment to start has passed or lies too far ahead */
#define REFUSAL_TOO_HOT 13u /* a light must cool down first: its duty cycle would be exceeded */

/* How an exposure programme ended. */
#define END_REASON_COMPLETED 0u /* completed */
#define END_REASON_ABORTED 1u /* aborted */

/* How the status LED and the two-coloured indicator shine. */
#define PATTERN_OFF 0u /* off */
#define PATTERN_ON 1u /* on */
#define PATTERN_SLOW 2u /* blinking slowly */
#define PATTERN_FAST 3u /* blinking fast */

/* What the two-coloured indicator shows to its operator; bit 0 is its green LED, bit 1 its red one. */
#define COLOUR_OFF 0u /* off */
#define COLOUR_GREEN 1u /* green */
#define COLOUR_RED 2u /* red */
#define COLOUR_AMBER 3u /* amber */

/* Bits of `HelloReply.flags`. */
#define BOARD_FLAG_SIMULATED 1u /* no real light burns */

/* Bits of `Light.flags` and `Lights.flags`. */
#define LIGHT_FLAG_TIMED 1u /* going off after `max_on_ms` is what is wanted, not a fault */

/* Bits of `ProgrammeStep.flags` and `StepDone.flags`. */
#define STEP_FLAG_TRIGGER 1u /* the camera is triggered (and was) */
#define STEP_FLAG_LATE 2u /* report only: the step began late, because the report of an earlier one was not yet acknowledged */

/* Message types. */
#define MSG_HELLO 0x01u
#define MSG_PING 0x02u
#define MSG_STATUS 0x03u
#define MSG_LIGHT 0x04u
#define MSG_LIGHTS 0x05u
#define MSG_OFF 0x06u
#define MSG_START_AT 0x07u
#define MSG_PROGRAMME_BEGIN 0x08u
#define MSG_PROGRAMME_STEP 0x09u
#define MSG_PROGRAMME_END 0x0Au
#define MSG_ARM 0x0Bu
#define MSG_START 0x0Cu
#define MSG_ABORT 0x0Du
#define MSG_CLEAR 0x0Eu
#define MSG_ERRORS 0x0Fu
#define MSG_STATS 0x10u
#define MSG_BUZZER 0x11u
#define MSG_INDICATOR 0x12u
#define MSG_ACK 0x1Fu
#define MSG_OK 0x40u
#define MSG_HELLO_REPLY 0x41u
#define MSG_PONG 0x42u
#define MSG_STATUS_REPLY 0x43u
#define MSG_ERRORS_REPLY 0x44u
#define MSG_STATS_REPLY 0x45u
#define MSG_REFUSED 0x7Fu
#define MSG_STEP_DONE 0x80u
#define MSG_PROGRAMME_DONE 0x81u
#define MSG_FAULT_RAISED 0x82u
#define MSG_BUTTON 0x83u
#define MSG_CARD 0x84u

/* Payloads, little endian as they lie in memory on the boards this is built for. */

struct __attribute__((packed)) prefix {
    uint8_t major; /* protocol version; a different one is refused */
    uint8_t minor; /* protocol version, for people */
    uint32_t schema_hash; /* hash of this file; a different one is refused */
    uint16_t session; /* drawn by the host, echoed by the board */
};

struct __attribute__((packed)) error_entry {
    uint8_t fault; /* what */
    uint8_t step; /* step of the programme, or no_step */
    uint32_t ticks; /* when */
};

struct __attribute__((packed)) hello {
    uint8_t major; /* protocol version of the host */
    uint8_t minor; /* protocol version of the host */
    uint32_t schema_hash; /* schema hash of the host */
    uint16_t session; /* any number but 0 and the last session's */
    uint16_t lease_ms; /* host lease asked for; the board may grant less, see the reply */
};

struct __attribute__((packed)) light {
    uint8_t light; /* 0-based */
    uint8_t flags; /* LightFlag */
    uint16_t max_on_ms; /* off by itself after this long; 1 up to the board's limit */
};

struct __attribute__((packed)) lights {
    uint8_t mask; /* bit k is light k; 0 is refused, that is what `Off` is for */
    uint8_t level; /* brightness as a share of 255, rounded up to the next of pwm_levels; 255: without dimming, 0 is refused */
    uint8_t flags; /* LightFlag */
    uint16_t max_on_ms; /* off by themselves after this long; 1 up to the board's limit */
};

struct __attribute__((packed)) start_at {
    uint32_t at_ticks; /* of the board's clock */
};

struct __attribute__((packed)) programme_begin {
    uint8_t count; /* steps to come, 1 up to steps_max */
    uint16_t checksum; /* CRC-16/CCITT-FALSE over the payloads of all `ProgrammeStep`, in order */
};

struct __attribute__((packed)) programme_step {
    uint8_t index; /* 0, 1, 2, ... in order */
    uint8_t mask; /* lights of this step; 0 is darkness (the ambient frame) */
    uint8_t flags; /* StepFlag */
    uint32_t settle_us; /* from lights on to trigger */
    uint32_t expose_us; /* from trigger to lights off */
    uint32_t gap_us; /* darkness before the next step; gap_min_us up to gap_max_us */
};

struct __attribute__((packed)) buzzer {
    uint16_t frequency_hz; /* 100 to 10000 */
    uint16_t duration_ms; /* 1 up to buzzer_max_ms */
};

struct __attribute__((packed)) indicator {
    uint8_t pattern; /* how both shine from now on */
    uint8_t colour; /* of the indicator */
};

struct __attribute__((packed)) hello_reply {
    uint8_t major; /* protocol version of the board */
    uint8_t minor; /* protocol version of the board */
    uint32_t schema_hash; /* schema hash of the board */
    uint16_t session; /* the session number of the `Hello` this answers */
    uint8_t firmware_major; /* release of the firmware */
    uint8_t firmware_minor; /* release of the firmware */
    uint8_t firmware_patch; /* release of the firmware */
    uint32_t git; /* first 32 bits of the commit it was built from; 0: unknown */
    uint8_t board; /* what it is */
    uint8_t flags; /* BoardFlag */
    uint8_t light_count; /* lights it drives */
    uint8_t button_count; /* buttons it reads */
    uint8_t reset_cause; /* why it started */
    uint16_t boot_nonce; /* differs after every start */
    uint32_t ticks_hz; /* nominal rate of its clock */
    uint16_t lease_ms; /* host lease in force */
    uint16_t max_on_max_ms; /* longest on-time it accepts */
    uint8_t lights_at_once; /* lights it lets burn together */
    uint8_t steps_max; /* steps a programme may have */
    uint32_t gap_min_us; /* shortest gap it accepts */
    uint32_t gap_max_us; /* longest gap it accepts */
    uint32_t exposure_min_us; /* shortest exposure it accepts */
    uint8_t fault; /* latched fault */
};

struct __attribute__((packed)) pong {
    uint32_t ticks; /* the board's clock when the command was carried out */
    uint16_t boot_nonce; /* as in `HelloReply` */
};

struct __attribute__((packed)) status_reply {
    uint8_t state; /* what it does */
    uint8_t mask; /* lights burning */
    uint8_t fault; /* latched fault */
    uint8_t step; /* step running, or no_step */
    uint8_t steps_stored; /* steps of the stored programme */
    uint8_t buttons; /* bit k: button k is held down */
    uint8_t card_present; /* 1: the sensor sees a card */
    uint8_t events_waiting; /* events not yet acknowledged */
    uint16_t heat_ms; /* heat of the hottest light, see heat_max_ms */
    uint32_t ticks; /* the board's clock */
};

struct __attribute__((packed)) errors_reply {
    uint16_t total; /* faults since the board started */
    struct error_entry entries[]; /* at most errors_kept */
};

struct __attribute__((packed)) stats_reply {
    uint32_t frames_ok; /* valid frames received */
    uint16_t frames_bad; /* frames refused: checksum, stuffing or length */
    uint16_t frames_repeated; /* commands answered from the kept reply */
    uint16_t receive_overruns; /* bytes lost because nobody fetched them */
    uint16_t events_repeated; /* events sent again */
    uint16_t events_lost; /* events for which the queue had no room */
    uint16_t stack_free_bytes; /* least free stack ever seen; 65535: not measured */
    uint16_t isr_latency_max_ticks; /* latest the light timer ever was; 65535: not measured */
};

struct __attribute__((packed)) refused {
    uint8_t reason; /* why */
};

struct __attribute__((packed)) step_done {
    uint8_t index; /* step */
    uint8_t mask; /* lights that burned */
    uint8_t flags; /* StepFlag */
    uint32_t on_ticks; /* lights on */
    uint32_t trigger_ticks; /* exposure begins; trigger high, if the step has one */
    uint32_t off_ticks; /* exposure ends, trigger low, lights off */
};

struct __attribute__((packed)) programme_done {
    uint8_t reason; /* how */
    uint8_t steps_done; /* steps that ran to their end */
    uint32_t ticks; /* when */
};

struct __attribute__((packed)) fault_raised {
    uint8_t fault; /* what */
    uint8_t step; /* step of the programme, or no_step */
    uint32_t ticks; /* when */
};

struct __attribute__((packed)) button {
    uint8_t button; /* 0-based */
    uint8_t pressed; /* 1: pressed, 0: released */
    uint32_t ticks; /* when */
};

struct __attribute__((packed)) card {
    uint8_t present; /* 1: put down, 0: taken away */
    uint32_t ticks; /* when */
};

#endif
