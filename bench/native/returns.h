// Subscribers that were away and come back, all at once or one after another: what it takes, in bytes and in time. Part of the load, whose
// connections and loop it uses.
#ifndef TIDEMARK_RETURNS_H
#define TIDEMARK_RETURNS_H

static bool all_back(void) { return away_count == 0; }

static void await_return(void) {
  if (!run_until(now_us() + SETUP_S * 1000000ULL, all_back)) complain(&total.bad.counts, "not everybody came back", "", 0);
}

/** All but the first subscriber ask for what they have not got. Returns how many bytes that took each. */
static double come_back(int s, bool with_position) {
  char text[256];
  uint64_t before = 0, after = 0;
  int first = options.mode == MODE_BURST ? 0 : 1;
  memset(&returns, 0, sizeof returns);
  away_count = options.one_by_one ? 0 : options.subscribers - first;
  for (int i = first; i < options.subscribers; i++) {
    connection *c = &connections[i];
    before += c->bytes;
    c->back_since_us = now_us();
    if (options.one_by_one) away_count = 1;
    if (options.mode == MODE_BURST) say("go", 2), c->bytes = 0;
    else if (with_position)
      say(text, snprintf(text, sizeof text, "[[\"open\",{\"s\":%d,\"doc\":\"%s/%s-0\",\"at\":[[%lu,%lu,\"\"]]}]]", s, options.type,
                         options.prefix, c->at.epoch, c->at.position));
    else
      say(text, snprintf(text, sizeof text, "[[\"open\",{\"s\":%d,\"doc\":\"%s/%s-0\"}]]", s, options.type, options.prefix));
    flush(c);
    if (options.one_by_one) await_return();
  }
  if (options.mode == MODE_BURST) before = 0;
  await_return();
  for (int i = first; i < options.subscribers; i++) after += connections[i].bytes;
  return (double)(after - before) / (options.subscribers - first);
}

static void leave(int s) {
  char text[32];
  for (int i = 1; i < options.subscribers; i++) {
    say(text, snprintf(text, sizeof text, "[[\"close\",%d]]", s));
    flush(&connections[i]);
    connections[i].following = false;
  }
}

static bool all_missed(void) {
  document *d = documents;
  return d->acked == (uint64_t)options.missed && connections[0].at.position == d->first_seq + d->sent;
}

/** Nobody who resumed may have seen anything else than the one who stayed. */
static void compare_with_first(void) {
  for (int i = 1; i < options.subscribers; i++) {
    connection *c = &connections[i];
    if (c->was_reset) continue;
    if (c->at.deltas != connections[0].at.deltas) complain(&total.bad.counts, "deltas are missing or too many", "", 0);
    if (c->at.digest != connections[0].at.digest) complain(&total.bad.digests, "a replay differs from the stream", "", 0);
  }
}

static bool resumed_by_reset;

/** What coming back took: each, and the last of them. */
typedef struct {
  double bytes, p50_ms, all_ms;
} way_back;

static way_back take_way(int s, bool with_position) {
  double bytes = come_back(s, with_position);
  return (way_back){bytes, histogram_quantile_ms(&returns, 0.5), histogram_quantile_ms(&returns, 1 - 1e-9)};
}

/** Both ways, from where everybody was: with that position, then with nothing. All are at head in the end. */
static void take_both(int s, const connection *away, way_back *resume, way_back *snapshot) {
  for (int i = 1; i < options.subscribers; i++) connections[i].at = away[i].at;
  *resume = take_way(s, true);
  resumed_by_reset = connections[1].was_reset;
  compare_with_first();
  leave(s);
  *snapshot = take_way(s + 1, false);
}

/** Subscribers that miss so many calls and come back: what it took, as members of the result. Both ways are taken twice:
 * what runs for the first time is not what is measured. */
static int play_returns(void) {
  char more[512];
  usage from = read_usage(options.server_pid, (double)now_us() / 1e6);
  leave(1);
  uint64_t stayed = connections[0].bytes;
  calling = true;
  calls_max = (uint64_t)options.missed;
  refill(&connections[connection_count - 1]);
  flush(&connections[connection_count - 1]);
  if (!run_until(now_us() + SETUP_S * 1000000ULL, all_missed)) complain(&total.bad.counts, "the calls to miss were not made", "", 0);
  double missed_bytes = (double)(connections[0].bytes - stayed);
  connection *away = malloc(sizeof *away * (size_t)options.subscribers);
  if (!away) stop("out of memory");
  memcpy(away, connections, sizeof *away * (size_t)options.subscribers);
  way_back resume, snapshot;
  take_both(2, away, &resume, &snapshot);
  leave(3);
  take_both(4, away, &resume, &snapshot);
  free(away);
  snprintf(more, sizeof more,
           ",\"missedBytes\":%.0f,\"resumeBytes\":%.0f,\"resumeMs\":%.3f,\"resumeP50Ms\":%.3f,\"resumedByReset\":%d,\"snapshotBytes\":%.0f,"
           "\"snapshotP50Ms\":%.3f",
           missed_bytes, resume.bytes, resume.all_ms, resume.p50_ms, resumed_by_reset, snapshot.bytes, snapshot.p50_ms);
  print_result(&total, from, read_usage(options.server_pid, (double)now_us() / 1e6), read_rss_mb(options.server_pid), rss_max_mb, more);
  return failure_count(&total.bad) ? 1 : 0;
}

static int play_burst(void) {
  char more[128];
  usage from = read_usage(options.server_pid, (double)now_us() / 1e6);
  come_back(0, false);
  double p50_ms = histogram_quantile_ms(&returns, 0.5);
  snprintf(more, sizeof more, ",\"resumeMs\":%.3f,\"resumeP50Ms\":%.3f", histogram_quantile_ms(&returns, 1 - 1e-9), p50_ms);
  print_result(&total, from, read_usage(options.server_pid, (double)now_us() / 1e6), 0, 0, more);
  return failure_count(&total.bad) ? 1 : 0;
}
#endif
