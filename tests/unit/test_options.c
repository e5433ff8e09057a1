#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/options.h"
#include "base/version.h"

static struct {
    int64_t port;
    char *host, *key, *note;
    bool quiet;
    int format;
} config;

static const char *const formats[] = {"auto", "text", "json", NULL};

static struct option table[] = {
    {"http.host", OPTION_TEXT, &config.host, "127.0.0.1", .help = "Address to listen on."},
    {"http.port", OPTION_NUMBER, &config.port, "8000", NULL, 1, 65535,
     .help = "Port to listen on."},
    {"log.format", OPTION_CHOICE, &config.format, "auto", .choices = formats,
     .help = "How lines look."},
    {"log.quiet-start", OPTION_FLAG, &config.quiet, "false", .help = "Say less."},
    {"token.key", OPTION_SECRET, &config.key, NULL, .help = "Signs tokens."},
    {"note", OPTION_TEXT, &config.note, NULL, .optional = true, .help = "Whatever."},
};

/* A second program, with the types that files of other products need. */
static struct {
    int64_t wait_ms, grace_ms, limit;
    struct option_list origins, names;
    unsigned events;
    char *address, *secret;
    bool on;
} more;

/* Keeps the names of a list of {"name", "on"}. */
static bool read_names(void *value, struct json_value json, struct option_place place,
                       struct options_notes *notes)
{
    struct option_list *list = value;
    static const struct option_foreign foreign[] = {{"old", NULL, false}, {NULL, NULL, false}};

    for (struct json_iter it = json_iter(json); json_next(&it);) {
        char *name = NULL;
        bool on = false;
        struct option rows[] = {
            {"name", OPTION_TEXT, &name, NULL},
            {"on", OPTION_FLAG, &on, "false"},
        };
        if (!options_read_object(&(struct options_object){rows, ARRAY_COUNT(rows), foreign, place,
                                                          "names.chat"},
                                 it.value, notes))
            return false;
        list->at = xrealloc(list->at, (list->count + 1) * sizeof(*list->at));
        list->at[list->count++] = name;
        more.on |= on;
    }
    return true;
}

static bool check_more(void *context, struct options_notes *notes)
{
    (void)context;
    return more.grace_ms < more.wait_ms ||
           options_fail(notes, "client.grace must be below client.wait");
}

static const char *const events[] = {"connect", "disconnect", NULL};
static struct option more_table[] = {
    {"client.wait", OPTION_DURATION, &more.wait_ms, "25s", .min = 10, .max = 3600000,
     .help = "Patience."},
    {"client.grace", OPTION_DURATION, &more.grace_ms, "8s", .min = -1, .max = 60000,
     .help = "Mercy."},
    {"client.limit", OPTION_NUMBER, &more.limit, "128", "channels", 1, 100000, .help = "Most."},
    {"client.origins", OPTION_LIST, &more.origins, "a b", .help = "Pages."},
    {"events", OPTION_SET, &more.events, "connect", .choices = events, .help = "What is told."},
    {"names", OPTION_JSON, &more.names, "[]", .named = true, .read = read_names,
     .help = "Things."},
    {"server.address", OPTION_TEXT, &more.address, "here", .also = "http.host", .brief = "at",
     .help = "Where."},
    {"key", OPTION_SECRET, &more.secret, NULL, .optional = true, .help = "Opens."},
    {"on", OPTION_FLAG, &more.on, "false", .help = "Light."},
};
static const struct option_foreign foreign_names[] = {
    {"consumers", NULL, false},      {"engine.type", "memory", false}, {"engine", NULL, false},
    {"client.speed", "fast", false}, {"model", "stream", true},        {NULL, NULL, false},
};
static struct options more_options = {
    .program = "parley-more",
    .summary = "Another.",
    .table = more_table,
    .count = ARRAY_COUNT(more_table),
    .product = "Otherproduct",
    .foreign = foreign_names,
    .check = check_more,
};

static struct options options;
static char output[32768]; /* of the last run(): both streams */

