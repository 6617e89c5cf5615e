// One connection's conversation in the JSON protocol, and every check of what the server says: the chain of deltas,
// that each delta is the call it claims to be, digests, counts, heads and acks. It sends nothing by itself but what
// the protocol asks of a client; the sockets are the caller's.
#ifndef TIDEMARK_STREAM_H
#define TIDEMARK_STREAM_H
#include "histogram.h"
#include "lane.h"
#include "scan.h"
#include "sockets.h"
#include "websocket.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define KEYS 20          // call n writes key n % KEYS
#define FRAME_DELTAS 256 // deltas in a frame that is remembered

enum phase { UPGRADING, GREETING, OPENING, READY };

/** Where a subscriber stands: `chain` is what the next delta must link to, `position` what it claims. */
typedef struct {
  uint64_t handle, epoch, chain, position, digest, deltas, last_at;
} stream_state;

/** Frames of deltas that a document remembers: who comes back is sent several. */
#define FRAMES_REMEMBERED 4

/** What a frame of deltas did to a subscriber: the same bytes do the same to all who stood there, so they are compared
 * instead of read again. Without it the load would be busy before the server is. */
typedef struct {
  byte_buffer bytes;
  stream_state before, after;
  int delta_count;
  uint64_t at[FRAME_DELTAS];
} frame_memory;

/** One document and what its only writer knows of it. Call n of the writer must become seq first_seq + n, or, when calls
 * are made at a rate and some are never applied, the one after the last. */
typedef struct {
  uint64_t first_seq, sent, acked;
  uint64_t at[CALL_RING]; // when call n was sent, us; it is also the call's content
  frame_memory last[FRAMES_REMEMBERED];
  int next_memory; // the oldest of them
  lane *lane; // of calls made at a rate; NULL: each answer makes the next call
} document;

typedef struct {
  int fd, index;
  document *doc;
  bool writer;
  bool stopped; // it does not read for a while, so it may be reset
  enum phase phase;
  byte_buffer rest; // the frame that has not come whole yet
  int64_t server_ahead_ms;
  bool answered[CALL_RING];
  uint64_t low_n; // every n below it has its answer
  bool following;
  bool snap_awaited;
  int parts_awaited;
  stream_state at;
  uint64_t bytes; // read so far
  uint64_t back_since_us; // when it asked to follow again; 0: it does not wait to be at head
  bool was_reset;
} connection;

/** What went wrong, counted; anything but zero fails the run. */
typedef struct {
  uint64_t gaps, altered, digests, counts, acks, heads, refusals, resets, protocol;
} failures;

typedef struct {
  histogram ack, delivery;
  uint64_t acks, deliveries, frames, bytes;
  uint64_t resets; // of those that had stopped
  bool measuring;
  int frame_deltas; // in the frame being read; -1 once it holds anything else
  uint64_t frame_at[FRAME_DELTAS];
  uint64_t now_us, now_ms; // read once per batch of bytes
  failures bad;
  lane_counts calls;
  uint64_t ttl_us; // of calls made at a rate
  bool merged;     // subscribers have a pace: a delta may be of many calls
  bool views;      // each sees what is theirs alone: a delta may be of many calls, and there may be none
} tally;

/** Reads both clocks. */
static inline void tally_clocks(tally *t) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  t->now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
  t->now_us = now_us();
}

static inline void complain(uint64_t *counter, const char *what, const char *text, size_t length) {
  if ((*counter)++ < 3) fprintf(stderr, "load: %s: %.*s\n", what, (int)(length < 200 ? length : 200), text);
}

