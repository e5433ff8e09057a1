/* The gateway's configuration file: whatever it holds is read, or refused with one line. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gateway/channels/namespaces.h"
#include "gateway/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted keeps the promises of settings.h. */
static void check_promises(const struct settings *settings)
{
    for (size_t i = 0; i < settings->channel.namespace_count; i++) {
        const struct namespace *namespace = &settings->channel.namespaces[i];
        CHECK(namespace_named(settings, text(namespace->name)) == namespace);
        CHECK((namespace->history_size > 0) == (namespace->history_ttl_ms > 0));
        CHECK(namespace->history_meta_ttl_ms > 0);
        CHECK((namespace->regex != NULL) == (namespace->channel_regex[0] != '\0'));
        (void)channel_check_name(settings, namespace, TEXT("$news:go#42,43"));
    }
    CHECK(settings->gateway.broker != BROKER_AUTO);
    CHECK(settings->client.ping_interval_ms == 0 ||
          settings->client.pong_timeout_ms < settings->client.ping_interval_ms);
    CHECK(strlen(settings->channel.private_prefix) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings;
    struct options_notes notes = {0};

    if (memmem(data, size, "file", 4) != NULL)
        return 0; /* would read secrets from anywhere */
    const bool good = settings_read(&settings, text_of(data, size), "c", &notes);
    CHECK(good == (notes.error.len == 0));
    CHECK(notes.error.len == 0 || memchr(notes.error.at, '\n', notes.error.len) == NULL);
    if (good)
        check_promises(&settings);
    settings_fini(&settings);
    options_notes_fini(&notes);
    return 0;
}
