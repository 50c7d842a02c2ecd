/* The board in an AVR simulator, behind a pseudo-terminal:
 *
 *   board-sim --hex FILE --link PATH --light-log PATH [--edges FILE] [--seed N] [--owner-pid PID | --stay]
 *
 * Prints `ready PATH` when it can be opened. Ends, lights off, on SIGTERM or, without --stay, with the process that started it.
 * With --owner-pid it outlives that process until the firmware itself has put the lights off, as a board that has power does.
 * Understands the control lines of station/twin/board_control.py on its standard input.
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
#include "lightlog.h"
#include "line.h"

static const char *link_path;
static volatile sig_atomic_t ending;
static bool control_closed;
static int owner = -1; /* a descriptor of the process, or none */
static int64_t owner_gone_ns;
static int64_t lit_ns; /* when a light was last seen burning without an owner */
static uint64_t release_cycle[2]; /* 0: not pressed */

static void say(const char *format, const char *text)
{
    printf(format, text);
    putchar('\n');
    fflush(stdout);
}

/* --- control lines --------------------------------------------------------------------------------------------------- */

static void tell_state(void)
{
    struct chip_senses senses = chip_senses();
    char text[200];
    snprintf(text, sizeof text, "ok state mask=%u beeps=%u buzzer_hz=%u buzzer_ms=%u status_led=%d locked_cycles=%u cycle=%llu",
             senses.lights, senses.beeps, senses.buzzer_hz, senses.buzzer_ms, senses.status_led, senses.locked_cycles,
             (unsigned long long)chip_cycle());
    say("%s", text);
}

static bool obey_line(const char *word, int values, double first)
{
    static const struct line_faults healed;
    bool percent = values == 1 && first >= 0 && first <= 100;
    if (!strcmp(word, "drop") && percent)
        line_faults.drop_percent = first;
    else if (!strcmp(word, "corrupt") && percent)
        line_faults.corrupt_percent = first;
    else if (!strcmp(word, "repeat") && percent)
        line_faults.repeat_percent = first;
    else if (!strcmp(word, "delay") && values == 1 && first >= 0 && first <= 60000)
        line_faults.delay_ns = (int64_t)(first * 1e6);
    else if (!strcmp(word, "garbage") && values == 1 && first >= 1 && first <= 4096)
        line_noise((size_t)first);
    else if (!strcmp(word, "mute") && values == 0)
        line_faults.mute = true;
    else if (!strcmp(word, "heal") && values == 0)
        line_faults = healed;
    else
        return false;
    return true;
}

static bool obey_board(const char *word, int values, double first, double second)
{
    if (!strcmp(word, "reset") && values == 0) {
        chip_reset();
    } else if (!strcmp(word, "hang") && values == 0) {
        return chip_hang();
    } else if (!strcmp(word, "unplug") && values == 0) {
        line_unplug();
    } else if (!strcmp(word, "plug") && values == 0) {
        line_unplug();
        return line_plug(link_path) == 0;
    } else if (!strcmp(word, "card") && values == 1 && (first == 0 || first == 1)) {
        chip_card(first == 1);
    } else if (!strcmp(word, "press") && values == 2 && (first == 0 || first == 1) && second >= 1 && second <= 60000) {
        chip_button((int)first, true);
        release_cycle[(int)first] = chip_cycle() + (uint64_t)(second * (CHIP_HZ / 1000));
    } else {
        return false;
    }
    return true;
}

static void obey(char *text)
{
    char word[16] = "";
    char first[16] = "0", second[16] = "0", beyond[2];
    int values = sscanf(text, "%15s %15s %15s %1s", word, first, second, beyond) - 1;
    char *end_1, *end_2;
    double one = strtod(first, &end_1), two = strtod(second, &end_2);
    bool numbers = (!*end_1 || !strcmp(end_1, "%") || !strcmp(end_1, "ms")) && (!*end_2 || !strcmp(end_2, "ms"));
    if (values < 0)
        return;
    if (!strcmp(word, "state") && values == 0)
        tell_state();
    else if (numbers && (obey_line(word, values, one) || obey_board(word, values, one, two)))
        say("ok %s", text);
    else
        say("error not understood: %s", text);
}

static void read_control(void)
{
    static char pending[512];
    static size_t size;
    ssize_t got = read(STDIN_FILENO, pending + size, sizeof pending - 1 - size);
    if (got <= 0) {
        control_closed = true;
        return;
    }
    size += (size_t)got;
    pending[size] = 0;
    for (char *end; (end = strchr(pending, '\n')); memmove(pending, end + 1, size + 1)) {
        *end = 0;
        size -= (size_t)(end + 1 - pending);
        obey(pending);
    }
}

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
    if (chip_senses().lights || !lit_ns)
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
        {line_descriptor(), POLLIN, 0}, {control_closed ? -1 : STDIN_FILENO, POLLIN, 0}, {owner, POLLIN, 0}};
    sigset_t none;
    sigemptyset(&none);
    if (ppoll(sources, 3, &patience, &none) > 0) {
        if (sources[0].revents)
            line_fetch();
        if (sources[1].revents)
            read_control();
        if (sources[2].revents) {
            close(owner);
            owner = -1;
            owner_gone_ns = now_ns();
        }
    }
    line_flush(now_ns());
}

static void release_buttons(void)
{
    for (int button = 0; button < 2; button++)
        if (release_cycle[button] && chip_cycle() >= release_cycle[button]) {
            release_cycle[button] = 0;
            chip_button(button, false);
        }
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

int main(int argc, char **argv)
{
    enum { HEX = 'h', LINK = 'l', LOG = 'o', EDGES = 'e', SEED = 's', OWNER = 'p', STAY = 't' };
    static const struct option known[] = {{"hex", 1, NULL, HEX},   {"link", 1, NULL, LINK}, {"light-log", 1, NULL, LOG},
                                          {"edges", 1, NULL, EDGES}, {"seed", 1, NULL, SEED}, {"stay", 0, NULL, STAY},
                                          {"owner-pid", 1, NULL, OWNER},
                                          {NULL, 0, NULL, 0}};
    const char *hex = NULL, *log = NULL, *edges = NULL;
    bool stay = false;
    pid_t outlive = 0;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case HEX: hex = optarg; break;
        case LINK: link_path = optarg; break;
        case LOG: log = optarg; break;
        case EDGES: edges = optarg; break;
        case SEED: line_seed((uint32_t)strtoul(optarg, NULL, 10)); break;
        case STAY: stay = true; break;
        case OWNER: outlive = (pid_t)strtol(optarg, NULL, 10); break;
        default: return 2;
        }
        if (outlive < 0 || (option == OWNER && outlive == 0)) {
            fputs("board-sim: --owner-pid takes the number of a process\n", stderr);
            return 2;
        }
    }
    if (!hex || !link_path || !log) {
        fputs("board-sim: --hex, --link and --light-log are needed\n", stderr);
        return 2;
    }
    catch_signals();
    if (outlive)
        watch_owner(outlive);
    else if (!stay)
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (lightlog_open(log) < 0) {
        perror(log);
        return 1;
    }
    if (!chip_start(hex, edges))
        return 1;
    if (line_plug(link_path) < 0) {
        perror(link_path);
        return 1;
    }
    say("ready %s", link_path);
    while (!ending && !orphaned()) {
        chip_run(wait_until);
        release_buttons();
    }
    chip_power_off();
    line_unplug();
    return 0;
}
