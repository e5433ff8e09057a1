/*
 * problem: the RFC 9457 document that answers all that goes wrong.
 *
 * {"type":"urn:parley:problem:out_of_range","title":…,"status":400,"detail":…,"instance":"/v1/rooms","code":"out_of_range",
 *  "request_id":…,"errors":[{"field":"limit","code":"out_of_range","detail":"1 to 200"}]}
 */
#pragma once

#include "api/request/call.h"

/* Answers the call, unless it is answered already, with what call_fail*() and others noted. */
void problem_send(struct call *call, enum err err);