static inline void stream_snap(connection *c, tally *t, const char *p, const char *end) {
  uint64_t handle = scan_integer(&p, end);
  if (!(p = scan_comma(p, end)) || !c->following || handle != c->at.handle) return;
  c->at.epoch = scan_integer(&p, end);
  if (!(p = scan_comma(p, end))) return;
  uint64_t seq = scan_integer(&p, end);
  if (seq != c->at.chain) complain(&t->bad.gaps, "a snapshot that does not begin where `opened` said", p, 0);
  c->at.position = seq;
  c->snap_awaited = false;
  c->parts_awaited = 0;
  const char *state = scan_comma(p, end);
  if (state && state < end && *state == 'n') {
    const char *parts = scan_member(scan_comma(scan_value(state, end), end), end, "\"parts\":");
    if (parts) c->parts_awaited = (int)scan_integer(&parts, end);
  }
}

static inline void stream_opened(connection *c, tally *t, const char *p, const char *end) {
  const char *handle = scan_member(p, end, "\"h\":"), *prev = scan_member(p, end, "\"prev\":");
  const char *mode = scan_member(p, end, "\"mode\":");
  if (!handle || !prev || !mode) return complain(&t->bad.protocol, "an `opened` without h, prev or mode", p, (size_t)(end - p));
  bool reset = memcmp(mode, "[\"reset\"", 8) == 0, again = c->following && c->phase == READY;
  handle++, prev++;
  uint64_t chain = scan_integer(&prev, end), number = scan_integer(&handle, end);
  // Of two layers what is looked at is that which is the viewer's own.
  if (handle < end && *handle == ',' && prev < end && *prev == ',') {
    handle++, prev++;
    number = scan_integer(&handle, end);
    chain = scan_integer(&prev, end);
  }
  if (again && reset && c->stopped) t->resets++;
  else if (again && reset) complain(&t->bad.resets, "a subscription was reset", p, (size_t)(end - p));
  else if (again && chain != c->at.chain) complain(&t->bad.gaps, "a resume elsewhere", p, (size_t)(end - p));
  c->at.handle = number;
  c->at.chain = chain;
  c->snap_awaited = c->was_reset = reset;
  c->following = true;
}

static inline void count_delivery(tally *t, uint64_t at) {
  if (!t->measuring) return;
  t->deliveries++;
  if (t->now_us >= at) histogram_add(&t->delivery, t->now_us - at);
}

static inline void count_frame_delta(tally *t, uint64_t at) {
  count_delivery(t, at);
  if (t->frame_deltas >= 0 && t->frame_deltas < FRAME_DELTAS) t->frame_at[t->frame_deltas++] = at;
  else t->frame_deltas = -1;
}

/** A merged delta must hold, of each key that was written since, what the last call wrote, and nothing else. A call's value
 * begins with its number. */
static inline void stream_check_merged(connection *c, tally *t, uint64_t n, const char *ops, size_t length) {
  const char *end = ops + length, *digits = scan_after_pointer(ops, end, "/at\",");
  uint64_t before = c->at.position - c->doc->first_seq, keys = 0;
  if (!digits || n > c->doc->sent) return complain(&t->bad.altered, "a delta that no call made", ops, length);
  uint64_t at = scan_integer(&digits, end);
  if (n + CALL_RING > c->doc->sent && c->doc->at[n % CALL_RING] != at) complain(&t->bad.altered, "a delta of another call", ops, length);
  for (const char *p = ops; (p = scan_after_pointer(p, end, "/entries/k")); keys++) {
    uint64_t key = scan_integer(&p, end);
    if (end - p < 4) break;
    p += 3;
    uint64_t wrote = scan_integer(&p, end);
    if (wrote % KEYS != key || wrote <= before || wrote > n || wrote + KEYS <= n) complain(&t->bad.altered, "a value that is not the last", ops, length);
  }
  if (keys != (n - before < KEYS ? n - before : KEYS)) complain(&t->bad.altered, "a merged delta without all keys", ops, length);
  count_frame_delta(t, at);
}

