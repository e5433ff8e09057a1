#include "gateway/outside/http_url.h"

const char *http_url_wrong(struct text url)
{
    const bool plain = text_starts(url, TEXT("http://"));

    if (text_starts(url, TEXT("grpc://")))
        return "grpc:// is not supported, only http:// and https://";
    if (!plain && !text_starts(url, TEXT("https://")))
        return "begins with neither http:// nor https://";
    const struct text rest = text_after(url, plain ? 7 : 8);
    if (rest.len == 0 || strchr("/?#:", rest.at[0]) != NULL)
        return "has no host";
    for (size_t i = 0; i < rest.len; i++)
        if ((unsigned char)rest.at[i] <= 0x20 || rest.at[i] == 0x7f)
            return "has a space or a control character";
    return NULL;
}
