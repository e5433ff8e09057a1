/*
 * commands: what `parley WORD ...` does. `argv[0]` is the word; the answer is the exit status: 0
 * done, 1 not done (and said why), 2 asked for wrongly.
 */
#pragma once

int command_migrate(int argc, char **argv);
int command_lanes(int argc, char **argv);
int command_seed(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_token(int argc, char **argv);

/* These become the parley-gateway beside this program. */
int command_checkconfig(int argc, char **argv);
int command_defaultconfig(int argc, char **argv);
int command_defaultenv(int argc, char **argv);
int command_gentoken(int argc, char **argv);
int command_gensubtoken(int argc, char **argv);
int command_checktoken(int argc, char **argv);