/* Loads in a child, with the words as command line; returns its exit status, 0 when it went on. */
static int run(const char *words)
{
    char copy[1024], *argv[16] = {"parley-test"};
    int argc = 1, status, ends[2];
    size_t len = 0;

    snprintf(copy, sizeof(copy), "%s", words);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    fflush(NULL);
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        options_load(&options, argc, argv);
        printf("%s %d %s %d %d %s", config.host, (int)config.port, config.key, config.quiet,
               config.format, config.note != NULL ? config.note : "-");
        for (int i = 0; i < options.operand_count; i++)
            printf(" +%s", options.operands[i]);
        fflush(stdout);
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t count; (count = read(ends[0], output + len, sizeof(output) - 1 - len)) > 0;)
        len += (size_t)count;
    output[len] = '\0';
    close(ends[0]);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char file_path[] = "/tmp/parley-test-options-XXXXXX";

/* Until the next one, or the end. */
static const char *file_with(const char *content, mode_t mode)
{
    unlink(file_path);
    strcpy(file_path + sizeof(file_path) - 7, "XXXXXX");
    const int file = mkstemp(file_path);
    assert_true(file >= 0);
    assert_int_equal(write(file, content, strlen(content)), strlen(content));
    fchmod(file, mode);
    close(file);
    return file_path;
}

static int run_with(const char *format, const char *path)
{
    char words[256];
    snprintf(words, sizeof(words), format, path);
    return run(words);
}

/* One line, exit status 2, and `part` is in it. */
static void stops(const char *words, const char *part)
{
    const int status = run(words);
    if (status != 2 || strstr(output, part) == NULL ||
        strchr(output, '\n') != output + strlen(output) - 1)
        fail_msg("%s: status %d: %s", words, status, output);
}

static void defaults_fill_what_nobody_gave(void **state)
{
    assert_int_equal(run("--token.key=k"), 0);
    assert_string_equal(output, "127.0.0.1 8000 k 0 0 -");
}

static void every_type_is_read_from_the_command_line(void **state)
{
    assert_int_equal(run("--http.host=::1 --http.port 9 --log.format=json --log.quiet-start "
                         "--token.key=a=b --note="),
                     0);
    assert_string_equal(output, "::1 9 a=b 1 2 ");
    assert_int_equal(run("--token.key=k --log.quiet-start=YES --log.quiet-start=no"), 0);
    assert_string_equal(output, "127.0.0.1 8000 k 0 0 -");
}

static void the_nearer_source_wins(void **state)
{
    const char *path = file_with("# a comment\n\n http.port = 1001 \nhttp.host=file\n"
                                 "token.key = s#1\r\nnote = from the file\n",
                                 0600);
    setenv("PARLEY_HTTP_HOST", "env", 1);
    setenv("PARLEY_LOG_QUIET_START", "1", 1);
    setenv("PARLEY_NOTE", "", 1); /* as if it were not there */
    setenv("PARLEY_SOMETHING_ELSE", "x", 1);
    assert_int_equal(run_with("--config=%s --http.port=7", path), 0);
    assert_string_equal(output, "env 7 s#1 1 0 from the file");
    setenv("PARLEY_CONFIG", path, 1);
    assert_int_equal(run("--http.host=line"), 0);
    assert_string_equal(output, "line 1001 s#1 1 0 from the file");
    unlink(path);
    assert_int_equal(run(""), 2);
    unsetenv("PARLEY_CONFIG");
    unsetenv("PARLEY_HTTP_HOST");
    unsetenv("PARLEY_LOG_QUIET_START");
    unsetenv("PARLEY_NOTE");
    unsetenv("PARLEY_SOMETHING_ELSE");
}

static void a_bad_value_stops_with_one_line(void **state)
{
    stops("--token.key=k --http.port=0", "--http.port: \"0\"");
    stops("--token.key=k --http.port=65536", "a whole number from 1 to 65535");
    stops("--token.key=k --http.port=", "--http.port");
    stops("--token.key=k --http.port=8k", "8k");
    stops("--token.key=k --http.port=+8", "+8");
    stops("--token.key=k --http.port=99999999999999999999", "http.port");
    stops("--token.key=k --log.quiet-start=maybe", "true or false");
    stops("--token.key=k --log.format=JSON", "one of: auto, text, json");
    stops("", "token.key is required");
    stops("--token.key=", "empty");
    setenv("PARLEY_HTTP_PORT", "x", 1);
    stops("--token.key=k", "PARLEY_HTTP_PORT: \"x\"");
    unsetenv("PARLEY_HTTP_PORT");
}

