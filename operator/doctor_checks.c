#include "operator/doctor_checks.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/buf.h"
#include "operator/database.h"
#include "operator/fetch.h"
#include "operator/migration.h"
#include "operator/redis_probe.h"
#include "operator/report.h"

#define ANSWER_MS        3000
#define DESCRIPTORS_GOOD 65536

static void add(struct diagnosis *diagnosis, enum verdict verdict, const char *subject,
                const char *next, const char *format, ...) __attribute__((format(printf, 5, 6)));

static void add(struct diagnosis *diagnosis, enum verdict verdict, const char *subject,
                const char *next, const char *format, ...)
{
    va_list args;

    diagnosis->findings =
        xrealloc(diagnosis->findings, (diagnosis->count + 1) * sizeof(*diagnosis->findings));
    struct finding *finding = &diagnosis->findings[diagnosis->count++];
    finding->verdict = verdict;
    snprintf(finding->subject, sizeof(finding->subject), "%s", subject);
    snprintf(finding->next, sizeof(finding->next), "%s", next != NULL ? next : "");
    va_start(args, format);
    vsnprintf(finding->detail, sizeof(finding->detail), format, args);
    va_end(args);
    for (char *at = finding->detail; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            *at = ' '; /* another program's bytes, on a terminal and in JSON */
}

/* Cuts the next item off a comma-separated list; false at its end. */
static bool next_item(const char **list, char *item, size_t size)
{
    *list += strspn(*list, ", ");
    const size_t len = strcspn(*list, ", ");
    snprintf(item, size, "%.*s", (int)len, *list);
    *list += len;
    return len > 0;
}

/* ---- PostgreSQL ---- */

static void check_schema(struct diagnosis *diagnosis, struct database *database,
                         const char *schema_dir)
{
    struct reported why = {0};
    int64_t lanes = 0;
    int missing = 0;

    report_keep(&why);
    enum err err = migration_missing(database, schema_dir, &missing);
    if (err == ERR_OK && missing == 0)
        err = database_ask_number(database, &lanes, 0, "SELECT count(*) FROM public.lanes");
    report_keep(NULL);
    if (err != ERR_OK && why.what[0] != '\0')
        add(diagnosis, VERDICT_FAIL, "schema", why.next, "%s", why.what);
    else if (err != ERR_OK)
        add(diagnosis, VERDICT_FAIL, "schema", "Run parley migrate.", "the database is empty");
    else if (missing > 0)
        add(diagnosis, VERDICT_FAIL, "schema", "Run parley migrate.", "%d file%s not applied yet",
            missing, missing == 1 ? " is" : "s are");
    else if (lanes == 0)
        add(diagnosis, VERDICT_FAIL, "schema", "Run parley migrate.", "there are no lanes");
    else
        add(diagnosis, VERDICT_OK, "schema", NULL, "complete, %" PRId64 " lanes", lanes);
}

static void check_durability(struct diagnosis *diagnosis, struct database *database)
{
    int64_t volatile_settings;

    if (database_ask_number(
            database, &volatile_settings, 0,
            "SELECT count(*) FROM pg_settings WHERE (name, setting) IN (('fsync', 'off'), "
            "('full_page_writes', 'off'), ('synchronous_commit', 'off'))") != ERR_OK)
        return;
    if (volatile_settings > 0)
        add(diagnosis, VERDICT_FAIL, "durability",
            "Turn fsync, full_page_writes and synchronous_commit on.",
            "PostgreSQL acknowledges before it has written: a power failure loses messages");
    else
        add(diagnosis, VERDICT_OK, "durability", NULL, "what is acknowledged is on disk");
}

/* Does a failover lose what was acknowledged? */
static void check_standby(struct diagnosis *diagnosis, struct database *database)
{
    static const char sql[] =
        "SELECT count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')), count(*), "
        "(current_setting('synchronous_commit') = 'local')::int, "
        "pg_has_role('pg_monitor', 'USAGE')::int "
        "FROM pg_stat_replication WHERE state = 'streaming'";
    struct rows *rows;

    if (database_ask(database, &rows, sql, 0, NULL) != ERR_OK)
        return;
    const int64_t synchronous = rows_number(rows, 0, 0), all = rows_number(rows, 0, 1);
    const bool is_local = rows_number(rows, 0, 2) != 0, may_see = rows_number(rows, 0, 3) != 0;
    rows_free(rows);

    if (!may_see)
        add(diagnosis, VERDICT_WARN, "standby", "GRANT pg_monitor TO the role of db.url.",
            "this role may not see whether there is one");
    else if (synchronous > 0 && is_local)
        add(diagnosis, VERDICT_WARN, "standby", "Set synchronous_commit to on.",
            "%" PRId64 " synchronous, but commits do not wait for it (synchronous_commit = local)",
            synchronous);
    else if (synchronous > 0)
        add(diagnosis, VERDICT_OK, "standby", NULL,
            "%" PRId64 " synchronous: a failover loses nothing", synchronous);
    else if (all > 0)
        add(diagnosis, VERDICT_WARN, "standby",
            "Name it in synchronous_standby_names: docs/stores.md.",
            "%" PRId64 " asynchronous: a failover loses what was acknowledged last", all);
    else
        add(diagnosis, VERDICT_WARN, "standby",
            "For a failover that loses nothing, a synchronous one: docs/stores.md.",
            "none: if this server is lost for ever, so are its last messages");
}

/* False, and said so: what the others look at is the primary's. */
static bool check_primary(struct diagnosis *diagnosis, struct database *database)
{
    int64_t is_standby = 0;

    if (database_ask_number(database, &is_standby, 0, "SELECT pg_is_in_recovery()::int") == ERR_OK &&
        is_standby == 0)
        return true;
    add(diagnosis, VERDICT_FAIL, "PostgreSQL",
        "Name all servers in db.url, with target_session_attrs=read-write: docs/stores.md.",
        "is a standby: nothing can be written here");
    return false;
}

void check_database(struct diagnosis *diagnosis, const struct settings *settings)
{
    struct reported why = {0};
    struct database *database;

    report_keep(&why);
    const enum err err = database_open(&database, settings->db_url);
    report_keep(NULL);
    if (err != ERR_OK) {
        add(diagnosis, VERDICT_FAIL, "PostgreSQL", why.next, "%s", why.what);
        return;
    }
    const int version = database_version(database);
    add(diagnosis, VERDICT_OK, "PostgreSQL", NULL, "version %d.%d answers", version / 10000,
        version % 10000);
    if (check_primary(diagnosis, database)) {
        check_schema(diagnosis, database, settings->schema_dir);
        check_durability(diagnosis, database);
        check_standby(diagnosis, database);
    }
    database_close(database);
}

/* ---- Redis ---- */

void check_redis(struct diagnosis *diagnosis, const struct settings *settings)
{
    struct redis_probe probe;
    const enum err err = redis_probe(&probe, settings->redis_host, (int)settings->redis_port,
                                     settings->redis_password);

    if (err == ERR_BAD_CREDENTIALS)
        add(diagnosis, VERDICT_FAIL, "Redis",
            "Give the right one: redis.password, PARLEY_REDIS_PASSWORD_FILE.",
            "refuses the password: %s", probe.why);
    else if (err != ERR_OK)
        add(diagnosis, VERDICT_FAIL, "Redis",
            "Start it, or mend redis.host and redis.port. Until then all answers stay right and take longer.",
            "%s:%" PRId64 " does not answer: %s", settings->redis_host, settings->redis_port,
            probe.why);
    else if (strcmp(probe.policy, "noeviction") == 0)
        add(diagnosis, VERDICT_WARN, "Redis", "Set maxmemory-policy to allkeys-lru.",
            "answers, but refuses writes when its memory is full (noeviction)");
    else if (probe.policy[0] != '\0' && probe.maxmemory == 0)
        add(diagnosis, VERDICT_WARN, "Redis", "Set maxmemory (256mb is a good start).",
            "answers, but may take all memory of its machine");
    else
        add(diagnosis, VERDICT_OK, "Redis", NULL, "answers%s%s%s",
            probe.policy[0] != '\0' ? ", " : "", probe.policy,
            probe.persists ? "; it writes to disk, which Parley has no use for" : "");
}

/* ---- programs ---- */

static void check_ready(struct diagnosis *diagnosis, struct fetch *fetch, const char *program,
                        const char *base)
{
    struct buf url = {0}, answer = {0};
    char next[128];
    int status;

    buf_printf(&url, "%s/ready", base);
    const struct request request = {
        .method = "GET", .url = buf_cstring(&url), .timeout_ms = ANSWER_MS};
    const enum err err = fetch_run(fetch, &request, &status, &answer);
    snprintf(next, sizeof(next), "Start %s there (deploy/up), or look at its log.", program);
    if (err != ERR_OK)
        add(diagnosis, VERDICT_FAIL, program, next, "%s does not answer: %s", base,
            buf_cstring(&answer));
    else if (status != 200)
        add(diagnosis, VERDICT_FAIL, program, "Mend what it names; its log says more.",
            "%s is not ready: %d %.200s", base, status, buf_cstring(&answer));
    else
        add(diagnosis, VERDICT_OK, program, NULL, "%s is ready", base);
    buf_fini(&url);
    buf_fini(&answer);
}

void check_programs(struct diagnosis *diagnosis, const struct settings *settings)
{
    struct fetch *fetch = fetch_create();
    const char *rest = settings->gateways_url;
    char url[256];

    check_ready(diagnosis, fetch, "parley-api", settings->api_url);
    while (next_item(&rest, url, sizeof(url)))
        check_ready(diagnosis, fetch, "parley-gateway", url);
    fetch_destroy(fetch);
}

/* ---- bus ---- */

/* 0, or the errno of why nobody accepts there. */
static int try_connect(const struct addrinfo *address)
{
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    int error = errno;
    socklen_t size = sizeof(error);

    if (fd < 0)
        return error;
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        error = 0;
    else if (errno != EINPROGRESS)
        error = errno;
    else if (poll(&wait, 1, ANSWER_MS) != 1)
        error = ETIMEDOUT;
    else
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    close(fd);
    return error;
}

static const char *why_closed(const char *host, int port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char service[8];

    snprintf(service, sizeof(service), "%d", port);
    const int rv = getaddrinfo(host, service, &hints, &found);
    if (rv != 0)
        return gai_strerror(rv);
    const int error = try_connect(found);
    freeaddrinfo(found);
    return error == 0 ? NULL : strerror(error);
}

static void check_bus_address(struct diagnosis *diagnosis, const char *url)
{
    char host[128];
    int port;

    if (sscanf(url, "tcp://%127[^:]:%d", host, &port) != 2 || port < 1 || port > 65534) {
        add(diagnosis, VERDICT_FAIL, "bus", "Write tcp://host:port.", "\"%s\" is no address", url);
        return;
    }
    for (int i = 0; i < 2; i++) {
        const char *why = why_closed(host, port + i), *what = i == 0 ? "events" : "questions";
        if (why == NULL)
            add(diagnosis, VERDICT_OK, "bus", NULL, "%s:%d takes %s", host, port + i, what);
        else
            add(diagnosis, VERDICT_FAIL, "bus",
                "It is opened by parley-api (its bus.listen): start it.", "%s:%d (%s): %s", host,
                port + i, what, why);
    }
}

void check_bus(struct diagnosis *diagnosis, const struct settings *settings)
{
    const char *rest = settings->bus_urls;
    char url[256];

    while (next_item(&rest, url, sizeof(url)))
        check_bus_address(diagnosis, url);
}

/* ---- secrets, machine ---- */

static void check_secret(struct diagnosis *diagnosis, const char *folder, const char *name)
{
    struct stat about;
    char path[512], next[600];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    snprintf(next, sizeof(next), "chmod 600 %s", path);
    if (stat(path, &about) != 0)
        add(diagnosis, VERDICT_FAIL, "secrets", "deploy/up makes what is missing.", "%s: %s", path,
            strerror(errno));
    else if (about.st_size == 0)
        add(diagnosis, VERDICT_FAIL, "secrets", "Remove it; deploy/up makes what is missing.",
            "%s is empty", path);
    else if ((about.st_mode & 077) != 0)
        add(diagnosis, VERDICT_FAIL, "secrets", next, "others may read %s", path);
}

void check_secrets(struct diagnosis *diagnosis, const struct settings *settings)
{
    static const char *const names[] = {"token", "refresh", "bus", "db", "db_url", "redis"};
    const size_t before = diagnosis->count;

    if (settings->secrets_dir[0] == '\0')
        return;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        check_secret(diagnosis, settings->secrets_dir, names[i]);
    if (diagnosis->count == before)
        add(diagnosis, VERDICT_OK, "secrets", NULL, "all there, for their owner alone");
}

void check_machine(struct diagnosis *diagnosis)
{
    struct rlimit limit;

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_cur >= DESCRIPTORS_GOOD)
        add(diagnosis, VERDICT_OK, "descriptors", NULL, "%ju per process",
            (uintmax_t)limit.rlim_cur);
    else
        add(diagnosis, VERDICT_WARN, "descriptors",
            "Raise it where the programs are started: ulimit -n 1048576, LimitNOFILE=.",
            "%ju per process, one for each connection", (uintmax_t)limit.rlim_cur);
}
