/* A video device that is not there: preloaded into a process, this library turns paths into V4L2 cameras.
 *
 * $STATION_V4L2_DEVICES says which: `PATH=SOCKET`, several of them divided by semicolons. A path below /dev/v4l/by-id is first
 * looked up in the folder $STATION_V4L2_BY_ID, whose symbolic links lead to such paths as udev's do.
 *
 * open() of such a path connects to the server at its socket (unix, SOCK_SEQPACKET) twice: the descriptor that the program gets
 * is the event connection, on which the server sends one struct v4l2_buffer for each filled buffer, so that select() and poll()
 * work as on a real device; on the other connection every ioctl travels to the server and back. Buffers are memory files of the
 * server, handed over when they are mapped.
 *
 * Messages: hello { char kind, u64 token }; call { u32 request, bytes }; answer { i32 errno, bytes, maybe a descriptor }.
 * For glibc on 64-bit Linux; for tests and demonstrations only.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/videodev2.h>

#define MOST_FDS 1024
#define MOST_BYTES 1024
#define MAP_REQUEST 0u
#define BY_ID "/dev/v4l/by-id/"

static int control_of[MOST_FDS]; /* control connection + 1 of an event descriptor; 0: not ours */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t opened;

static int (*real_open)(const char *, int, ...);
static int (*real_open64)(const char *, int, ...);
static int (*real_close)(int);
static int (*real_ioctl)(int, unsigned long, ...);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);

/* Other libraries' constructors may call before this one ran, so every wrapper makes sure. */
__attribute__((constructor)) static void find_real(void)
{
    if (real_mmap != NULL)
        return;
    real_open = dlsym(RTLD_NEXT, "open");
    real_open64 = dlsym(RTLD_NEXT, "open64");
    real_close = dlsym(RTLD_NEXT, "close");
    real_ioctl = dlsym(RTLD_NEXT, "ioctl");
    real_mmap = dlsym(RTLD_NEXT, "mmap");
}

static int fail(int error)
{
    errno = error;
    return -1;
}

/* The path of the server's socket if `path` is one of the devices: a length, and where it begins; else NULL. */
static const char *socket_of(const char *path, size_t *length)
{
    const char *entry = getenv("STATION_V4L2_DEVICES");
    size_t name = strlen(path);

    while (entry != NULL && *entry != '\0') {
        const char *end = strchrnul(entry, ';');
        if (strncmp(entry, path, name) == 0 && entry[name] == '=') {
            *length = (size_t)(end - entry) - name - 1;
            return entry + name + 1;
        }
        entry = *end == ';' ? end + 1 : end;
    }
    return NULL;
}

/* A path below /dev/v4l/by-id leads where the link of that name does. */
static const char *followed(const char *path, char *target, size_t room)
{
    const char *folder = getenv("STATION_V4L2_BY_ID");
    char link[PATH_MAX];
    ssize_t size;

    if (folder == NULL || strncmp(path, BY_ID, strlen(BY_ID)) != 0)
        return path;
    if (snprintf(link, sizeof link, "%s/%s", folder, path + strlen(BY_ID)) >= (int)sizeof link)
        return path;
    size = readlink(link, target, room - 1);
    if (size < 0)
        return path;
    target[size] = '\0';
    return target;
}

static int is_device(const char *path, struct sockaddr_un *address)
{
    char target[PATH_MAX];
    const char *found;
    size_t length;

    if (path == NULL || strncmp(path, "/dev/", 5) != 0)
        return 0;
    found = socket_of(followed(path, target, sizeof target), &length);
    if (found == NULL || length >= sizeof address->sun_path)
        return 0;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, found, length);
    return 1;
}

static int control(int fd)
{
    return fd >= 0 && fd < MOST_FDS ? __atomic_load_n(&control_of[fd], __ATOMIC_ACQUIRE) - 1 : -1;
}

static int connected(const struct sockaddr_un *address, char kind, uint64_t token)
{
    char hello[1 + sizeof token];
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    hello[0] = kind;
    memcpy(hello + 1, &token, sizeof token);
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 || send(fd, hello, sizeof hello, MSG_NOSIGNAL) < 0) {
        real_close(fd);
        return -1;
    }
    return fd;
}

