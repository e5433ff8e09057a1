#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "operator/commands.h"
#include "operator/report.h"

#define GATEWAY "parley-gateway"

/* The gateway beside this program; false: this program's own place is not known. */
static bool find_gateway(char path[PATH_MAX])
{
    const ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);

    if (len < 0)
        return false;
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL || (size_t)(slash - path) + sizeof("/" GATEWAY) > PATH_MAX)
        return false;
    strcpy(slash + 1, GATEWAY);
    return true;
}

/* Becomes the gateway, which knows its options; comes back only when that cannot be. */
static int run_gateway(const char *action, int argc, char **argv)
{
    char path[PATH_MAX];
    char **words = xcalloc((size_t)argc + 3, sizeof(*words)), **next = words;

    *next++ = GATEWAY;
    *next++ = (char *)action;
    if (argc == 2 && argv[1][0] != '-') /* the one word can only be the file */
        *next++ = "--config";
    for (int i = 1; i < argc; i++)
        *next++ = argv[i];
    if (!find_gateway(path)) {
        report(NULL, "cannot find out where this program is: %s", strerror(errno));
    } else {
        fflush(stdout);
        execv(path, words);
        report("It belongs beside parley; install it there, or run parley-gateway --check-config, "
               "--print-defaults=json or --print-defaults=env yourself.",
               "cannot run %s: %s", path, strerror(errno));
    }
    free(words);
    return 1;
}

static bool asks_for_help(int argc, char **argv)
{
    return argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
}

static int refuse_words(const char *command, const char *word)
{
    report(NULL, "%s takes no options, but \"%s\" was given", command, word);
    return 2;
}

int command_checkconfig(int argc, char **argv)
{
    if (asks_for_help(argc, argv)) {
        printf("Reads the gateway's configuration as the gateway would, without starting anything.\n"
               "\nUsage: parley checkconfig [--config] FILE\n"
               "\nFILE is JSON, also one of Centrifugo v6, or has lines `name = value`; PARLEY_...\n"
               "variables of this environment count as they do for the gateway. When all is well,\n"
               "every value in force and where it comes from is listed (secrets hidden) and the\n"
               "exit status is 0; otherwise one line says what is wrong, and it is 2. Names that\n"
               "the gateway does not know are listed first. What you set yourself:\n"
               "parley checkconfig --config FILE | grep -v '# default'\n");
        return 0;
    }
    return run_gateway("--check-config", argc, argv);
}

int command_defaultconfig(int argc, char **argv)
{
    if (asks_for_help(argc, argv)) {
        printf("Prints a configuration of the gateway with every option and its default, as JSON.\n"
               "\nUsage: parley defaultconfig >gateway.json\n"
               "\nKeep what you change and drop the rest: what a file does not say has its default\n"
               "anyway. null means not set. Then: parley-gateway --config gateway.json\n"
               "What the options mean: parley-gateway --help\n");
        return 0;
    }
    if (argc > 1)
        return refuse_words("parley defaultconfig", argv[1]);
    return run_gateway("--print-defaults=json", argc, argv);
}

int command_defaultenv(int argc, char **argv)
{
    if (asks_for_help(argc, argv)) {
        printf("Prints every option of the gateway as an environment variable with its default.\n"
               "\nUsage: parley defaultenv >gateway.env\n"
               "\nA variable goes before the configuration file; an empty one counts as not set.\n"
               "Options of a namespace or a proxy that a list names have the name in theirs:\n"
               "PARLEY_CHANNEL_NAMESPACES='chat news' PARLEY_CHANNEL_NAMESPACES_CHAT_PRESENCE=true\n"
               "What the options mean: parley-gateway --help\n");
        return 0;
    }
    if (argc > 1)
        return refuse_words("parley defaultenv", argv[1]);
    return run_gateway("--print-defaults=env", argc, argv);
}
