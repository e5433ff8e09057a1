/*
 * load: the clock of a measurement that many senders keep busy: unmeasured start, measured middle,
 * then nothing new begins and what is under way is waited for. And the line of JSON that both sides
 * of P9 print.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct load {
    int64_t warmup_ns, measure_ns; /* set by the caller, as `pid` is */
    pid_t pid;                     /* whose processor time counts */
    int64_t start_ns, from_ns, to_ns;
    int64_t cpu_us;
    uint64_t acknowledged; /* all */
    uint64_t measured;     /* those within the middle */
    uint64_t refused;      /* answers that are no success */
    int64_t waited_ns;     /* sum of those within the middle */
    uint64_t longest_ns;
    bool is_measuring;
    bool is_over; /* begin nothing new */
};

void load_start(struct load *load);
/* One message was stored, begun at `begun_ns`; `now_ns` moves the clock, too. */
void load_acknowledge(struct load *load, int64_t begun_ns, int64_t now_ns);
/* Moves the clock; between answers. */
void load_tick(struct load *load, int64_t now_ns);
void load_print(const struct load *load, const char *target);
