#include "bench/process.h"

#include <dirent.h>
#include <stdio.h>

/* proc(5), /proc/pid/smaps_rollup: one line says "Rss:      1234 kB". */
int64_t process_rss_bytes(pid_t pid)
{
    char path[64], line[256];
    long long kib = -1;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    while (kib < 0 && fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "Rss: %lld kB", &kib) != 1)
            kib = -1;
    fclose(file);
    return kib < 0 ? -1 : kib * 1024;
}

int64_t process_descriptors(pid_t pid)
{
    char path[64];
    int64_t count = -2; /* "." and ".." */

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return -1;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}
