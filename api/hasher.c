/*
 * libuv's pool belongs to the whole process (files and names are looked up there too), so at most
 * `parallel` jobs are given to it; the others wait here. A worker's loop gets its jobs back through
 * uv_queue_work()'s own door, and hands the next one over: a job that waits belongs to any loop, so
 * it is woken through that loop's mailbox.
 */
#include "api/hasher.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/counters.h"
#include "api/task.h"
#include "api/worker.h"

struct hasher {
    pthread_mutex_t lock; /* guards what follows */
    int running;
    int waiting;
    struct hashing *first, **last; /* those that wait, oldest first */

    int parallel, queue, ops; /* never change */
    size_t memory_bytes;
    char
        unknown[HASHER_TEXT_BYTES]; /* what a password is compared with when the login is unknown */
};

struct hashing { /* on its task's stack */
    struct hasher *hasher;
    struct worker *worker;
    struct task *task;
    struct text password;
    const char *hash; /* NULL: make one */
    char *out;
    bool matches;
    uv_work_t work;
    struct job job;
    struct hashing *next;
};

struct hasher *hasher_create(int parallel, int queue, int ops, int memory_kib)
{
    struct hasher *hasher = xcalloc(1, sizeof(*hasher));

    hasher->parallel = parallel;
    hasher->queue = queue;
    hasher->ops = ops;
    hasher->memory_bytes = (size_t)memory_kib * 1024;
    hasher->last = &hasher->first;
    pthread_mutex_init(&hasher->lock, NULL);
    CHECK(crypto_pwhash_str(hasher->unknown, "", 0, (unsigned long long)ops,
                            hasher->memory_bytes) == 0);
    return hasher;
}

void hasher_destroy(struct hasher *hasher)
{
    if (hasher == NULL)
        return;
    CHECK(hasher->running == 0);
    pthread_mutex_destroy(&hasher->lock);
    free(hasher);
}

/* A thread of libuv's pool. */
static void hash_now(uv_work_t *work)
{
    struct hashing *hashing = container_of(work, struct hashing, work);
    const struct hasher *hasher = hashing->hasher;

    if (hashing->hash != NULL)
        hashing->matches = crypto_pwhash_str_verify(hashing->hash, hashing->password.at,
                                                    hashing->password.len) == 0;
    else
        CHECK(crypto_pwhash_str(hashing->out, hashing->password.at, hashing->password.len,
                                (unsigned long long)hasher->ops, hasher->memory_bytes) == 0);
}

static void on_hashed(uv_work_t *work, int status);

static void start_hashing(struct job *job)
{
    struct hashing *hashing = container_of(job, struct hashing, job);
    CHECK(uv_queue_work(&hashing->worker->loop, &hashing->work, hash_now, on_hashed) == 0);
}

/* The oldest that waits takes the place that became free; called with the lock. */
static struct hashing *take_next(struct hasher *hasher)
{
    struct hashing *next = hasher->first;

    if (next == NULL) {
        hasher->running--;
        return NULL;
    }
    if ((hasher->first = next->next) == NULL)
        hasher->last = &hasher->first;
    hasher->waiting--;
    return next;
}

static void on_hashed(uv_work_t *work, int status)
{
    struct hashing *hashing = container_of(work, struct hashing, work);
    struct hasher *hasher = hashing->hasher;

    pthread_mutex_lock(&hasher->lock);
    struct hashing *next = take_next(hasher);
    pthread_mutex_unlock(&hasher->lock);

    if (next != NULL && next->worker == hashing->worker)
        start_hashing(&next->job);
    else if (next != NULL)
        CHECK(worker_post(next->worker, &next->job));
    task_resume(hashing->task); /* `hashing` is gone after this */
}

static enum err run(struct hashing *hashing)
{
    struct hasher *hasher = hashing->hasher;
    bool starts, waits;

    pthread_mutex_lock(&hasher->lock);
    starts = hasher->running < hasher->parallel;
    waits = !starts && hasher->waiting < hasher->queue;
    if (starts) {
        hasher->running++;
    } else if (waits) {
        *hasher->last = hashing;
        hasher->last = &hashing->next;
        hasher->waiting++;
    }
    pthread_mutex_unlock(&hasher->lock);
    if (!starts && !waits) {
        counter_add(COUNTER_HASH_BUSY, 1);
        return ERR_BUSY;
    }

    if (starts)
        start_hashing(&hashing->job);
    task_wait();
    return ERR_OK;
}

static void init(struct hashing *hashing, struct hasher *hasher, struct worker *worker,
                 struct text password)
{
    *hashing = (struct hashing){.hasher = hasher,
                                .worker = worker,
                                .task = task_self(),
                                .password = password,
                                .job.run = start_hashing};
    CHECK(hashing->task != NULL);
}

void hasher_copy(char out[HASHER_TEXT_BYTES], struct text stored)
{
    const size_t len = stored.len < HASHER_TEXT_BYTES - 1 ? stored.len : HASHER_TEXT_BYTES - 1;

    memcpy(out, stored.at, len);
    out[len] = '\0';
}

enum err hasher_hash(struct hasher *hasher, struct worker *worker, struct text password,
                     char out[HASHER_TEXT_BYTES])
{
    struct hashing hashing;
    init(&hashing, hasher, worker, password);
    hashing.out = out;
    return run(&hashing);
}

enum err hasher_check(struct hasher *hasher, struct worker *worker, struct text password,
                      const char *hash)
{
    struct hashing hashing;
    enum err err;

    init(&hashing, hasher, worker, password);
    hashing.hash = hash != NULL ? hash : hasher->unknown;
    if ((err = run(&hashing)) != ERR_OK)
        return err;
    return hash != NULL && hashing.matches ? ERR_OK : ERR_BAD_CREDENTIALS;
}
