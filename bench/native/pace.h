// How fast a load connects: a server lets in so many at once and so many a second from then on, and sends the rest away.
#ifndef TIDEMARK_PACE_H
#define TIDEMARK_PACE_H
#include <stdint.h>

#define DIALS_AT_ONCE 3800
#define DIALS_PER_SECOND 1900

/** How many may have dialed when so long has passed. */
static inline int dials_within(uint64_t elapsed_us) { return DIALS_AT_ONCE + (int)(elapsed_us * DIALS_PER_SECOND / 1000000); }
#endif
