#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lightlog.h"

enum { FRAME_ROOM = 4096, ARRIVED_ROOM = 65536, HELD_ROOM = 4096 };

struct line_faults line_faults;

static int ours = -1;
static int theirs = -1;
static char published[4096];
static uint32_t chance = 1;

/* From the host: a frame begun, and bytes ready for the board. */
static uint8_t begun[FRAME_ROOM];
static size_t begun_size;
static uint8_t arrived[ARRIVED_ROOM];
static size_t arrived_in;
static size_t arrived_out;
static uint64_t arrived_count;

/* To the host: a frame begun, and frames held back. */
static uint8_t building[FRAME_ROOM];
static size_t building_size;
static struct held {
    int64_t due_ns;
    size_t size;
    uint8_t bytes[FRAME_ROOM];
} held[HELD_ROOM / 16];
static size_t held_in;
static size_t held_out;

void line_seed(uint32_t seed)
{
    chance = seed ? seed : 1;
}

static uint32_t draw(void)
{
    chance ^= chance << 13; /* xorshift32, Marsaglia 2003 */
    chance ^= chance >> 17;
    chance ^= chance << 5;
    return chance;
}

static bool happens(double percent)
{
    return percent > 0 && draw() / 4294967296.0 * 100 < percent;
}

int line_plug(const char *link)
{
    struct stat found;
    if (lstat(link, &found) == 0 && !S_ISLNK(found.st_mode)) {
        errno = EEXIST;
        return -1;
    }
    struct termios raw;
    memset(&raw, 0, sizeof raw);
    cfmakeraw(&raw);
    raw.c_cflag |= CREAD | CLOCAL;
    char name[256];
    if (openpty(&ours, &theirs, name, &raw, NULL) < 0)
        return -1;
    fcntl(ours, F_SETFL, O_NONBLOCK);
    snprintf(published, sizeof published, "%s", link);
    char fresh[4200];
    snprintf(fresh, sizeof fresh, "%s.%d", link, (int)getpid());
    unlink(fresh);
    if (symlink(name, fresh) < 0)
        return -1;
    return rename(fresh, link);
}

void line_unplug(void)
{
    if (ours < 0)
        return;
    unlink(published);
    close(theirs);
    close(ours);
    ours = theirs = -1;
    arrived_in = arrived_out = begun_size = held_in = held_out = 0;
}

int line_descriptor(void)
{
    return ours;
}

/* Write the frame, as often and as whole as the line lets it; returns the size. `out` has twice the room. */
static size_t damage(const uint8_t *frame, size_t size, uint8_t *out)
{
    if (happens(line_faults.drop_percent))
        return 0;
    memcpy(out, frame, size);
    if (happens(line_faults.corrupt_percent))
        out[draw() % size] ^= (uint8_t)(1u << draw() % 8);
    if (!happens(line_faults.repeat_percent))
        return size;
    memcpy(out + size, out, size);
    return 2 * size;
}

static bool damaging(void)
{
    return line_faults.drop_percent > 0 || line_faults.corrupt_percent > 0 || line_faults.repeat_percent > 0;
}

static void arrive(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        size_t next = (arrived_in + 1) % ARRIVED_ROOM;
        if (next == arrived_out)
            return; /* nobody can send that much in one go; what is beyond is lost, as on any line */
        arrived[arrived_in] = bytes[i];
        arrived_in = next;
        arrived_count++;
    }
}

static void from_host(uint8_t byte)
{
    uint8_t out[2 * FRAME_ROOM];
    begun[begun_size++] = byte;
    if (!damaging()) {
        arrive(begun, begun_size);
        begun_size = 0;
    } else if (byte == 0 || begun_size == FRAME_ROOM) {
        arrive(out, damage(begun, begun_size, out));
        begun_size = 0;
    }
}

void line_fetch(void)
{
    uint8_t bytes[1024];
    ssize_t size;
    while (ours >= 0 && (size = read(ours, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < size; i++)
            from_host(bytes[i]);
}

uint64_t line_arrived(void)
{
    return arrived_count;
}

bool line_waiting(void)
{
    return arrived_out != arrived_in;
}

bool line_next(uint8_t *byte)
{
    if (!line_waiting())
        return false;
    *byte = arrived[arrived_out];
    arrived_out = (arrived_out + 1) % ARRIVED_ROOM;
    return true;
}

static void hold(const uint8_t *bytes, size_t size, int64_t delay_ns)
{
    size_t places = sizeof held / sizeof *held;
    size_t next = (held_in + 1) % places;
    if (size == 0 || next == held_out)
        return;
    held[held_in].due_ns = now_ns() + delay_ns;
    held[held_in].size = size;
    memcpy(held[held_in].bytes, bytes, size);
    held_in = next;
}

void line_put(uint8_t byte)
{
    uint8_t out[2 * FRAME_ROOM];
    building[building_size++] = byte;
    if (byte != 0 && building_size < FRAME_ROOM / 2)
        return;
    if (!line_faults.mute)
        hold(out, damage(building, building_size, out), line_faults.delay_ns);
    building_size = 0;
}

void line_noise(size_t count)
{
    uint8_t bytes[FRAME_ROOM];
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)draw();
    hold(bytes, count, 0);
}

int64_t line_flush(int64_t now)
{
    size_t places = sizeof held / sizeof *held;
    while (held_out != held_in && held[held_out].due_ns <= now) {
        /* What nobody fetches is lost, as on a cable without a listener. */
        if (ours >= 0 && write(ours, held[held_out].bytes, held[held_out].size) < 0 && errno != EAGAIN)
            perror("board-sim: port");
        held_out = (held_out + 1) % places;
    }
    return held_out == held_in ? INT64_MAX : held[held_out].due_ns;
}
