/*
 * A disk that is full as long as the file $FULL_DISK_FLAG is there: whatever would make a file under
 * $FULL_DISK_FOLDER longer fails with ENOSPC. Loaded into PostgreSQL (LD_PRELOAD) on machines where no
 * small disk can be mounted for it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_under(int fd, const char *folder)
{
    char link[64], path[PATH_MAX];
    ssize_t len;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    len = readlink(link, path, sizeof(path) - 1);
    return len > 0 && strncmp(path, folder, strlen(folder)) == 0;
}

static bool is_full(int fd, off_t end)
{
    const char *flag = getenv("FULL_DISK_FLAG"), *folder = getenv("FULL_DISK_FOLDER");
    struct stat stat;

    return flag != NULL && folder != NULL && access(flag, F_OK) == 0 && is_under(fd, folder) &&
           fstat(fd, &stat) == 0 && end > stat.st_size;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define GUARD(fd, end, failure)                                                                    \
    if (is_full(fd, end)) {                                                                        \
        errno = ENOSPC;                                                                            \
        return failure;                                                                            \
    }

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    GUARD(fd, at + (off_t)len, -1)
    return REAL(pwrite)(fd, bytes, len, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    GUARD(fd, at + (off_t)len, -1)
    return REAL(pwrite64)(fd, bytes, len, at);
}

static size_t length_of(const struct iovec *parts, int count)
{
    size_t len = 0;

    for (int i = 0; i < count; i++)
        len += parts[i].iov_len;
    return len;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    GUARD(fd, at + (off_t)length_of(parts, count), -1)
    return REAL(pwritev)(fd, parts, count, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at)
{
    GUARD(fd, at + (off_t)length_of(parts, count), -1)
    return REAL(pwritev64)(fd, parts, count, at);
}
