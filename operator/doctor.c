#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "operator/commands.h"
#include "operator/doctor_checks.h"

static const char *const words[] = {
    [VERDICT_OK] = "ok", [VERDICT_WARN] = "warn", [VERDICT_FAIL] = "FAIL"};

static size_t count_of(const struct diagnosis *diagnosis, enum verdict verdict)
{
    size_t count = 0;
    for (size_t i = 0; i < diagnosis->count; i++)
        count += diagnosis->findings[i].verdict == verdict;
    return count;
}

static void print_text(const struct diagnosis *diagnosis)
{
    for (size_t i = 0; i < diagnosis->count; i++) {
        const struct finding *finding = &diagnosis->findings[i];
        printf("%-4s  %-14s  %s\n", words[finding->verdict], finding->subject, finding->detail);
        if (finding->next[0] != '\0')
            printf("%-4s  %-14s  -> %s\n", "", "", finding->next);
    }
    printf("%zu ok, %zu warnings, %zu failures\n", count_of(diagnosis, VERDICT_OK),
           count_of(diagnosis, VERDICT_WARN), count_of(diagnosis, VERDICT_FAIL));
}

static void print_json(const struct diagnosis *diagnosis)
{
    struct buf text_out = {0};
    struct json_out out = {.buf = &text_out};

    json_open(&out, '{');
    json_key_bool(&out, "ok", count_of(diagnosis, VERDICT_FAIL) == 0);
    json_key(&out, "findings");
    json_open(&out, '[');
    for (size_t i = 0; i < diagnosis->count; i++) {
        const struct finding *finding = &diagnosis->findings[i];
        json_open(&out, '{');
        json_key_text(&out, "subject", text(finding->subject));
        json_key_text(&out, "verdict",
                      text(finding->verdict == VERDICT_FAIL ? "fail" : words[finding->verdict]));
        json_key_text(&out, "detail", text(finding->detail));
        if (finding->next[0] != '\0')
            json_key_text(&out, "next", text(finding->next));
        json_close(&out, '}');
    }
    json_close(&out, ']');
    json_close(&out, '}');
    printf("%s\n", buf_cstring(&text_out));
    buf_fini(&text_out);
}

int command_doctor(int argc, char **argv)
{
    struct diagnosis diagnosis = {0};
    bool json;
    struct option own[] = {
        {.name = "json",
         .type = OPTION_FLAG,
         .value = &json,
         .fallback = "false",
         .help = "One JSON object instead of lines."},
    };
    struct command_line line = {
        .name = "parley doctor",
        .summary =
            "Checks everything that Parley needs and says what to do. Changes nothing; exit status 1 when "
            "something failed.",
        .uses = USES_DATABASE | USES_SCHEMA | USES_REDIS | USES_API | USES_FLEET,
        .own = own,
        .own_count = ARRAY_COUNT(own),
    };

    const struct settings *settings = settings_load(&line, argc, argv);
    check_database(&diagnosis, settings);
    check_redis(&diagnosis, settings);
    check_programs(&diagnosis, settings);
    check_bus(&diagnosis, settings);
    check_secrets(&diagnosis, settings);
    check_machine(&diagnosis);
    if (json)
        print_json(&diagnosis);
    else
        print_text(&diagnosis);
    const int status = count_of(&diagnosis, VERDICT_FAIL) == 0 ? 0 : 1;
    free(diagnosis.findings);
    return status;
}
