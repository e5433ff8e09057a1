/*
 * http: what the HTTP side of the gateway needs of libh2o's requests. Loop's thread.
 */
#pragma once

#include <h2o.h>
#include <stdbool.h>

#include "base/text.h"

/* The header, whose name is in lower case; empty: not there. Borrowed. */
struct text http_header(const h2o_req_t *req, const char *name);
struct text http_method(const h2o_req_t *req);
struct text http_path(const h2o_req_t *req);  /* decoded */
struct text http_query(const h2o_req_t *req); /* as it came, without the '?' */
struct text http_body(const h2o_req_t *req);

/* Is the parameter there, with this value (NULL: any)? Names without regard to case. */
bool http_query_has(struct text query, const char *name, const char *value);
/* Its value, decoded, in the request's pool; false: not there, or broken encoding. */
bool http_query_value(h2o_req_t *req, const char *name, struct text *value);

bool http_is_reading(const h2o_req_t *req); /* GET or HEAD */
bool http_equal_nocase(struct text a, struct text b);
/* The next word of a list with commas or spaces; empty: the end. */
struct text http_next_word(struct text *list);

void http_add_header(h2o_req_t *req, const char *name, struct text value); /* copies the value */

/* All at once. Closes the connection behind it while the gateway stops. Returns 0, as handlers do. */
int http_answer(h2o_req_t *req, int status, const char *reason, const char *type, struct text body);
int http_answer_text(h2o_req_t *req, int status, const char *reason, const char *line);
int http_answer_json(h2o_req_t *req, int status, const char *reason, struct text body);
int http_answer_not_found(h2o_req_t *req);
int http_answer_nothing(h2o_req_t *req); /* 204 */
