// What a load prints in the end.
#ifndef TIDEMARK_RESULT_H
#define TIDEMARK_RESULT_H
#include "stream.h"
#include "usage.h"

/** One line of JSON; `more` is further members, each with a comma before it. */
static inline void print_result(const tally *t, usage from, usage to, double rss_mb, double rss_max_mb, const char *more) {
  double s = to.wall_s - from.wall_s;
  failures b = t->bad;
  printf("{\"seconds\":%.3f,\"acks\":%lu,\"acksPerSecond\":%.1f,\"ackP50Ms\":%.4f,\"ackP99Ms\":%.4f,", s, t->acks,
         (double)t->acks / s, histogram_quantile_ms(&t->ack, 0.5), histogram_quantile_ms(&t->ack, 0.99));
  printf("\"deliveries\":%lu,\"deliveriesPerSecond\":%.1f,\"deliveryP50Ms\":%.4f,\"deliveryP99Ms\":%.4f,", t->deliveries,
         (double)t->deliveries / s, histogram_quantile_ms(&t->delivery, 0.5), histogram_quantile_ms(&t->delivery, 0.99));
  printf("\"megabytesPerSecond\":%.2f,\"loadCpu\":%.3f,\"serverUserSeconds\":%.2f,\"serverSystemSeconds\":%.2f,\"serverRssMb\":%.1f,",
         (double)t->bytes / 1e6 / s, (to.load_s - from.load_s) / s, to.server_user_s - from.server_user_s,
         to.server_system_s - from.server_system_s, rss_mb);
  lane_counts k = t->calls;
  printf("\"offered\":%lu,\"good\":%lu,\"goodPerSecond\":%.1f,\"late\":%lu,\"shed\":%lu,\"expired\":%lu,\"refusedCopies\":%lu,", k.offered,
         k.good, (double)k.good / s, k.late, k.shed, k.expired, k.refused_copies);
  printf("\"sentCopies\":%lu,\"serverRssMaxMb\":%.1f,", k.sent_copies, rss_max_mb);
  printf("\"failures\":{\"gaps\":%lu,\"altered\":%lu,\"digests\":%lu,\"counts\":%lu,\"acks\":%lu,\"heads\":%lu,\"refusals\":%lu,"
         "\"resets\":%lu,\"protocol\":%lu}%s}\n",
         b.gaps, b.altered, b.digests, b.counts, b.acks, b.heads, b.refusals, b.resets, b.protocol, more);
}
#endif