static void an_unknown_word_stops_with_one_line(void **state)
{
    stops("--token.key=k --nothing=1", "--nothing");
    stops("--token.key=k --http.port.file=x", "--http.port.file");
    stops("--token.key=k -x", "-x");
    stops("--token.key=k word", "word");
    stops("--token.key=k --http.port", "needs a value");
    stops("--config=/nonexistent/x", "/nonexistent/x");
    stops("--help=1", "--help");
}

static void operands_are_kept_in_order(void **state)
{
    options.takes_operands = true;
    assert_int_equal(run("migrate --token.key=k now - -- --http.port=x"), 0);
    assert_string_equal(output, "127.0.0.1 8000 k 0 0 - +migrate +now +- +--http.port=x");
    options.takes_operands = false;
}

static void a_bad_file_names_its_line(void **state)
{
    const char *path = file_with("token.key = k\nhttp.port = none\n", 0600);
    assert_int_equal(run_with("--config=%s", path), 2);
    assert_non_null(strstr(output, ":2: \"none\""));
    unlink(path);
    path = file_with("\nwords only\n", 0600);
    assert_int_equal(run_with("--config %s", path), 2);
    assert_non_null(strstr(output, ":2: expected"));
    unlink(path);
}

static void other_programs_names_in_the_file_are_passed_over(void **state)
{
    const char *path = file_with("token.key = k\ngateway.threads = 2\nbus.x = 1\n", 0600);
    assert_int_equal(run_with("--config=%s", path), 0);
    assert_non_null(strstr(output, "ignored: gateway.threads bus.x\n"));
    assert_non_null(strstr(output, "127.0.0.1 8000 k"));
    unlink(path);
}

static void a_secret_comes_from_its_file(void **state)
{
    const char *path = file_with("from a file\n\n", 0600);
    assert_int_equal(run_with("--token.key.file=%s", path), 0);
    assert_string_equal(output, "127.0.0.1 8000 from a file 0 0 -");
    setenv("PARLEY_TOKEN_KEY_FILE", path, 1);
    assert_int_equal(run(""), 0);
    assert_string_equal(output, "127.0.0.1 8000 from a file 0 0 -");
    assert_int_equal(run("--token.key=nearer"), 0);
    assert_string_equal(output, "127.0.0.1 8000 nearer 0 0 -");
    unsetenv("PARLEY_TOKEN_KEY_FILE");
    chmod(path, 0644);
    assert_int_equal(run_with("--token.key.file=%s", path), 0);
    assert_non_null(strstr(output, "everybody"));
    unlink(path);
    stops("--token.key.file=/nonexistent/key", "/nonexistent/key");
    path = file_with("\n", 0600);
    assert_int_equal(run_with("--token.key.file=%s", path), 2);
    unlink(path);
}

static void check_config_shows_values_and_hides_secrets(void **state)
{
    assert_int_equal(run("--check-config --token.key=hush --http.port=81"), 0);
    assert_non_null(strstr(output, "http.port = 81  # --http.port\n"));
    assert_non_null(strstr(output, "http.host = 127.0.0.1  # default\n"));
    assert_non_null(strstr(output, "log.format = auto  # default\n"));
    assert_null(strstr(output, "hush"));
    assert_int_equal(run("--check-config --token.key=hush --http.port=x"), 2);
    assert_null(strstr(output, "hush"));
}

static void help_and_version_need_no_values(void **state)
{
    assert_int_equal(run("--help"), 0);
    assert_non_null(strstr(output, "The test's summary."));
    assert_non_null(strstr(output,
                           "--http.port=NUMBER\n        Port to listen on.\n        a whole "
                           "number from 1 to 65535; default 8000\n"));
    assert_non_null(strstr(output, "\n\nlog\n  --log.format"));
    assert_int_equal(run("-h"), 0);
    assert_int_equal(run("--version"), 0);
    assert_string_equal(output, "parley-test " PARLEY_VERSION "\n");
}

static void the_printed_defaults_are_a_file_that_can_be_read(void **state)
{
    assert_int_equal(run("--print-defaults"), 0);
    assert_non_null(strstr(output, "\n#http.port = 8000\n"));
    const char *path = file_with(output, 0600);
    assert_int_equal(run_with("--config=%s --token.key=k", path), 0);
    assert_string_equal(output, "127.0.0.1 8000 k 0 0 -");
    unlink(path);
}

/* ---- types and files of the second program ---- */

