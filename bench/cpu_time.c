#include "bench/cpu_time.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* proc(5), /proc/pid/stat: 14 utime and 15 stime in ticks; the name (2) is in brackets and may hold
 * anything. */
int64_t cpu_time_us(pid_t pid)
{
    char path[64], line[1024];
    unsigned long long user, system;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return -1;
    const char *read = fgets(line, sizeof(line), file);
    fclose(file);

    const char *after_name = read != NULL ? strrchr(line, ')') : NULL;
    if (after_name == NULL ||
        sscanf(after_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
               &system) != 2)
        return -1;
    return (int64_t)((user + system) * (1000000 / (unsigned long long)sysconf(_SC_CLK_TCK)));
}
