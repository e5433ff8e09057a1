/*
 * letter: what travels between the broker, the loops and the fetcher, through their mailboxes, in
 * order. Each begins with this.
 */
#pragma once

enum letter_kind {
    /* broker to loop */
    LETTER_PARCEL, /* struct parcel: a publication; counted, shared by the loops */
    LETTER_ANSWER, /* struct request: comes back with its answer */
    LETTER_NOTICE, /* struct notice: something else that happened */
    LETTER_SURVEY, /* struct survey: goes there, comes back with what the loop knows */
    /* fetcher to whoever asked */
    LETTER_FETCHED, /* struct fetch: comes back with its answer */
    /* loop to broker */
    LETTER_REQUEST, /* struct request */
    LETTER_RETURNS, /* struct returns: references given back, clients that left */
};

struct letter {
    enum letter_kind kind;
};
