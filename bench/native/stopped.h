// Readers that stop: they read nothing until they are woken, and are heard of all the same. Included by load.c.
#ifndef TIDEMARK_STOPPED_H
#define TIDEMARK_STOPPED_H
#define SIGN_OF_LIFE_US 5000000

static void listen_to_stopped(bool listening) {
  for (int i = 0; i < connection_count; i++) {
    struct epoll_event event = {.events = listening ? EPOLLIN : 0, .data.u32 = (uint32_t)i};
    if (connections[i].stopped) epoll_ctl(poller, EPOLL_CTL_MOD, connections[i].fd, &event);
  }
}

/** Whoever does not read is heard of all the same: it is slow, not dead. */
static void sign_of_life(uint64_t now) {
  static uint64_t last;
  if (options.stopped == 0 || now - last < SIGN_OF_LIFE_US) return;
  last = now;
  for (int i = 0; i < connection_count; i++) {
    if (!connections[i].stopped) continue;
    say("[[\"ping\",1,[]]]", 15);
    flush(&connections[i]);
  }
}

typedef struct {
  double grown_mb; // the server's memory at the end of the window, over that before the first call
  double wake_s;   // from then until all who had stopped were at the head
} aftermath;

static int describe_stopped(char *text, size_t size, aftermath a) {
  return snprintf(text, size, ",\"serverRssGrownMb\":%.1f,\"wakeSeconds\":%.2f,\"stoppedResets\":%lu", a.grown_mb, a.wake_s, total.resets);
}
#endif
