/* A real Redis of a test's own, behind a socket in a folder of its own; it dies with the test. */
#pragma once

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct redis_server {
    char folder[64], socket[96];
    pid_t pid; /* 0: does not run */
};

static inline bool redis_server_is_installed(void)
{
    return system("redis-server --version > /dev/null 2>&1") == 0;
}

static inline void redis_server_start(struct redis_server *redis)
{
    redis->pid = fork();
    if (redis->pid != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails in a CHECK does not get to stop it */
    if (freopen("/dev/null", "w", stdout) == NULL)
        _exit(1);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", redis->socket, "--save",
           "", "--dir", redis->folder, (char *)NULL);
    _exit(127);
}

static inline void redis_server_stop(struct redis_server *redis)
{
    if (redis->pid <= 0)
        return;
    kill(redis->pid, SIGKILL);
    waitpid(redis->pid, NULL, 0);
    redis->pid = 0;
    unlink(redis->socket);
}

static inline void redis_server_create(struct redis_server *redis)
{
    snprintf(redis->folder, sizeof(redis->folder), "/tmp/parley-test-redis-XXXXXX");
    assert_non_null(mkdtemp(redis->folder));
    snprintf(redis->socket, sizeof(redis->socket), "%s/redis", redis->folder);
    redis_server_start(redis);
}

static inline void redis_server_destroy(struct redis_server *redis)
{
    redis_server_stop(redis);
    rmdir(redis->folder);
}
