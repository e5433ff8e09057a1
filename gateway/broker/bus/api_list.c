#include "gateway/broker/bus/api_list.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"

/* "tcp://10.0.0.1:7800": events there, questions at the next port. False: no such address. */
static bool add_api(struct text base, char **events, char **questions)
{
    const char *colon = memrchr(base.at, ':', base.len);
    char *url = xstrndup(base.at, base.len);
    char *end = NULL;
    long port = 0;

    if (colon != NULL)
        port = strtol(url + (colon + 1 - base.at), &end, 10);
    if (colon == NULL || *end != '\0' || port < 1 || port > 65534) {
        free(url);
        return false;
    }
    struct buf next = {0};
    buf_printf(&next, "%.*s:%ld", (int)(colon - base.at), base.at, port + 1);
    *events = url;
    *questions = xstrdup(buf_cstring(&next));
    buf_fini(&next);
    return true;
}

void api_list_fini(struct api_list *apis)
{
    for (size_t i = 0; i < apis->count; i++) {
        free(apis->events[i]);
        free(apis->questions[i]);
    }
}

bool api_list_read(struct api_list *apis, const char *list)
{
    while (*list != '\0') {
        const size_t gap = strspn(list, ", ");
        const size_t len = strcspn(list += gap, ", ");
        if (len == 0)
            break;
        if (apis->count == APIS_MAX || !add_api(text_of(list, len), &apis->events[apis->count],
                                                &apis->questions[apis->count])) {
            log_error("bus.apis: %.*s is no address like tcp://127.0.0.1:7800, or one too many",
                      (int)len, list);
            return false;
        }
        apis->count++;
        list += len;
    }
    return apis->count > 0;
}
