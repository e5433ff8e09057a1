#include "gateway/channels/permissions.h"

#include <stddef.h>

#include "gateway/channels/namespaces.h"

/* The three options that each action has: where they are in a namespace. */
struct rule {
    unsigned cap;
    size_t client, subscriber, anonymous;
};

#define FLAG(member)  offsetof(struct namespace, member)
#define NO_SUCH_FLAG SIZE_MAX

static const struct rule subscribe_rule = {
    CAP_SUB,
    FLAG(allow_subscribe_for_client),
    NO_SUCH_FLAG,
    FLAG(allow_subscribe_for_anonymous),
};
static const struct rule publish_rule = {
    CAP_PUB,
    FLAG(allow_publish_for_client),
    FLAG(allow_publish_for_subscriber),
    FLAG(allow_publish_for_anonymous),
};
static const struct rule presence_rule = {
    CAP_PRESENCE,
    FLAG(allow_presence_for_client),
    FLAG(allow_presence_for_subscriber),
    FLAG(allow_presence_for_anonymous),
};
static const struct rule history_rule = {
    CAP_HISTORY,
    FLAG(allow_history_for_client),
    FLAG(allow_history_for_subscriber),
    FLAG(allow_history_for_anonymous),
};

static bool is_on(const struct namespace *namespace, size_t flag)
{
    return flag != NO_SUCH_FLAG && *(const bool *)((const char *)namespace + flag);
}

static bool has_cap(const struct rule *rule, struct text channel, const struct person *person)
{
    return person->caps != NULL && (caps_allow(person->caps, channel) & rule->cap) != 0;
}

static enum access by_options(const struct namespace *namespace, const struct rule *rule,
                              const struct person *person)
{
    const bool counts = person->user.len > 0 || is_on(namespace, rule->anonymous);

    if (counts && is_on(namespace, rule->client))
        return ACCESS_GRANTED;
    if (counts && person->is_subscribed && is_on(namespace, rule->subscriber))
        return ACCESS_GRANTED;
    return person->insecure ? ACCESS_GRANTED : ACCESS_DENIED;
}

enum access permission_subscribe(const struct settings *settings,
                                 const struct namespace *namespace, struct text channel,
                                 const struct person *person)
{
    if (has_cap(&subscribe_rule, channel, person))
        return ACCESS_GRANTED;
    if (channel_is_private(settings, channel))
        return ACCESS_DENIED; /* takes a token, also when insecure */
    if (namespace->allow_user_limited_channels && channel_is_user_limited(settings, channel))
        return channel_lists_user(settings, channel, person->user) ? ACCESS_GRANTED
                                                                   : ACCESS_DENIED;
    if (namespace->subscribe_proxy_enabled)
        return ACCESS_ASK_PROXY;
    return by_options(namespace, &subscribe_rule, person);
}

enum access permission_publish(const struct settings *settings, const struct namespace *namespace,
                               struct text channel, const struct person *person)
{
    (void)settings;
    if (has_cap(&publish_rule, channel, person))
        return ACCESS_GRANTED;
    if (namespace->publish_proxy_enabled)
        return ACCESS_ASK_PROXY;
    return by_options(namespace, &publish_rule, person);
}

enum access permission_presence(const struct settings *settings, const struct namespace *namespace,
                                struct text channel, const struct person *person)
{
    (void)settings;
    if (has_cap(&presence_rule, channel, person))
        return ACCESS_GRANTED;
    return by_options(namespace, &presence_rule, person);
}

enum access permission_history(const struct settings *settings, const struct namespace *namespace,
                               struct text channel, const struct person *person)
{
    (void)settings;
    if (has_cap(&history_rule, channel, person))
        return ACCESS_GRANTED;
    return by_options(namespace, &history_rule, person);
}