/** A delta must be the call that was sent for its seq: each call carries the time it was sent, which nobody repeats. */
static inline void stream_check_content(connection *c, tally *t, uint64_t seq, const char *ops, size_t length) {
  document *d = c->doc;
  uint64_t n = seq - d->first_seq;
  const char *digits = scan_after_pointer(ops, ops + length, "/at\",");
  if (digits && d->lane) {
    // Which calls are applied is not known, but their order is: that in which they were made.
    uint64_t made_at = scan_integer(&digits, ops + length);
    if (made_at <= c->at.last_at || made_at > t->now_us) complain(&t->bad.altered, "a delta of no call, or out of order", ops, length);
    c->at.last_at = made_at;
    return count_frame_delta(t, made_at);
  }
  if (!digits || n > d->sent) return complain(&t->bad.altered, "a delta that no call made", ops, length);
  uint64_t at = scan_integer(&digits, ops + length);
  if (n + CALL_RING > d->sent && d->at[n % CALL_RING] != at) complain(&t->bad.altered, "a delta of another call", ops, length);
  count_frame_delta(t, at);
}

static inline void stream_delta(connection *c, tally *t, const char *p, const char *end) {
  uint64_t handle = scan_integer(&p, end);
  if (!c->following || handle != c->at.handle) return;
  const char *body = p = scan_comma(p, end);
  uint64_t prev = p ? scan_integer(&p, end) : 0;
  uint64_t seq = (p = scan_comma(p, end)) ? scan_integer(&p, end) : 0;
  const char *ops = scan_comma(p, end), *after = ops ? scan_value(ops, end) : NULL;
  if (!after) return complain(&t->bad.protocol, "a malformed delta", body, (size_t)(end - body));
  const char *extension = scan_comma(after, end);
  const char *epoch = scan_member(extension, end, "\"e\":");
  if (epoch) c->at.epoch = scan_integer(&epoch, end);
  bool advance = after - ops == 2 && !scan_member(extension, end, "\"ev\":");
  if (advance) {
    if (seq < c->at.position) complain(&t->bad.gaps, "an advance backwards", body, (size_t)(end - body));
    c->at.position = seq;
    return;
  }
  bool follows = t->merged || t->views ? seq > c->at.position : seq == c->at.position + 1;
  if (prev != c->at.chain || !follows) complain(&t->bad.gaps, "a gap", body, (size_t)(end - body));
  if (t->merged) stream_check_merged(c, t, seq - c->doc->first_seq, ops, (size_t)(after - ops));
  c->at.chain = c->at.position = seq;
  c->at.digest = scan_digest(c->at.digest, body, (size_t)(after - body));
  c->at.deltas++;
  if (!t->merged) stream_check_content(c, t, seq, ops, (size_t)(after - ops));
}

/** Answer n has come: the call was sent at `at[n]`. */
static inline bool stream_settle(connection *c, tally *t, uint64_t n) {
  document *d = c->doc;
  if (n < c->low_n || n > d->sent || c->answered[n % CALL_RING]) return false;
  c->answered[n % CALL_RING] = true;
  while (c->low_n <= d->sent && c->answered[c->low_n % CALL_RING]) c->low_n++;
  d->acked++;
  if (!t->measuring) return true;
  t->acks++;
  histogram_add(&t->ack, t->now_us - d->at[n % CALL_RING]);
  return true;
}

/** Nobody waits for call n any more. */
static inline void stream_forget(connection *c, uint64_t n) {
  document *d = c->doc;
  c->answered[n % CALL_RING] = true;
  while (c->low_n <= d->lane->made && c->answered[c->low_n % CALL_RING]) c->low_n++;
}

static inline bool stream_is_sent(connection *c, uint64_t n) {
  lane *l = c->doc->lane;
  return n >= c->low_n && n <= l->made && l->state[n % CALL_RING] == CALL_SENT;
}

/** A call that was made at a rate is applied. */
static inline bool stream_applied(connection *c, tally *t, uint64_t n, uint64_t seq) {
  document *d = c->doc;
  if (!stream_is_sent(c, n) || seq != d->first_seq + ++d->lane->applied) return false;
  uint64_t took = t->now_us - d->at[n % CALL_RING];
  lane_answered(d->lane, n, t->now_us);
  stream_forget(c, n);
  if (!t->measuring) return true;
  t->acks++;
  histogram_add(&t->ack, took);
  if (took <= t->ttl_us) t->calls.good++;
  else t->calls.late++;
  return true;
}

