// Callers that publish by HTTP in a closed loop: each has one POST under way on a connection that stays open, and sends the
// next when its answer is complete. The sockets' loop is the caller's.
#ifndef TIDEMARK_HTTP_CALLER_H
#define TIDEMARK_HTTP_CALLER_H
#include "websocket.h"
#include <stdbool.h>
#include <strings.h>

/** One caller. `n` counts its publishes, from 1; the number is in each of them. */
typedef struct {
  int fd, id;
  uint64_t n, sent_us;
  bool under_way;
  byte_buffer rest;
} http_caller;

/** What a publish looks like to the server that gets it. */
typedef struct {
  const char *path, *authorization; // a whole header line, without its end; may be empty
  const char *before, *after;       // the body around the data
  const char *padding;
} publish_form;

/** Appends the caller's next publish, which says whose it is, its number and when it was sent. */
static inline void http_publish(http_caller *c, const publish_form *form, uint64_t at_us, byte_buffer *out) {
  char body[4096];
  int length = snprintf(body, sizeof body, "%s{\"c\":%d,\"n\":%lu,\"at\":%lu,\"text\":\"%s\"}%s", form->before, c->id, ++c->n,
                        at_us, form->padding, form->after);
  out->length += (size_t)snprintf(buffer_reserve(out, 8192), 8192,
                                  "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%sContent-Type: application/json\r\n"
                                  "Content-Length: %d\r\n\r\n%s",
                                  form->path, form->authorization, *form->authorization ? "\r\n" : "", length, body);
  c->sent_us = at_us;
  c->under_way = true;
}

static inline long http_content_length(const char *head, const char *end) {
  static const char name[] = "\ncontent-length:";
  for (const char *p = head; p + sizeof name < end; p++)
    if (strncasecmp(p, name, sizeof name - 1) == 0) return strtol(p + sizeof name - 1, NULL, 10);
  return -1;
}

enum answer { ANSWER_INCOMPLETE, ANSWER_GOOD, ANSWER_BAD };

/** Looks at what a caller has read so far; a complete answer is taken away from it. An answer without a length is bad: a load
 * does not guess. */
static inline enum answer http_answer(http_caller *c) {
  const char *head = c->rest.bytes, *end = head + c->rest.length;
  const char *body = c->rest.length ? memmem(head, c->rest.length, "\r\n\r\n", 4) : NULL;
  if (!body) return ANSWER_INCOMPLETE;
  body += 4;
  long length = http_content_length(head, body);
  if (length < 0) return ANSWER_BAD;
  if (end - body < length) return ANSWER_INCOMPLETE;
  bool good = c->rest.length > 9 && head[9] == '2';
  if (!good) return ANSWER_BAD;
  size_t used = (size_t)(body - head) + (size_t)length;
  memmove(c->rest.bytes, c->rest.bytes + used, c->rest.length - used);
  c->rest.length -= used;
  c->under_way = false;
  return ANSWER_GOOD;
}
#endif
