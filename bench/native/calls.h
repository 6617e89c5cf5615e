// Which calls are made and when they are sent: one after each answer, or at a rate, as the client library would. Included by
// load.c.
#ifndef TIDEMARK_CALLS_H
#define TIDEMARK_CALLS_H
#define CALL_BYTES 1024 // of a call beside its value, at most

static bool calling;
static uint64_t calls_max; // of each document; 0: as many as there is time for
static char *value_text;

/** Makes the value of a call another one than the last of its key: else only the time is written. */
static void freshen(uint64_t n) {
  char digits[24];
  int length = snprintf(digits, sizeof digits, "%lu", n);
  if (options.fresh_values && length <= options.payload_bytes) memcpy(value_text, digits, (size_t)length);
}

/** The time of a call names it: no two of a document are alike. */
static void name_call(connection *c, uint64_t n, uint64_t at) {
  document *d = c->doc;
  while (d->at[(n - 1) % CALL_RING] >= at) at++;
  d->at[n % CALL_RING] = at;
  c->answered[n % CALL_RING] = false;
}

/** One call in one frame: what a client that has just one thing to say sends, and what an echo can send back. */
static void send_call(connection *c, uint64_t n) {
  static byte_buffer written;
  document *d = c->doc;
  uint64_t at = d->at[n % CALL_RING], ago_ms = total.now_us > at ? (total.now_us - at) / 1000 : 0;
  uint64_t born = (uint64_t)((int64_t)total.now_ms + c->server_ahead_ms) - ago_ms;
  freshen(n);
  char own_key[24];
  snprintf(own_key, sizeof own_key, "k%lu", n % KEYS);
  const char *key = *options.key ? options.key : own_key;
  size_t size = (size_t)options.payload_bytes + CALL_BYTES;
  written.length = 0;
  char *text = buffer_reserve(&written, size);
  int length = snprintf(text, size,
                        "[[\"c\",%lu,\"%s/%s-%ld\",\"%s\",{\"key\":\"%s\",\"at\":%lu,\"value\":\"%s\"},{\"low\":%lu,\"born\":%lu", n,
                        options.type, options.prefix, (long)(d - documents), options.message, key, at, value_text, c->low_n, born);
  length += d->lane ? sprintf(text + length, ",\"ttl\":%d}]]", options.ttl_ms) : sprintf(text + length, "}]]");
  say(text, length);
}

/** Makes the calls whose time has come. What there is no room to remember is as good as shed. */
static void make_calls(connection *c, uint64_t interval_us) {
  lane *l = c->doc->lane;
  for (; calling && l->due_us <= total.now_us; l->due_us += interval_us) {
    if (total.measuring) total.calls.offered++;
    if (l->made + 1 - c->low_n >= CALL_RING) {
      if (total.measuring) total.calls.shed++;
      continue;
    }
    l->made++;
    name_call(c, l->made, l->due_us);
    l->state[l->made % CALL_RING] = CALL_QUEUED;
    l->refusals[l->made % CALL_RING] = 0;
  }
}

/** Sends what may leave, as the client library would; what waited too long is given up unsent. */
static void send_lane(connection *c) {
  lane *l = c->doc->lane;
  if (l->held && (l->in_flight > 0 || total.now_us < l->hold_until_us)) return;
  if (l->held) l->next = c->low_n;
  l->held = false;
  for (; l->next <= l->made; l->next++) {
    uint64_t slot = l->next % CALL_RING;
    if (l->state[slot] != CALL_QUEUED) continue;
    if (lane_too_late(l, c->doc->at[slot], total.now_us, total.ttl_us)) {
      l->state[slot] = CALL_DONE;
      stream_forget(c, l->next);
      if (total.measuring) total.calls.shed++;
      continue;
    }
    if ((double)l->in_flight >= l->window || !lane_affordable(l, l->next, total.now_us)) return;
    send_call(c, l->next);
    l->state[slot] = CALL_SENT;
    l->sent_us[slot] = total.now_us;
    l->in_flight++;
    if (total.measuring) total.calls.sent_copies++;
  }
}

/** Many writers, who wait for more answers until they have one more call under way. */
#define MANY 100
#define ANSWERS_OF_MANY 4

/** How many calls may be under way: more with each answer. Thousands at the same moment that anything is called for the first
 * times would be refused. */
static uint64_t outstanding(const document *d) {
  uint64_t most = (uint64_t)options.outstanding;
  uint64_t grown = d->acked / (options.documents > MANY ? ANSWERS_OF_MANY : 1) + 1;
  return grown < most ? grown : most;
}

static void refill(connection *c) {
  if (c->writer && c->doc->lane) return send_lane(c);
  uint64_t most = calls_max ? calls_max : UINT64_MAX;
  document *d = c->doc;
  while (calling && c->writer && d->sent < most && d->sent - d->acked < outstanding(d)) {
    name_call(c, ++d->sent, now_us());
    send_call(c, d->sent);
  }
}

/** The clock of calls that are made at a rate. */
static void beat(void) {
  if (options.rate == 0) return;
  tally_clocks(&total);
  uint64_t interval_us = (uint64_t)(1e6 * options.documents / options.rate);
  for (int i = 0; i < connection_count; i++) {
    connection *c = &connections[i];
    if (!c->writer || c->phase != READY) continue;
    make_calls(c, interval_us);
    send_lane(c);
    if (outgoing.length) flush(c);
  }
}

static void begin_values(void) {
  value_text = malloc((size_t)options.payload_bytes + 1);
  if (!value_text) stop("out of memory");
  memset(value_text, 'x', (size_t)options.payload_bytes);
  value_text[options.payload_bytes] = 0;
}

/** Whoever has calls to make makes the first. */
static void begin_calls(void) {
  calling = true;
  tally_clocks(&total);
  for (int i = 0; options.rate > 0 && i < options.documents; i++) {
    documents[i].lane->due_us = total.now_us + (uint64_t)(1e6 * i / options.rate);
    documents[i].lane->tokens_at_us = total.now_us;
  }
  for (int i = 0; i < connection_count; i++) {
    refill(&connections[i]);
    if (outgoing.length) flush(&connections[i]);
  }
}
#endif
