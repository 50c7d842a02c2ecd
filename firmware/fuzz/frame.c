/* Any bytes into the frame reader of the core: it takes exactly the frames that the other reading of the format takes.
 * The same bytes as a payload: what is written is read again. */
#include "../core/frame.h"

#include <string.h>

#include "codec.h"
#include "law.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct frame *taken, const struct message *wanted)
{
    LAW(taken->seq == wanted->seq && taken->type == wanted->type, "a frame changed its number or type");
    LAW(taken->size == wanted->size && !memcmp(taken->payload, wanted->payload, wanted->size), "a payload changed");
    LAW(taken->crc == wanted->crc, "frames are told apart by their checksum");
}

static void read_all(const uint8_t *data, size_t size)
{
    uint32_t good = 0, bad = 0;
    const uint8_t *begin = data;
    for (size_t i = 0; i < size; i++) {
        struct frame frame;
        struct message wanted;
        bool taken = frame_receive(data[i], &frame);
        if (data[i]) {
            LAW(!taken, "a frame was taken before its end");
            continue;
        }
        size_t length = (size_t)(data + i - begin);
        bool due = codec_decode(begin, length, &wanted);
        LAW(taken == due, due ? "a good frame was refused" : "a damaged frame was taken");
        if (taken)
            same(&frame, &wanted);
        good += due;
        bad += length && !due;
        begin = data + i + 1;
    }
    LAW(frames_ok() == good && frames_bad() == bad, "every frame is counted, as good or as bad");
}

static void write_and_read(const uint8_t *data, size_t size)
{
    uint8_t payload = (uint8_t)(size - 2 > PAYLOAD_MAX_BYTES ? PAYLOAD_MAX_BYTES : size - 2);
    uint8_t wire[WIRE_MAX_BYTES];
    uint8_t written = frame_encode(data[0], data[1], data + 2, payload, wire);
    uint8_t wanted[WIRE_MAX_BYTES];
    LAW(written == codec_encode(data[0], data[1], data + 2, payload, wanted) && !memcmp(wire, wanted, written),
        "a frame is written in the one way there is");
    struct frame frame;
    for (uint8_t i = 0; i < written; i++)
        LAW(frame_receive(wire[i], &frame) == (i == written - 1), "a frame that was written is read at its end");
    LAW(frame.size == payload && !memcmp(frame.payload, data + 2, payload), "what was written is what is read");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    frame_reset();
    read_all(data, size);
    frame_reset();
    if (size >= 2)
        write_and_read(data, size);
    return 0;
}
