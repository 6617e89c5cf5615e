// Calls that are made at a rate of their own, whatever the server does, and sent as the client library sends them: so
// many in flight, in order, and after a refusal nothing until all answers are in and the wait is over, with a budget for
// what is sent again. It sends nothing by itself.
#ifndef TIDEMARK_LANE_H
#define TIDEMARK_LANE_H
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define CALL_RING 4096 // calls remembered per document
#define IN_FLIGHT_MAX 256
#define WINDOW_MIN 4
#define BACK_OFF_BASE_MS 250
#define BACK_OFF_CAP_MS 5000
#define RETRY_SHARE 0.2
#define RETRY_TOKENS_MAX 32
#define RETRIES_PER_SECOND 1.0

enum call_state { CALL_DONE, CALL_QUEUED, CALL_SENT };

/** The calls of one writer to one document. Call n is in slot n % CALL_RING. */
typedef struct {
  uint64_t made, next, in_flight, applied;
  uint64_t due_us, hold_until_us;
  bool held;
  uint64_t hold_jitter_us;
  double answer_us, spread_us; // how long answers take: what cannot be answered in time any more is not sent
  double window, threshold; // calls it allows itself in flight; up to the threshold it doubles, past it it creeps
  double tokens;
  uint64_t tokens_at_us;
  uint64_t sent_us[CALL_RING];
  uint8_t state[CALL_RING], refusals[CALL_RING];
} lane;

/** What became of calls whose time was within the window. */
typedef struct {
  uint64_t offered, good, late, shed, expired, refused_copies, sent_copies;
} lane_counts;

static inline uint64_t lane_back_off_us(int refusals) {
  double ms = BACK_OFF_BASE_MS;
  for (int i = 0; i < refusals && ms < BACK_OFF_CAP_MS; i++) ms *= 2;
  if (ms > BACK_OFF_CAP_MS) ms = BACK_OFF_CAP_MS;
  return (uint64_t)(ms * 1000 * drand48());
}

/** A copy was refused for now: it goes back, and the lane waits. */
static inline void lane_refused(lane *l, uint64_t n, uint64_t now_us, uint64_t after_ms) {
  uint8_t *refusals = &l->refusals[n % CALL_RING];
  l->state[n % CALL_RING] = CALL_QUEUED;
  l->in_flight--;
  if (!l->held) {
    l->hold_jitter_us = lane_back_off_us(*refusals);
    l->hold_until_us = 0;
    l->threshold = l->window / 2 < WINDOW_MIN ? WINDOW_MIN : l->window / 2;
    l->window = WINDOW_MIN;
  }
  if (*refusals < 255) ++*refusals;
  uint64_t until = now_us + after_ms * 1000 + l->hold_jitter_us;
  if (until > l->hold_until_us) l->hold_until_us = until;
  l->held = true;
}

/** A copy was answered for good. */
static inline void lane_answered(lane *l, uint64_t n, uint64_t now_us) {
  double took_us = (double)(now_us - l->sent_us[n % CALL_RING]);
  double off_us = took_us > l->answer_us ? took_us - l->answer_us : l->answer_us - took_us;
  l->spread_us += (off_us - l->spread_us) / 4;
  l->answer_us += (took_us - l->answer_us) / 8;
  l->state[n % CALL_RING] = CALL_DONE;
  l->in_flight--;
  if (!l->held) l->window += l->window < l->threshold ? 1 : 1 / l->window;
  if (l->window > IN_FLIGHT_MAX) l->window = IN_FLIGHT_MAX;
  if (l->refusals[n % CALL_RING] > 0 && l->tokens < RETRY_TOKENS_MAX) l->tokens++;
}

/** Whether a call made at `at` could not be answered in time any more. */
static inline bool lane_too_late(const lane *l, uint64_t at, uint64_t now_us, uint64_t ttl_us) {
  double needed_us = l->answer_us + 2 * l->spread_us;
  if (needed_us > (double)ttl_us / 2) needed_us = (double)ttl_us / 2;
  return (double)now_us + needed_us > (double)(at + ttl_us);
}

/** Whether the budget has room for another copy of call n; takes from it. */
static inline bool lane_affordable(lane *l, uint64_t n, uint64_t now_us) {
  if (l->refusals[n % CALL_RING] == 0) {
    l->tokens += RETRY_SHARE;
    if (l->tokens > RETRY_TOKENS_MAX) l->tokens = RETRY_TOKENS_MAX;
    return true;
  }
  l->tokens += (double)(now_us - l->tokens_at_us) / 1e6 * RETRIES_PER_SECOND;
  l->tokens_at_us = now_us;
  if (l->tokens > RETRY_TOKENS_MAX) l->tokens = RETRY_TOKENS_MAX;
  if (l->tokens < 1) return false;
  l->tokens--;
  return true;
}
#endif