/** A refusal of a call made at a rate: one that says when to come again, or that its time is over. */
static inline bool stream_no(connection *c, tally *t, const char *p, const char *end) {
  uint64_t n = scan_integer(&p, end);
  const char *code = scan_comma(p, end), *message = code ? scan_comma(scan_string(code, end), end) : NULL;
  const char *details = message ? scan_comma(scan_string(message, end), end) : NULL;
  if (!details || !stream_is_sent(c, n)) return false;
  if (memcmp(code, "\"deadline_exceeded\"", 19) == 0) {
    lane_answered(c->doc->lane, n, t->now_us);
    stream_forget(c, n);
    if (t->measuring) t->calls.expired++;
    return true;
  }
  const char *after = scan_member(details, end, "\"afterMs\":");
  if (!after) return false;
  lane_refused(c->doc->lane, n, t->now_us, scan_integer(&after, end));
  if (t->measuring) t->calls.refused_copies++;
  return true;
}

static inline void stream_ok(connection *c, tally *t, const char *p, const char *end) {
  const char *from = p;
  uint64_t n = scan_integer(&p, end), seq = 0;
  p = scan_comma(p, end);
  if (p && p < end && *p == '[') {
    p++;
    scan_integer(&p, end);
    if ((p = scan_comma(p, end))) seq = scan_integer(&p, end);
  }
  bool right = c->doc->lane ? stream_applied(c, t, n, seq) : seq == c->doc->first_seq + n && stream_settle(c, t, n);
  if (!right) complain(&t->bad.acks, "an ack out of place", from, (size_t)(end - from));
}

/** Heads that came with a ping or pong state what this socket was sent. */
static inline void stream_heads(connection *c, tally *t, const char *p, const char *end) {
  const char *from = p++;
  while (p && p < end && *p != ']') {
    uint64_t handle = scan_integer(&p, end), epoch = 0, seq = 0;
    if ((p = scan_comma(p, end))) epoch = scan_integer(&p, end);
    if (p && (p = scan_comma(p, end))) seq = scan_integer(&p, end);
    if (!p) break;
    bool mine = c->following && handle == c->at.handle;
    if (mine && (epoch != c->at.epoch || seq != c->at.position)) complain(&t->bad.heads, "heads that differ", from, (size_t)(end - from));
    if (*p == ',') p++;
  }
}

static inline void stream_ping(connection *c, tally *t, byte_buffer *out, const char *p, const char *end) {
  uint64_t k = scan_integer(&p, end);
  if ((p = scan_comma(p, end))) stream_heads(c, t, p, end);
  char pong[160], heads[96] = "";
  if (c->following) snprintf(heads, sizeof heads, "%lu,%lu,%lu", c->at.handle, c->at.epoch, c->at.position);
  int length = snprintf(pong, sizeof pong, "[[\"pong\",%lu,[%s]]]", k, heads);
  ws_append(out, WS_TEXT, pong, (size_t)length);
}

static inline void stream_welcome(connection *c, tally *t, const char *p, const char *end) {
  const char *now = scan_member(p, end, "\"now\":");
  if (!now || c->phase != GREETING) return complain(&t->bad.protocol, "an odd welcome", p, (size_t)(end - p));
  c->server_ahead_ms = (int64_t)scan_integer(&now, end) - (int64_t)t->now_ms;
  c->phase = OPENING;
}

