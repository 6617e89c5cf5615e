// One connection that holds many documents: which it opens, which of them it calls, and every check of what it is told. It sends
// nothing by itself; the sockets are the caller's.
#ifndef TIDEMARK_HOLDER_H
#define TIDEMARK_HOLDER_H
#include "scan.h"
#include "stream.h"
#include <stdbool.h>
#include <stdint.h>

#define CALLS_MAX 256   // of one client without an answer
#define OPENING_MAX 16  // that one connection waits for

/** A document and what was called of it. Call k must become seq first + k. */
typedef struct {
  uint64_t first, made, acked, last_at;
} held_document;

/** What one connection has open of one document; 0: nothing. */
typedef struct {
  uint64_t handle, position, last_at;
} held_stream;

/** A call without an answer. */
typedef struct {
  uint64_t seq, at;
  held_document *document;
} held_call;

typedef struct {
  int fd, index;
  bool is_follower, is_greeted;
  byte_buffer rest;
  int64_t server_ahead_ms;
  held_document **documents; // its share
  held_stream *streams;      // of each
  int count, asked, opened;  // of its share
  int before;                // numbers of subscriptions that are used up: they only rise
  int *by_handle;            // which of its share a handle stands for, and one; 0: none
  size_t handles;
  int turn;                  // which it calls next
  uint64_t sent, low;
  held_call calls[CALLS_MAX];
  bool is_opening;           // its share, one after another
  bool is_checking;          // what it opens must be what was called
} holder;

static inline held_stream *holder_stream(holder *h, uint64_t handle) {
  int at = handle < h->handles ? h->by_handle[handle] : 0;
  return at ? &h->streams[at - 1] : NULL;
}

static inline void holder_opened(holder *h, tally *t, const char *p, const char *end) {
  const char *handle = scan_member(p, end, "\"h\":"), *s = scan_member(p, end, "\"s\":");
  if (!handle || !s) return complain(&t->bad.protocol, "an `opened` without h or s", p, (size_t)(end - p));
  handle++;
  uint64_t number = scan_integer(&handle, end), at = scan_integer(&s, end) - (uint64_t)h->before;
  if (at < 1 || at > (uint64_t)h->count || number > 1 << 24) return complain(&t->bad.protocol, "an odd `opened`", p, (size_t)(end - p));
  if (number >= h->handles) {
    size_t more = (size_t)number * 2 + 64;
    h->by_handle = realloc(h->by_handle, more * sizeof *h->by_handle);
    if (!h->by_handle) abort();
    memset(h->by_handle + h->handles, 0, (more - h->handles) * sizeof *h->by_handle);
    h->handles = more;
  }
  h->by_handle[number] = (int)at;
  h->streams[at - 1].handle = number;
}

/** Returns which of its share is there now, from 1; 0: none of them. */
static inline int holder_snap(holder *h, tally *t, const char *p, const char *end) {
  uint64_t handle = scan_integer(&p, end);
  held_stream *stream = holder_stream(h, handle);
  if (!stream || !(p = scan_comma(p, end))) return complain(&t->bad.protocol, "a snapshot of nothing", "", 0), 0;
  scan_integer(&p, end);
  uint64_t seq = (p = scan_comma(p, end)) ? scan_integer(&p, end) : 0;
  const char *state = p ? scan_comma(p, end) : NULL, *at = scan_member(state, end, "\"at\":");
  held_document *d = h->documents[stream - h->streams];
  if (!at) return complain(&t->bad.protocol, "a snapshot without its state", "", 0), 0;
  if (!h->is_checking && !h->is_follower) d->first = seq;
  else if (seq != d->first + d->made) complain(&t->bad.counts, "a document with too few calls, or too many", p, 0);
  else if (d->made && scan_integer(&at, end) != d->last_at) complain(&t->bad.altered, "a document without its last call", p, 0);
  stream->position = seq;
  h->opened++;
  return (int)(stream - h->streams) + 1;
}

static inline void holder_delta(holder *h, tally *t, const char *p, const char *end) {
  const char *from = p;
  held_stream *stream = holder_stream(h, scan_integer(&p, end));
  if (!stream || !stream->handle) return;
  uint64_t prev = (p = scan_comma(p, end)) ? scan_integer(&p, end) : 0;
  uint64_t seq = p && (p = scan_comma(p, end)) ? scan_integer(&p, end) : 0;
  const char *ops = p ? scan_comma(p, end) : NULL, *at = ops ? scan_after_pointer(ops, end, "/at\",") : NULL;
  if (prev != stream->position || seq != prev + 1) complain(&t->bad.gaps, "a gap", from, (size_t)(end - from));
  uint64_t made_at = at ? scan_integer(&at, end) : 0;
  if (made_at <= stream->last_at || made_at > h->documents[stream - h->streams]->last_at)
    complain(&t->bad.altered, "a delta that no call made, or out of order", from, (size_t)(end - from));
  stream->position = seq;
  stream->last_at = made_at;
  if (!t->measuring) return;
  t->deliveries++;
  histogram_add(&t->delivery, t->now_us - made_at);
}

static inline void holder_ok(holder *h, tally *t, const char *p, const char *end) {
  const char *from = p;
  uint64_t n = scan_integer(&p, end), seq = 0;
  if ((p = scan_comma(p, end)) && p < end && *p == '[') {
    p++;
    scan_integer(&p, end);
    if ((p = scan_comma(p, end))) seq = scan_integer(&p, end);
  }
  held_call *call = &h->calls[n % CALLS_MAX];
  if (n < h->low || n > h->sent || !call->document || call->seq != seq)
    return complain(&t->bad.acks, "an ack out of place", from, (size_t)(end - from));
  call->document->acked++;
  call->document = NULL;
  while (h->low <= h->sent && !h->calls[h->low % CALLS_MAX].document) h->low++;
  if (!t->measuring) return;
  t->acks++;
  histogram_add(&t->ack, t->now_us - call->at);
}

/** What a ping says of what this connection was sent. */
static inline void holder_heads(holder *h, tally *t, const char *p, const char *end) {
  const char *from = p++;
  while (p && p < end && *p != ']') {
    held_stream *stream = holder_stream(h, scan_integer(&p, end));
    if ((p = scan_comma(p, end))) scan_integer(&p, end);
    uint64_t seq = p && (p = scan_comma(p, end)) ? scan_integer(&p, end) : 0;
    if (stream && stream->handle && seq != stream->position) complain(&t->bad.heads, "heads that differ", from, (size_t)(end - from));
    if (p && *p == ',') p++;
  }
}

/** One call: which document, and as what. Its answer is waited for. */
static inline uint64_t holder_call(holder *h, uint64_t now_us) {
  held_document *d = h->documents[h->turn];
  uint64_t at = now_us > d->last_at ? now_us : d->last_at + 1;
  h->turn = (h->turn + 1) % h->count;
  d->last_at = at;
  h->calls[++h->sent % CALLS_MAX] = (held_call){.seq = d->first + ++d->made, .at = at, .document = d};
  return h->sent;
}
#endif
