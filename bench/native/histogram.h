// A log-linear histogram of microseconds: 64 steps per power of two, so a quantile is within 1.6% of the truth.
// It owns no clock.
#ifndef TIDEMARK_HISTOGRAM_H
#define TIDEMARK_HISTOGRAM_H
#include <stdint.h>

#define HISTOGRAM_BUCKETS (40 * 64)

typedef struct {
  uint64_t buckets[HISTOGRAM_BUCKETS];
  uint64_t count;
} histogram;

static inline int histogram_bucket(uint64_t us) {
  if (us < 64) return (int)us;
  int exponent = 63 - __builtin_clzll(us);
  int bucket = (exponent - 5) * 64 + (int)((us >> (exponent - 6)) & 63);
  return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static inline void histogram_add(histogram *h, uint64_t us) {
  h->buckets[histogram_bucket(us)]++;
  h->count++;
}

static inline double histogram_lower_bound_us(int bucket) {
  if (bucket < 64) return bucket;
  return (double)((64ULL + (uint64_t)(bucket % 64)) << (bucket / 64 - 1));
}

/** Milliseconds below which `share` of the samples lie; -1 without samples. */
static inline double histogram_quantile_ms(const histogram *h, double share) {
  uint64_t seen = 0, wanted = (uint64_t)((double)h->count * share);
  for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
    seen += h->buckets[i];
    if (seen > wanted) return histogram_lower_bound_us(i) / 1000;
  }
  return -1;
}
#endif
