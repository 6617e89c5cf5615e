// When each connection was ready, and what the server had used by then: how fast the first of many join, and how fast the last.
// Included by load.c.
#ifndef TIDEMARK_JOINS_H
#define TIDEMARK_JOINS_H
#define JOINS_COMPARED 5000 // or a quarter of all, if that is less

static usage joins_from, joins_first, joins_before_last, joins_last;
static int joins_expected;

static usage usage_now(void) { return read_usage(options.server_pid, (double)now_us() / 1e6); }

static int joins_compared(void) { return joins_expected / 4 < JOINS_COMPARED ? joins_expected / 4 : JOINS_COMPARED; }

static void begin_joins(int expected) {
  joins_expected = expected;
  joins_from = usage_now();
}

static void note_join(int joined) {
  if (joined == joins_compared()) joins_first = usage_now();
  if (joined == joins_expected - joins_compared()) joins_before_last = usage_now();
  if (joined == joins_expected) joins_last = usage_now();
}

static double server_s(usage u) { return u.server_user_s + u.server_system_s; }

static int describe_joins(char *text, size_t size) {
  int count = joins_compared();
  if (count < 1) return 0;
  return snprintf(text, size,
                  ",\"joinSeconds\":%.3f,\"joinsCompared\":%d,\"firstJoinSeconds\":%.3f,\"lastJoinSeconds\":%.3f,"
                  "\"firstJoinCpuSeconds\":%.2f,\"lastJoinCpuSeconds\":%.2f",
                  joins_last.wall_s - joins_from.wall_s, count, joins_first.wall_s - joins_from.wall_s,
                  joins_last.wall_s - joins_before_last.wall_s, server_s(joins_first) - server_s(joins_from),
                  server_s(joins_last) - server_s(joins_before_last));
}
#endif