static void reset_more(void)
{
    options_free(more_table, ARRAY_COUNT(more_table));
    for (size_t i = 0; i < more.names.count; i++)
        free(more.names.at[i]);
    free(more.names.at);
    memset(&more, 0, sizeof(more));
}

static bool reads(const char *file, struct options_notes *notes)
{
    *notes = (struct options_notes){0};
    reset_more();
    return options_read(&more_options, text(file), "c.json", notes);
}

static void accepts(const char *file)
{
    struct options_notes notes;

    if (!reads(file, &notes))
        fail_msg("%s: %s", file, buf_cstring(&notes.error));
    assert_int_equal(notes.foreign.len + notes.unknown.len, 0);
    options_notes_fini(&notes);
}

static void refuses(const char *file, const char *why)
{
    struct options_notes notes;

    if (reads(file, &notes) || notes.error.len == 0 || strstr(buf_cstring(&notes.error), why) == NULL)
        fail_msg("%s: %s instead of %s", file, buf_cstring(&notes.error), why);
    options_notes_fini(&notes);
}

static void durations_are_those_of_go(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"25s", 25000},  {"300ms", 300},   {"1h", 3600000},      {"1m30s", 90000},
        {"1.5s", 1500},  {"0.25m", 15000}, {"10000000ns", 10},   {"20000us", 20},
        {"+2s", 2000},   {"0h0m9s", 9000}, {"10000\xc2\xb5s", 10},
    };
    static const char *const bad[] = {"5",     "25",   "s",    "1d",    "1 s",   "2h",    "9ms",
                                      "1500us", "-25s", "1s5",   "1.s.",  "0",     "1e3s",
                                      "-1",    "99999999999999999999s", "9223372036854775807h"};
    char line[64];

    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        snprintf(line, sizeof(line), "client.wait = %s\nclient.grace = 0", good[i].text);
        accepts(line);
        assert_int_equal(more.wait_ms, good[i].ms);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        snprintf(line, sizeof(line), "client.wait = %s", bad[i]);
        refuses(line, "client.wait, which is a duration such as 300ms, 25s or 1h30m, from 10ms to 1h");
    }
    accepts("client.grace = -1");
    assert_int_equal(more.grace_ms, -1);
}

static void lists_are_words_or_arrays(void **state)
{
    accepts("client.origins = https://a.example, https://b.example  c");
    assert_int_equal(more.origins.count, 3);
    assert_string_equal(more.origins.at[1], "https://b.example");
    accepts("client.origins = [\"a b\", \"c\"]");
    assert_string_equal(more.origins.at[0], "a b");
    accepts("{\"client\": {\"origins\": []}}");
    assert_int_equal(more.origins.count, 0);
    accepts("");
    assert_int_equal(more.origins.count, 2);
    refuses("{\"client\": {\"origins\": [1]}}", "c.json: client.origins: a list of words was expected");
    accepts("events = disconnect");
    assert_int_equal(more.events, 2);
    accepts("{\"events\": [\"connect\", \"disconnect\"]}");
    assert_int_equal(more.events, 3);
    refuses("events = connect, begin", "a list of: connect, disconnect");
}

static void a_json_file_nests_where_names_have_dots(void **state)
{
    accepts(" \n{\"client\": {\"wait\": \"1s\", \"grace\": 0, \"limit\": 7}, \"on\": true, "
            "\"server\": {\"address\": \"there\"}, \"key\": \"s\"}");
    assert_int_equal(more.wait_ms, 1000);
    assert_int_equal(more.grace_ms, 0);
    assert_int_equal(more.limit, 7);
    assert_true(more.on);
    assert_string_equal(more.address, "there");
    assert_string_equal(more.secret, "s");
    accepts("{\"client.limit\": \"9\", \"http\": {\"host\": \"old\"}, \"on\": \"yes\"}");
    assert_int_equal(more.limit, 9);
    assert_string_equal(more.address, "old");
}

static void null_and_emptiness_in_json_mean_not_set(void **state)
{
    accepts("{\"client\": {\"wait\": null, \"limit\": \"\"}, \"key\": \"\", \"server\": {\"address\": \"\"}}");
    assert_int_equal(more.wait_ms, 25000);
    assert_int_equal(more.limit, 128);
    assert_null(more.secret);
    assert_string_equal(more.address, ""); /* a text may be empty */
}

