// How fast a load connects: a server lets in so many at once and so many a second from then on, and sends the rest away.
#ifndef TIDEMARK_PACE_H
#define TIDEMARK_PACE_H
#include <stdint.h>

#define DIALS_AT_ONCE 3800
#define DIALS_PER_SECOND 1900

/** How many may have dialed when so long has passed; `rate`: so many a second from the start, 0: as above. */
static inline int dials_within(uint64_t elapsed_us, int rate) {
  if (rate > 0) return 1 + (int)(elapsed_us * (uint64_t)rate / 1000000);
  return DIALS_AT_ONCE + (int)(elapsed_us * DIALS_PER_SECOND / 1000000);
}
#endif