/* Reads one answer; returns its errno, or ENODEV when the server is gone. A descriptor that came along goes to *passed. */
static int answer(int fd, void *data, size_t size, int *passed)
{
    char bytes[sizeof(int32_t) + MOST_BYTES], space[CMSG_SPACE(sizeof(int))];
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *extra;
    int32_t error;
    ssize_t got;

    do
        got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < (ssize_t)sizeof error)
        return ENODEV;
    memcpy(&error, bytes, sizeof error);
    if (data != NULL && error == 0 && (size_t)got - sizeof error >= size)
        memcpy(data, bytes + sizeof error, size);
    extra = CMSG_FIRSTHDR(&message);
    if (passed != NULL && extra != NULL && extra->cmsg_type == SCM_RIGHTS)
        memcpy(passed, CMSG_DATA(extra), sizeof(int));
    return error;
}

static int call(int fd, uint32_t request, void *data, size_t size, int *passed)
{
    char bytes[sizeof request + MOST_BYTES];
    int error;

    if (size > MOST_BYTES)
        return ENOTTY;
    memcpy(bytes, &request, sizeof request);
    memcpy(bytes + sizeof request, data, size);
    pthread_mutex_lock(&lock);
    error = send(fd, bytes, sizeof request + size, MSG_NOSIGNAL) < 0 ? ENODEV : answer(fd, data, size, passed);
    pthread_mutex_unlock(&lock);
    return error;
}

static int open_device(const struct sockaddr_un *address, int flags)
{
    uint64_t token = (uint64_t)getpid() << 32 | __atomic_add_fetch(&opened, 1, __ATOMIC_RELAXED);
    int event = connected(address, 'E', token);
    int calls = event < 0 ? -1 : connected(address, 'C', token);
    int error = calls < 0 ? ENOENT : answer(calls, NULL, 0, NULL);

    if (error == 0 && event >= MOST_FDS)
        error = EMFILE;
    if (error != 0) {
        if (calls >= 0)
            real_close(calls);
        if (event >= 0)
            real_close(event);
        return fail(error == ENODEV ? ENOENT : error);
    }
    if (flags & O_NONBLOCK)
        fcntl(event, F_SETFL, O_NONBLOCK);
    __atomic_store_n(&control_of[event], calls + 1, __ATOMIC_RELEASE);
    return event;
}

static int take_buffer(int fd, void *data)
{
    ssize_t got;

    do
        got = recv(fd, data, sizeof(struct v4l2_buffer), 0);
    while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof(struct v4l2_buffer))
        return 0;
    return fail(got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? EAGAIN : ENODEV);
}

static void forget_buffers(int fd)
{
    struct v4l2_buffer buffer;

    while (recv(fd, &buffer, sizeof buffer, MSG_DONTWAIT) > 0)
        ;
}

int open(const char *path, int flags, ...)
{
    struct sockaddr_un address;
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    find_real();
    return is_device(path, &address) ? open_device(&address, flags) : real_open(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    struct sockaddr_un address;
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    find_real();
    return is_device(path, &address) ? open_device(&address, flags) : real_open64(path, flags, mode);
}

int close(int fd)
{
    int calls = control(fd);

    find_real();
    if (calls >= 0) {
        __atomic_store_n(&control_of[fd], 0, __ATOMIC_RELEASE);
        real_close(calls);
    }
    return real_close(fd);
}

int ioctl(int fd, unsigned long request, ...)
{
    uint32_t code = (uint32_t)request;
    int calls = control(fd), error;
    va_list arguments;
    void *data;

    va_start(arguments, request);
    data = va_arg(arguments, void *);
    va_end(arguments);
    find_real();
    if (calls < 0)
        return real_ioctl(fd, request, data);
    if (code == (uint32_t)VIDIOC_DQBUF)
        return take_buffer(fd, data);
    error = call(calls, code, data, _IOC_SIZE(code), NULL);
    if (code == (uint32_t)VIDIOC_STREAMOFF)
        forget_buffers(fd);
    return error == 0 ? 0 : fail(error);
}

static void *map(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    uint64_t wanted[2] = {(uint64_t)offset, length};
    int calls = control(fd), passed = -1, error;
    void *mapped;

    find_real();
    if (calls < 0)
        return real_mmap(address, length, protection, flags, fd, offset);
    error = call(calls, MAP_REQUEST, wanted, sizeof wanted, &passed);
    if (error != 0 || passed < 0) {
        errno = error != 0 ? error : EINVAL;
        return MAP_FAILED;
    }
    mapped = real_mmap(address, length, protection, flags, passed, 0);
    real_close(passed);
    return mapped;
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    return map(address, length, protection, flags, fd, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset)
{
    return map(address, length, protection, flags, fd, offset);
}