static void wrong_types_in_json_name_their_path(void **state)
{
    refuses("{\"client\": {\"limit\": true}}",
            "c.json: client.limit: a whole number from 1 to 100000 (channels) was expected, not true or false");
    refuses("{\"client\": {\"limit\": 0}}", "c.json: client.limit: a whole number from 1 to 100000");
    refuses("{\"client\": {\"limit\": 1.5}}", "not 1.5");
    refuses("{\"client\": {\"limit\": {}}}", "not an object");
    refuses("{\"client\": {\"wait\": 25}}", "c.json: client.wait: a duration");
    refuses("{\"on\": 1}", "c.json: on: true or false was expected, not a number");
    refuses("{\"server\": {\"address\": 1}}", "server.address: a text was expected");
    refuses("{\"names\": {}}", "c.json: names: a JSON array was expected");
    refuses("{\"key\": 12345}", "c.json: key: a secret");
    refuses("{\"on\": true", "c.json: not JSON: ");
}

static void objects_in_a_list_have_options_of_their_own(void **state)
{
    struct options_notes notes;

    accepts("{\"names\": [{\"name\": \"chat\"}, {\"name\": \"news\", \"on\": true}]}");
    assert_int_equal(more.names.count, 2);
    assert_string_equal(more.names.at[1], "news");
    accepts("names = chat news");
    assert_int_equal(more.names.count, 2);
    refuses("{\"names\": [{\"on\": true}]}", "c.json: names.name is required");
    refuses("{\"names\": [{\"name\": \"chat\", \"on\": 3}]}", "c.json: names.on: true or false");
    refuses("{\"names\": [7]}", "c.json: names: an object was expected");
    assert_true(reads("{\"names\": [{\"name\": \"a\", \"old\": {\"x\": 1}, \"new\": 1}]}", &notes));
    assert_string_equal(buf_cstring(&notes.foreign), " names.old");
    assert_string_equal(buf_cstring(&notes.unknown), " names.new");
    options_notes_fini(&notes);
    setenv("PARLEY_NAMES_CHAT_ON", "true", 1);
    accepts("names = chat");
    assert_true(more.names.count == 1);
    unsetenv("PARLEY_NAMES_CHAT_ON");
}

static void what_another_product_knows_is_named_unless_it_asks_for_nothing(void **state)
{
    struct options_notes notes;

    accepts("{\"consumers\": [], \"engine\": {\"type\": \"memory\", \"redis\": {\"address\": \"\"}}, "
            "\"client\": {\"speed\": \"fast\"}, \"model\": \"stream\"}");
    accepts("engine.type = memory\nconsumers = []\n");
    accepts("{\"engine\": {\"redis\": {\"enabled\": false, \"address\": \"x\"}}}");
    assert_true(reads("{\"engine\": {\"type\": \"redis\", \"redis\": {\"address\": \"x\"}}, "
                      "\"consumers\": [1], \"what\": {\"is\": {\"this\": 1}}, \"client\": {\"odd\": 0}}",
                      &notes));
    assert_string_equal(buf_cstring(&notes.foreign), " engine.type engine.redis consumers");
    assert_string_equal(buf_cstring(&notes.unknown), " what.is.this client.odd");
    options_notes_fini(&notes);
    refuses("{\"model\": \"map\"}", "c.json: model: \"map\" is not supported here");
    refuses("model = map", "model: \"map\" is not supported here");
}

static void yaml_and_toml_are_refused_by_name(void **state)
{
    struct options_notes notes = {0};

    assert_false(options_read(&more_options, TEXT("on: true"), "/etc/c.yaml", &notes));
    assert_non_null(strstr(buf_cstring(&notes.error), "YAML and TOML are not read"));
    options_notes_fini(&notes);
    refuses("on: true", "c.json:1: expected `name = value`");
}

static void values_are_looked_at_together(void **state)
{
    refuses("client.wait = 5s", "client.grace must be below client.wait");
}

static void what_is_another_programs_in_its_file_is_not_worth_a_word(void **state)
{
    const struct options first = options;

    options = more_options;
    options.reads_others_files = true;
    reset_more();
    const char *path = file_with("{\"what\": 1, \"client\": {\"limit\": 5}, \"token\": {}, "
                                 "\"server\": {\"address\": {\"of\": 1}}}",
                                 0600);
    if (run_with("-c %s --check-config", path) != 0) fail_msg("%s", output);
    assert_null(strstr(output, "what"));
    assert_non_null(strstr(output, "client.limit = 5  # "));
    options = first;
}

