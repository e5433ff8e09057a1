#include "bench/load.h"

#include <stdio.h>

#include "base/clock.h"
#include "bench/cpu_time.h"

void load_start(struct load *load)
{
    load->start_ns = clock_mono_ns();
}

void load_tick(struct load *load, int64_t now_ns)
{
    if (load->is_over)
        return;
    if (!load->is_measuring && now_ns - load->start_ns >= load->warmup_ns) {
        load->is_measuring = true;
        load->from_ns = now_ns;
        load->cpu_us = -cpu_time_us(load->pid);
    } else if (load->is_measuring && now_ns - load->from_ns >= load->measure_ns) {
        load->is_measuring = false;
        load->is_over = true;
        load->to_ns = now_ns;
        load->cpu_us += cpu_time_us(load->pid);
    }
}

void load_acknowledge(struct load *load, int64_t begun_ns, int64_t now_ns)
{
    const int64_t took_ns = now_ns - begun_ns;

    load->acknowledged++;
    load_tick(load, now_ns);
    if (!load->is_measuring)
        return;
    load->measured++;
    load->waited_ns += took_ns;
    if ((uint64_t)took_ns > load->longest_ns)
        load->longest_ns = (uint64_t)took_ns;
}

void load_print(const struct load *load, const char *target)
{
    const double wall_s = (double)(load->to_ns - load->from_ns) / 1e9,
                 cpu_s = (double)load->cpu_us / 1e6;
    const double count = (double)(load->measured + !load->measured);

    printf(
        "{\"target\":\"%s\",\"messages\":%llu,\"wall_s\":%.3f,\"cpu_s\":%.2f,\"per_wall_s\":%.0f,\"per_cpu_s\":%.0f,"
        "\"mean_ms\":%.2f,\"longest_ms\":%.1f,\"acknowledged\":%llu,\"refused\":%llu}\n",
        target, (unsigned long long)load->measured, wall_s, cpu_s, (double)load->measured / wall_s,
        cpu_s > 0 ? (double)load->measured / cpu_s : 0, (double)load->waited_ns / count / 1e6,
        (double)load->longest_ns / 1e6, (unsigned long long)load->acknowledged,
        (unsigned long long)load->refused);
}
