#include "api/request/pages.h"

#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <uthash.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/log.h"

#define PAGES_MAX       2000
#define PAGES_BYTES_MAX (64u << 20)
#define DEPTH_MAX       8

struct entry {
    struct page page;
    UT_hash_handle hh;
};

struct pages {
    struct entry *entries; /* by path */
    size_t bytes;
};

static const char *type_of(const char *path)
{
    static const struct {
        const char *extension, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".webp", "image/webp"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".txt", "text/plain; charset=utf-8"},
        {".map", "application/json"},
    };
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot != NULL && i < ARRAY_COUNT(types); i++)
        if (strcmp(dot, types[i].extension) == 0)
            return types[i].type;
    return "application/octet-stream";
}

static void make_etag(struct page *page)
{
    unsigned char hash[crypto_generichash_BYTES];
    char hex[17];

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)page->bytes, page->len, NULL, 0);
    sodium_bin2hex(hex, sizeof(hex), hash, 8);
    snprintf(page->etag, sizeof(page->etag), "\"%s\"", hex);
}

static bool read_whole(const char *file_name, size_t size, char **out)
{
    FILE *file = fopen(file_name, "rb");
    if (file == NULL)
        return false;
    *out = xmalloc(size + 1);
    const bool good = fread(*out, 1, size, file) == size;
    fclose(file);
    if (!good)
        free(*out);
    return good;
}

static bool add_file(struct pages *pages, const char *file_name, const char *path, size_t size)
{
    struct entry *entry;

    if (HASH_COUNT(pages->entries) == PAGES_MAX || pages->bytes + size > PAGES_BYTES_MAX) {
        log_error("web: %s: more than %d files or %u bytes", file_name, PAGES_MAX, PAGES_BYTES_MAX);
        return false;
    }
    entry = xcalloc(1, sizeof(*entry));
    if (!read_whole(file_name, size, &entry->page.bytes)) {
        log_error("web: %s cannot be read", file_name);
        free(entry);
        return false;
    }
    entry->page.len = size;
    entry->page.path = xstrdup(path);
    entry->page.type = type_of(path);
    entry->page.is_hashed = strncmp(path, "assets/", 7) == 0; /* as vite names them */
    make_etag(&entry->page);
    pages->bytes += size;
    HASH_ADD_KEYPTR(hh, pages->entries, entry->page.path, strlen(entry->page.path), entry);
    return true;
}

static bool add_folder(struct pages *pages, const char *folder, const char *path, int depth)
{
    DIR *dir = depth <= DEPTH_MAX ? opendir(folder) : NULL;
    bool good = dir != NULL;

    if (dir == NULL)
        log_error("web: %s is no folder that can be read", folder);
    for (struct dirent *item; good && (item = readdir(dir)) != NULL;) {
        struct buf file_name = {0}, inner = {0};
        struct stat info;
        if (item->d_name[0] == '.')
            continue; /* itself, its parent, and what is hidden */
        buf_printf(&file_name, "%s/%s", folder, item->d_name);
        buf_printf(&inner, "%s%s%s", path, path[0] != '\0' ? "/" : "", item->d_name);
        if (stat(buf_cstring(&file_name), &info) != 0)
            info.st_mode = 0; /* a link to nowhere */
        if (S_ISDIR(info.st_mode))
            good = add_folder(pages, buf_cstring(&file_name), buf_cstring(&inner), depth + 1);
        else if (S_ISREG(info.st_mode))
            good =
                add_file(pages, buf_cstring(&file_name), buf_cstring(&inner), (size_t)info.st_size);
        buf_fini(&file_name);
        buf_fini(&inner);
    }
    if (dir != NULL)
        closedir(dir);
    return good;
}

enum err pages_load(struct pages **out, const char *dir)
{
    struct pages *pages = xcalloc(1, sizeof(*pages));

    if (dir[0] != '\0' && !add_folder(pages, dir, "", 0)) {
        pages_destroy(pages);
        return ERR_INVALID;
    }
    *out = pages;
    return ERR_OK;
}

void pages_destroy(struct pages *pages)
{
    struct entry *entry, *next;

    if (pages == NULL)
        return;
    HASH_ITER(hh, pages->entries, entry, next)
    {
        HASH_DEL(pages->entries, entry);
        free(entry->page.path);
        free(entry->page.bytes);
        free(entry);
    }
    free(pages);
}

static bool has_extension(struct text path)
{
    for (size_t i = path.len; i-- > 0 && path.at[i] != '/';)
        if (path.at[i] == '.')
            return true;
    return false;
}

static const struct page *find(const struct pages *pages, struct text path)
{
    struct entry *entry;

    HASH_FIND(hh, pages->entries, path.at, path.len, entry);
    return entry != NULL ? &entry->page : NULL;
}

const struct page *pages_find(const struct pages *pages, struct text path)
{
    struct buf index = {0};

    if (has_extension(path))
        return find(pages, path);
    buf_printf(&index, "%.*s/index.html", TEXT_ARGS(path));
    const struct page *page = find(pages, buf_text(&index));
    buf_fini(&index);
    return page != NULL ? page : find(pages, TEXT("index.html"));
}