static void the_second_program_starts_from_all_sources(void **state)
{
    const struct options first = options;

    options = more_options;
    reset_more();
    setenv("PARLEY_ENGINE_TYPE", "redis", 1);
    setenv("PARLEY_HTTP_HOST", "second name", 1);
    const char *path = file_with("{\"what\": 1, \"client\": {\"limit\": 5}, \"consumers\": [1]}", 0600);
    if (run_with("-c %s --at=there --check-config", path) != 0) fail_msg("%s", output);
    assert_non_null(strstr(output, "parley-more: known to Otherproduct but not supported here, "
                                   "ignored: consumers PARLEY_ENGINE_TYPE\n"));
    assert_non_null(strstr(output, ": unknown, ignored: what\n"));
    assert_non_null(strstr(output, "client.limit = 5  # "));
    assert_non_null(strstr(output, "client.wait = 25s  # default\n"));
    assert_non_null(strstr(output, "client.origins = a b  # default\n"));
    assert_non_null(strstr(output, "server.address = there  # --at\n"));
    assert_int_equal(run("--check-config"), 0);
    assert_non_null(strstr(output, "server.address = second name  # PARLEY_HTTP_HOST\n"));
    unsetenv("PARLEY_HTTP_HOST");
    unsetenv("PARLEY_ENGINE_TYPE");
    unlink(path);
    stops("--client.wait=5s", "client.grace must be below");
    stops("--names={}", "--names: a JSON array was expected");
    options = first;
}

static void the_printed_defaults_are_read_back_in_every_form(void **state)
{
    const struct options first = options;

    options = more_options;
    reset_more();
    assert_int_equal(run("--print-defaults=json"), 0);
    accepts(output);
    assert_int_equal(more.limit, 128);
    assert_string_equal(more.address, "here");
    assert_int_equal(run("--print-defaults=env"), 0);
    assert_non_null(strstr(output, "PARLEY_CLIENT_WAIT=25s\nPARLEY_CLIENT_GRACE=8s\n"));
    assert_non_null(strstr(output, "\nPARLEY_KEY=\n"));
    assert_int_equal(run("--print-defaults"), 0);
    accepts(output);
    options = first;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_fill_what_nobody_gave),
        cmocka_unit_test(every_type_is_read_from_the_command_line),
        cmocka_unit_test(the_nearer_source_wins),
        cmocka_unit_test(a_bad_value_stops_with_one_line),
        cmocka_unit_test(an_unknown_word_stops_with_one_line),
        cmocka_unit_test(operands_are_kept_in_order),
        cmocka_unit_test(a_bad_file_names_its_line),
        cmocka_unit_test(other_programs_names_in_the_file_are_passed_over),
        cmocka_unit_test(a_secret_comes_from_its_file),
        cmocka_unit_test(check_config_shows_values_and_hides_secrets),
        cmocka_unit_test(help_and_version_need_no_values),
        cmocka_unit_test(the_printed_defaults_are_a_file_that_can_be_read),
        cmocka_unit_test(durations_are_those_of_go),
        cmocka_unit_test(lists_are_words_or_arrays),
        cmocka_unit_test(a_json_file_nests_where_names_have_dots),
        cmocka_unit_test(null_and_emptiness_in_json_mean_not_set),
        cmocka_unit_test(wrong_types_in_json_name_their_path),
        cmocka_unit_test(objects_in_a_list_have_options_of_their_own),
        cmocka_unit_test(what_another_product_knows_is_named_unless_it_asks_for_nothing),
        cmocka_unit_test(yaml_and_toml_are_refused_by_name),
        cmocka_unit_test(values_are_looked_at_together),
        cmocka_unit_test(what_is_another_programs_in_its_file_is_not_worth_a_word),
        cmocka_unit_test(the_second_program_starts_from_all_sources),
        cmocka_unit_test(the_printed_defaults_are_read_back_in_every_form),
    };
    options = (struct options){.program = "parley-test",
                               .summary = "The test's summary.",
                               .table = table,
                               .count = ARRAY_COUNT(table)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    reset_more();
    unlink(file_path);
    return failed;
}
