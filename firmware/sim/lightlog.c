#include "lightlog.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { CAPACITY = 65536 };

struct record {
    int64_t when_ns;
    uint32_t mask;
    uint32_t zero;
};

struct log {
    char magic[8];
    uint64_t count;
    struct record records[CAPACITY];
    int64_t known_until_ns;
    int64_t lost_ns;
};

static struct log *mapped;

int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int lightlog_open(const char *path)
{
    unlink(path); /* whoever still maps an older one keeps that */
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0 || ftruncate(file, sizeof *mapped) < 0)
        return -1;
    mapped = mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED)
        return -1;
    memcpy(mapped->magic, "LIGHTLOG", sizeof mapped->magic);
    return 0;
}

void lightlog_known_until(int64_t when_ns)
{
    __atomic_store_n(&mapped->known_until_ns, when_ns, __ATOMIC_RELEASE);
}

void lightlog_lost(int64_t time_ns)
{
    mapped->lost_ns += time_ns;
}

void lightlog_write(int64_t when_ns, uint32_t pins)
{
    uint64_t count = mapped->count;
    struct record *record = &mapped->records[count % CAPACITY];
    record->when_ns = when_ns;
    record->mask = pins;
    record->zero = 0;
    __atomic_store_n(&mapped->count, count + 1, __ATOMIC_RELEASE);
}

uint32_t lightlog_last(void)
{
    return mapped->count ? mapped->records[(mapped->count - 1) % CAPACITY].mask : 0;
}
