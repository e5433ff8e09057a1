/*
 * doctor_checks: what `parley doctor` looks at, one function per dependency. Each adds its findings
 * to a diagnosis; none changes anything.
 */
#pragma once

#include "operator/settings.h"

enum verdict { VERDICT_OK, VERDICT_WARN, VERDICT_FAIL };

struct finding {
    enum verdict verdict;
    char subject[64]; /* "PostgreSQL" */
    char detail[512];
    char next[256]; /* what to do; "" when there is nothing */
};

struct diagnosis {
    struct finding *findings;
    size_t count;
};

void check_database(struct diagnosis *diagnosis, const struct settings *settings);
void check_redis(struct diagnosis *diagnosis, const struct settings *settings);
void check_programs(struct diagnosis *diagnosis,
                    const struct settings *settings); /* /ready of each */
void check_bus(struct diagnosis *diagnosis, const struct settings *settings);
void check_secrets(struct diagnosis *diagnosis, const struct settings *settings);
void check_machine(struct diagnosis *diagnosis);
