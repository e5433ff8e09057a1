/*
 * err: what can go wrong, as one vocabulary for both programs, HTTP and sockets.
 *
 * The table is a contract with clients: `code` (JSON) and `number` (socket RPC: 400 + number) never
 * change and are never used again for something else.
 */
#pragma once

#include "base/base.h"

/*  enumerator, number, HTTP status, code, title */
#define ERR_TABLE(X)                                                                               \
    X(OK, 0, 200, "ok", "Done")                                                                    \
    /* the request itself */                                                                       \
    X(INVALID, 1, 400, "invalid", "The request is not valid")                                      \
    X(BAD_JSON, 2, 400, "bad_json", "The body is not valid JSON")                                  \
    X(BAD_TEXT, 3, 400, "bad_text", "Text must be UTF-8 without NUL or lone surrogates")           \
    X(UNKNOWN_FIELD, 4, 400, "unknown_field", "The body has a member that is not known here")      \
    X(UNKNOWN_PARAMETER, 5, 400, "unknown_parameter", "The query has a member that is not known here") \
    X(MISSING, 6, 400, "missing", "A required member is missing")                                  \
    X(WRONG_TYPE, 7, 400, "wrong_type", "A member has the wrong type")                             \
    X(OUT_OF_RANGE, 8, 400, "out_of_range", "A value is outside its allowed range")                \
    X(TOO_LARGE, 9, 413, "too_large", "The body is too large")                                     \
    X(BAD_MEDIA_TYPE, 10, 415, "bad_media_type", "The content type or encoding is not accepted")   \
    X(METHOD_NOT_ALLOWED, 11, 405, "method_not_allowed", "The path does not know this method")     \
    X(SECRET_IN_URL, 12, 400, "secret_in_url", "Tokens do not belong into an address")             \
    X(CROSS_SITE, 13, 403, "cross_site", "The request comes from a page that is not allowed")      \
    X(IF_MATCH_REQUIRED, 14, 428, "if_match_required", "The version that the change is for must be named (If-Match)") \
    /* who is asking */                                                                            \
    X(UNAUTHENTICATED, 20, 401, "unauthenticated", "An access token is required")                  \
    X(BAD_TOKEN, 21, 401, "bad_token", "The token is not valid")                                   \
    X(TOKEN_EXPIRED, 22, 401, "token_expired", "The token has expired")                            \
    X(BAD_CREDENTIALS, 23, 401, "bad_credentials", "Login or password is wrong")                   \
    X(REFRESH_REUSED, 24, 401, "refresh_reused", "The refresh token was used before; the session has ended") \
    X(SESSION_ENDED, 25, 401, "session_ended", "The session has ended")                            \
    /* may they */                                                                                 \
    X(NOT_FOUND, 30, 404, "not_found", "There is no such thing, or not for you")                   \
    X(MEMBER_REQUIRED, 31, 403, "member_required", "Only members may do this")                     \
    X(ROLE_REQUIRED, 32, 403, "role_required", "Your role does not allow this")                    \
    X(SILENCED, 33, 403, "silenced", "You may not write in this room at present")                  \
    X(BANNED, 34, 403, "banned", "You are banned from this room")                                  \
    X(WRONG_PASSWORD, 35, 403, "wrong_password", "The password is wrong")                          \
    X(BLOCKED, 36, 403, "blocked", "One of you has blocked the other")                             \
    X(CONTACTS_ONLY, 37, 403, "contacts_only", "This person lets only contacts begin to write")    \
    /* the present state forbids it */                                                             \
    X(LOGIN_TAKEN, 40, 409, "login_taken", "The login is taken")                                   \
    X(SLUG_TAKEN, 41, 409, "slug_taken", "The slug is taken")                                      \
    X(NONCE_REUSED, 42, 422, "nonce_reused", "The nonce was used for something else")              \
    X(UNKNOWN_USER, 43, 422, "unknown_user", "There is no such user")                              \
    X(BEYOND_LAST, 44, 422, "beyond_last", "The room has no event with this seq yet")              \
    X(TOO_OLD, 45, 410, "too_old", "That is too long ago; fetch anew")                             \
    X(CONFLICT, 46, 409, "conflict", "The state changed meanwhile")                                \
    X(NOT_POSSIBLE, 47, 422, "not_possible", "This cannot be done to it")                          \
    X(ROOM_FULL, 48, 409, "room_full", "The room has as many members as it may have")              \
    X(VERSION_CHANGED, 49, 412, "version_changed", "It was changed since that version")            \
    X(UNKNOWN_MESSAGE, 50, 422, "unknown_message", "There is no such message")                     \
    X(TOO_MANY, 51, 409, "too_many", "There are as many of these as there may be")                 \
    /* us */                                                                                       \
    X(LIMIT, 60, 429, "too_many_requests", "Too many requests")                                    \
    X(BUSY, 61, 503, "busy", "The server is busy")                                                 \
    X(UNAVAILABLE, 62, 503, "unavailable", "A part that is needed does not answer")                \
    X(TIMEOUT, 63, 503, "timeout", "The answer took too long")                                     \
    X(INTERNAL, 64, 500, "internal", "The server made a mistake")

enum err {
#define X(name, number, status, code, title) ERR_##name = number,
    ERR_TABLE(X)
#undef X
};

const char *err_code(enum err err);  /* "not_found"; "internal" for a number that is not in the table */
const char *err_title(enum err err); /* one sentence for a person */
int err_status(enum err err);        /* HTTP status */
enum err err_from_code(const char *code); /* ERR_INTERNAL when unknown */
