// One member of a channel, as a client of Tidemark or of socket.io 2: how it gets in, and what a frame tells it. Each publish
// carries its caller and number, so a gap, a repeat or a change of order shows on either server.
#ifndef TIDEMARK_MEMBER_H
#define TIDEMARK_MEMBER_H
#include "histogram.h"
#include "scan.h"
#include "websocket.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CALLERS_MAX 64
#define FRAME_MESSAGES 1024

enum member_kind { KIND_TIDEMARK, KIND_RIVER };
enum member_phase { UPGRADING, GREETING, ENTERING, READY };

typedef struct {
  int fd, id;
  enum member_phase phase;
  byte_buffer rest;
  uint64_t last[CALLERS_MAX]; // the number that came last, by caller
  uint64_t joins;             // that it has seen
  uint64_t joined_us;         // when it asked to be present; 0: it is a member from before
} member;

/** What the members are to do. */
typedef struct {
  enum member_kind kind;
  const char *channel, *token;
  bool presence;
} channel_form;

/** One publish in a frame. */
typedef struct {
  uint64_t caller, n, at;
} message;

/** The last frame that was read: the same bytes say the same to every member. */
typedef struct {
  byte_buffer bytes;
  int count;
  message messages[FRAME_MESSAGES];
} frame_reading;

static inline const char *after_text(const char *p, const char *end, const char *text) {
  const char *at = p < end ? memmem(p, (size_t)(end - p), text, strlen(text)) : NULL;
  return at ? at + strlen(text) : NULL;
}

static inline uint64_t integer_after(const char *p, const char *end, const char *text, uint64_t otherwise) {
  const char *at = after_text(p, end, text);
  return at ? scan_integer(&at, end) : otherwise;
}

/** Reads the publishes of a frame, in order. False when there are more than a frame can be remembered with. */
static inline bool read_messages(frame_reading *r, const char *p, const char *end) {
  size_t length = (size_t)(end - p);
  if (r->bytes.length == length && memcmp(r->bytes.bytes, p, length) == 0) return true;
  r->bytes.length = r->count = 0;
  memcpy(buffer_reserve(&r->bytes, length), p, length);
  r->bytes.length = length;
  while ((p = after_text(p, end, "{\"c\":"))) {
    if (r->count == FRAME_MESSAGES) return false;
    message *m = &r->messages[r->count++];
    m->caller = scan_integer(&p, end);
    m->n = integer_after(p, end, "\"n\":", 0);
    m->at = integer_after(p, end, "\"at\":", 0);
    if (m->caller >= CALLERS_MAX) return false;
  }
  return true;
}

static inline void member_say(byte_buffer *out, const char *text, int length) { ws_append(out, WS_TEXT, text, (size_t)length); }

/** What a member says first on its socket; a socket.io client waits to be spoken to. */
static inline void member_greet(member *m, const channel_form *form, byte_buffer *out) {
  char text[4096];
  m->phase = GREETING;
  if (form->kind == KIND_RIVER) return;
  member_say(out, text,
             snprintf(text, sizeof text, "[[\"hello\",{\"v\":1,\"token\":\"%s%d\",\"client\":\"%032x\",\"conn\":1,\"sdk\":\"load/1\",\"caps\":[]}]]",
                      form->token, m->id, (unsigned)m->id + 1));
}

/** It asks to follow the channel; `announced`: as somebody that the others are told of. */
static inline void member_enter(const channel_form *form, bool announced, byte_buffer *out) {
  char text[1024];
  int length = form->kind == KIND_RIVER
                   ? snprintf(text, sizeof text, "42[\"%s\",\"%s\"]", announced ? "presence-subscribe" : "subscribe", form->channel)
                   : snprintf(text, sizeof text, "[[\"open\",{\"s\":1,\"doc\":\"channel/%s\",\"create\":true%s}]]", form->channel,
                              form->presence ? ",\"presence\":{}" : "");
  member_say(out, text, length);
}

static inline bool begins(const char *p, const char *end, const char *text) {
  return (size_t)(end - p) >= strlen(text) && memcmp(p, text, strlen(text)) == 0;
}

/** A server that waits for a word gets it. */
static inline void member_answer_ping(const char *p, const char *end, byte_buffer *out) {
  const char *k = after_text(p, end, "[\"ping\",");
  if (!k) return;
  char text[64];
  member_say(out, text, snprintf(text, sizeof text, "[[\"pong\",%lu,[]]]", scan_integer(&k, end)));
}
#endif
