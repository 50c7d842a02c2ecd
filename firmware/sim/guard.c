#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lightlog.h"

static int lifeline = -1;
static pid_t guard;

static void keep_watch(int ended)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        signal(numbers[i], SIG_IGN);
    setsid(); /* what ends a whole group of processes ends the simulator alone */
    dup2(ended, 0);
    close_range(1, ~0U, 0); /* whoever reads the simulator's output must see its end */
    char byte;
    while (read(0, &byte, 1) < 0 && errno == EINTR) {
    }
    if (lightlog_last())
        lightlog_write(now_ns(), 0);
    _exit(0);
}

int guard_start(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    guard = fork();
    if (guard == 0)
        keep_watch(ends[0]);
    close(ends[0]);
    lifeline = ends[1];
    return guard < 0 ? -1 : 0;
}

void guard_dismiss(void)
{
    close(lifeline);
    waitpid(guard, NULL, 0);
}
