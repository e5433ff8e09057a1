#include "operator/schema_files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "operator/report.h"

#define NUMBER_DIGITS 4

/* "NNNN_name.sql" */
static int is_schema_file(const struct dirent *entry)
{
    const char *name = entry->d_name;
    const size_t len = strlen(name);

    for (int i = 0; i < NUMBER_DIGITS; i++)
        if (!isdigit((unsigned char)name[i]))
            return 0;
    return name[NUMBER_DIGITS] == '_' && len > strlen("0000_.sql") &&
           strcmp(name + len - strlen(".sql"), ".sql") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* alphasort() would ask the locale */
}

/* The schema that belongs to this very program; NULL when none does. */
static char *own_folder(void)
{
    static const char *const places[] = {"../../schema", "../share/parley/schema"};
    char program[PATH_MAX] = "", *folder = NULL;

    if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
        return NULL;
    *strrchr(program, '/') = '\0';
    for (size_t i = 0; i < ARRAY_COUNT(places) && folder == NULL; i++) {
        char *candidate;
        CHECK(asprintf(&candidate, "%s/%s", program, places[i]) >= 0);
        folder = realpath(candidate, NULL);
        free(candidate);
    }
    return folder;
}

static enum err check_numbers(const struct schema_files *files)
{
    for (size_t i = 1; i < files->count; i++)
        if (strncmp(files->names[i - 1], files->names[i], NUMBER_DIGITS) == 0) {
            report("Give the newer one the next free number.", "%s: %s and %s have the same number",
                   files->folder, files->names[i - 1], files->names[i]);
            return ERR_CONFLICT;
        }
    return ERR_OK;
}

static char *find_folder(const char *folder, const char *below)
{
    char *base = folder[0] != '\0' ? xstrdup(folder) : own_folder(), *whole;

    if (base == NULL)
        base = xstrdup("schema"); /* for the report: most likely it is not there */
    if (below == NULL)
        return base;
    CHECK(asprintf(&whole, "%s/%s", base, below) >= 0);
    free(base);
    return whole;
}

enum err schema_files_list(struct schema_files *files, const char *folder, const char *below)
{
    struct dirent **entries = NULL;

    *files = (struct schema_files){.folder = find_folder(folder, below)};
    const int found = scandir(files->folder, &entries, is_schema_file, by_name);
    if (found <= 0) {
        report("Say where the files are with --schema.dir=FOLDER.", "%s: %s", files->folder,
               found < 0 ? strerror(errno) : "no files NNNN_name.sql in it");
        free(entries);
        return ERR_NOT_FOUND;
    }
    files->names = xcalloc((size_t)found, sizeof(*files->names));
    for (int i = 0; i < found; i++) {
        files->names[files->count++] = xstrdup(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return check_numbers(files);
}

void schema_files_fini(struct schema_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->names[i]);
    free(files->names);
    free(files->folder);
    *files = (struct schema_files){0};
}

static enum err read_whole(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "re");
    size_t got = 0;

    while (file != NULL && (got = fread(buf_reserve(out, 4096), 1, 4096, file)) > 0)
        out->len += got;
    const bool failed = file == NULL || ferror(file);
    if (failed)
        report(NULL, "cannot read %s: %s", path, strerror(errno));
    if (file != NULL)
        fclose(file);
    return failed ? ERR_NOT_FOUND : ERR_OK;
}

static void add_replaced(struct buf *out, const char *sql, const char *lane)
{
    static const char word[] = "{lane}";

    for (const char *hit; (hit = strstr(sql, word)) != NULL; sql = hit + strlen(word)) {
        buf_add(out, sql, (size_t)(hit - sql));
        buf_add_text(out, text(lane));
    }
    buf_add_text(out, text(sql));
}

enum err schema_files_read(const struct schema_files *files, size_t index, const char *lane,
                           struct buf *out)
{
    struct buf plain = {0};
    char *path;

    CHECK(asprintf(&path, "%s/%s", files->folder, files->names[index]) >= 0);
    const enum err err = read_whole(path, &plain);
    if (err == ERR_OK && lane != NULL)
        add_replaced(out, buf_cstring(&plain), lane);
    else if (err == ERR_OK)
        buf_add_text(out, buf_text(&plain));
    free(path);
    buf_fini(&plain);
    return err;
}
