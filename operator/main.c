#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/version.h"
#include "operator/commands.h"
#include "operator/report.h"

static const struct {
    const char *word;
    const char *help;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"migrate", "bring the database to the newest schema", command_migrate},
    {"lanes", "list the lanes of the database; add some", command_lanes},
    {"seed", "fill a running API with a small demo", command_seed},
    {"doctor", "check everything that Parley needs, and say what to do", command_doctor},
    {"verify", "count anew what is counted in the database, and say what is wrong", command_verify},
    {"checkconfig", "check the gateway's configuration, and show it", command_checkconfig},
    {"defaultconfig", "print the gateway's default configuration as JSON", command_defaultconfig},
    {"defaultenv", "print the gateway's options as environment variables", command_defaultenv},
    {"token", "make an access token of the API for tests and scripts", command_token},
    {"gentoken", "make a token with which a user connects to a gateway", command_gentoken},
    {"gensubtoken", "make a token with which a user subscribes to one channel", command_gensubtoken},
    {"checktoken", "show what a token says and whether gateways take it", command_checktoken},
};

static void print_help(void)
{
    printf(
        "parley: the operator's command of Parley.\n\nUsage: parley COMMAND [--name=value ...]\n\n");
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        printf("  %-13s %s\n", commands[i].word, commands[i].help);
    printf("\nparley COMMAND --help shows a command's options, parley --version the version.\n");
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

int main(int argc, char **argv)
{
    if (argc < 2 || is_one_of(argv[1], "help", "--help", "-h")) {
        print_help();
        return argc < 2 ? 2 : 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("parley %s\n", PARLEY_VERSION);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        if (strcmp(argv[1], commands[i].word) == 0)
            return commands[i].run(argc - 1, argv + 1);
    report("parley help lists them.", "there is no command \"%s\"", argv[1]);
    return 2;
}