/** One message `["type",...]`; `end` is past its closing bracket. */
static inline void stream_message(connection *c, tally *t, byte_buffer *out, const char *p, const char *end) {
  const char *type = p + 2, *quote = memchr(type, '"', (size_t)(end - type)), *rest = quote ? scan_comma(quote + 1, end) : NULL;
  if (!rest || p[1] != '"') return complain(&t->bad.protocol, "not a message", p, (size_t)(end - p));
  size_t length = (size_t)(quote - type);
#define IS(name) (length == sizeof name - 1 && memcmp(type, name, sizeof name - 1) == 0)
  end--;
  if (!IS("d")) t->frame_deltas = -1;
  if (IS("d")) stream_delta(c, t, rest, end);
  else if (IS("ok")) stream_ok(c, t, rest, end);
  else if (IS("snap")) stream_snap(c, t, rest, end);
  else if (IS("part")) c->parts_awaited--;
  else if (IS("opened")) stream_opened(c, t, rest, end);
  else if (IS("welcome")) stream_welcome(c, t, rest, end);
  else if (IS("ping")) stream_ping(c, t, out, rest, end);
  else if (IS("no") && c->doc->lane && stream_no(c, t, rest, end)) return;
  else if (IS("no") || IS("unk") || IS("ended") || IS("err") || IS("goaway")) complain(&t->bad.refusals, "refused", p, (size_t)(end - p));
#undef IS
}

static inline bool stream_repeats(connection *c, tally *t, const char *p, size_t length) {
  for (int i = 0; i < FRAMES_REMEMBERED; i++) {
    frame_memory *m = &c->doc->last[i];
    if (m->bytes.length != length || memcmp(&m->before, &c->at, sizeof c->at) != 0 || memcmp(m->bytes.bytes, p, length) != 0) continue;
    c->at = m->after;
    for (int k = 0; k < m->delta_count; k++) count_delivery(t, m->at[k]);
    return true;
  }
  return false;
}

static inline void stream_remember(connection *c, tally *t, stream_state before, const char *p, size_t length) {
  frame_memory *m = &c->doc->last[c->doc->next_memory];
  c->doc->next_memory = (c->doc->next_memory + 1) % FRAMES_REMEMBERED;
  m->bytes.length = 0;
  memcpy(buffer_reserve(&m->bytes, length), p, length);
  m->bytes.length = length;
  m->before = before;
  m->after = c->at;
  m->delta_count = t->frame_deltas;
  memcpy(m->at, t->frame_at, (size_t)t->frame_deltas * sizeof *m->at);
}

/** A frame is an array of messages. */
static inline void stream_read(connection *c, tally *t, byte_buffer *out, const char *p, const char *end) {
  if (p >= end || *p != '[') return complain(&t->bad.protocol, "a frame that is no array", p, (size_t)(end - p));
  for (p++; p < end && *p == '[';) {
    const char *after = scan_value(p, end);
    if (!after) return complain(&t->bad.protocol, "a frame cut short", p, (size_t)(end - p));
    stream_message(c, t, out, p, after);
    p = after < end && *after == ',' ? after + 1 : after;
  }
}

static inline uint64_t failure_count(const failures *f) {
  return f->gaps + f->altered + f->digests + f->counts + f->acks + f->heads + f->refusals + f->resets + f->protocol;
}

/** Reads and checks a frame; one that was right is remembered for the other subscribers. */
static inline void stream_frame(connection *c, tally *t, byte_buffer *out, const char *p, size_t length) {
  if (stream_repeats(c, t, p, length)) return;
  stream_state before = c->at;
  uint64_t failed = failure_count(&t->bad);
  t->frame_deltas = 0;
  stream_read(c, t, out, p, p + length);
  if (t->frame_deltas > 0 && failed == failure_count(&t->bad)) stream_remember(c, t, before, p, length);
}

/** The bare echo of a call: counts as its answer. */
static inline void stream_echo(connection *c, tally *t, const char *p, const char *end) {
  static const char head[] = "[[\"c\",";
  const char *digits = p + sizeof head - 1;
  bool call = (size_t)(end - p) > sizeof head && memcmp(p, head, sizeof head - 1) == 0;
  if (!call || !stream_settle(c, t, scan_integer(&digits, end))) complain(&t->bad.acks, "not an echo", p, (size_t)(end - p));
}
#endif
