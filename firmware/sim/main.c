/* The board in an AVR simulator, behind a pseudo-terminal:
 *
 *   board-sim --hex FILE --link PATH --light-log PATH [--edges FILE] [--seed N] [--clock-ppm N] [--catch-up-ms N]
 *             [--owner-pid PID | --stay]
 *
 * Prints `ready PATH` when it can be opened. Ends, lights off, on SIGTERM or, without --stay, with the process that started it.
 * With --owner-pid it outlives that process until the firmware itself has put the lights off, as a board that has power does.
 * With --clock-ppm its clock runs fast, or with a negative number slow, by so many parts in a million, as a resonator does.
 * With --catch-up-ms it makes up for so long a standstill of the simulator; otherwise for a short one that no lease can miss.
 * Killed outright, it is dark a moment later all the same: see guard.h. Its control lines are told in control.h.
 *
 * Linked to libsimavr, which is under the GPL, version 3 or later. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "chip.h"
#include "control.h"
#include "guard.h"
#include "lightlog.h"
#include "line.h"
#include "pace.h"
#include "pins.h"

static volatile sig_atomic_t ending;
static int owner = -1; /* a descriptor of the process, or none */
static int64_t owner_gone_ns;
static int64_t lit_ns; /* when a light was last seen burning without an owner */

/* --- time outside ------------------------------------------------------------------------------------------------------ */

static const int64_t ORPHAN_DARK_NS = 500000000;
static const int64_t ORPHAN_LIMIT_NS = 75000000000; /* beyond the longest lease; only firmware that is at fault burns on */

static void watch_owner(pid_t pid)
{
    owner = (int)syscall(SYS_pidfd_open, pid, 0);
    if (owner < 0)
        owner_gone_ns = now_ns();
}

static bool orphaned(void)
{
    if (!owner_gone_ns)
        return false;
    int64_t now = now_ns();
    if (pins_senses().lights || !lit_ns)
        lit_ns = now;
    return now - lit_ns > ORPHAN_DARK_NS || now - owner_gone_ns > ORPHAN_LIMIT_NS;
}

static void wait_until(int64_t until)
{
    int64_t now = now_ns();
    int64_t line_due = line_flush(now);
    int64_t left = (line_due < until ? line_due : until) - now;
    struct timespec patience = {0, left > 0 ? (long)(left < 1000000 ? left : 1000000) : 0};
    struct pollfd sources[] = {
        {line_descriptor(), POLLIN, 0}, {control_descriptor(), POLLIN, 0}, {owner, POLLIN, 0}};
    sigset_t none;
    sigemptyset(&none);
    if (ppoll(sources, 3, &patience, &none) > 0) {
        if (sources[0].revents)
            line_fetch();
        if (sources[1].revents)
            control_read();
        if (sources[2].revents) {
            close(owner);
            owner = -1;
            owner_gone_ns = now_ns();
        }
    }
    line_flush(now_ns());
}

static void end(int number)
{
    (void)number;
    ending = 1;
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    sigset_t blocked; /* but while waiting, so that none is missed */
    sigemptyset(&blocked);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = end;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaddset(&blocked, numbers[i]);
        sigaction(numbers[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGPIPE, SIG_IGN);
}

struct chosen {
    const char *hex, *link, *log, *edges;
    pid_t owner; /* 0: the process that started us */
    bool stay;
};

static bool wrong(const char *what)
{
    fprintf(stderr, "board-sim: %s\n", what);
    return false;
}

static bool choose(int option, struct chosen *chosen)
{
    switch (option) {
    case 'h': chosen->hex = optarg; break;
    case 'l': chosen->link = optarg; break;
    case 'o': chosen->log = optarg; break;
    case 'e': chosen->edges = optarg; break;
    case 's': line_seed((uint32_t)strtoul(optarg, NULL, 10)); break;
    case 't': chosen->stay = true; break;
    case 'p':
        chosen->owner = (pid_t)strtol(optarg, NULL, 10);
        return chosen->owner > 0 || wrong("--owner-pid takes the number of a process");
    case 'c': {
        double off = strtod(optarg, NULL);
        pace_detune(off);
        return (off > -100000 && off < 100000) || wrong("--clock-ppm takes parts in a million, less than 100000");
    }
    case 'u': {
        double most = strtod(optarg, NULL);
        pace_catch_up(most);
        return (most > 0 && most <= 60000) || wrong("--catch-up-ms takes up to 60000 milliseconds");
    }
    default: return false;
    }
    return true;
}

static bool understand(int argc, char **argv, struct chosen *chosen)
{
    static const struct option known[] = {
        {"hex", 1, NULL, 'h'},  {"link", 1, NULL, 'l'},      {"light-log", 1, NULL, 'o'}, {"edges", 1, NULL, 'e'},
        {"seed", 1, NULL, 's'}, {"owner-pid", 1, NULL, 'p'}, {"stay", 0, NULL, 't'},      {"clock-ppm", 1, NULL, 'c'},
        {"catch-up-ms", 1, NULL, 'u'}, {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        if (!choose(option, chosen))
            return false;
    return (chosen->hex && chosen->link && chosen->log) || wrong("--hex, --link and --light-log are needed");
}

static bool switch_on(const struct chosen *chosen)
{
    if (lightlog_open(chosen->log) < 0 || guard_start() < 0) {
        perror(chosen->log);
        return false;
    }
    if (!chip_start(chosen->hex, chosen->edges))
        return false;
    if (line_plug(chosen->link) < 0) {
        perror(chosen->link);
        return false;
    }
    control_start(chosen->link);
    control_say("ready %s", chosen->link);
    return true;
}

int main(int argc, char **argv)
{
    struct chosen chosen = {0};
    if (!understand(argc, argv, &chosen))
        return 2;
    catch_signals();
    if (chosen.owner)
        watch_owner(chosen.owner);
    else if (!chosen.stay)
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (!switch_on(&chosen))
        return 1;
    while (!ending && !orphaned()) {
        chip_run(wait_until);
        control_advance();
    }
    pins_dark();
    line_unplug();
    guard_dismiss();
    return 0;
}
