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

static const char *file_with(const char *content, mode_t mode)
{
    static char path[] = "/tmp/parley-test-options-XXXXXX";
    strcpy(path + sizeof(path) - 7, "XXXXXX");
    const int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, content, strlen(content)), strlen(content));
    fchmod(file, mode);
    close(file);
    return path;
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
    };
    options = (struct options){.program = "parley-test",
                               .summary = "The test's summary.",
                               .table = table,
                               .count = ARRAY_COUNT(table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
