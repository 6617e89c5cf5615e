// Stands still, so that somebody can look at the server: everybody is there and nobody calls, or so many calls were made and those
// who have stopped have not read them. Included by load.c.
#ifndef TIDEMARK_HELD_H
#define TIDEMARK_HELD_H

/** Whoever reads has all of the calls. */
static bool all_but_stopped_arrived(void) {
  for (int i = 0; i < connection_count; i++) {
    connection *c = &connections[i];
    if (c->writer ? c->doc->acked < calls_max : !c->stopped && c->at.position < c->doc->first_seq + calls_max) return false;
  }
  return true;
}

static void make_held_calls(void) {
  listen_to_stopped(false);
  calls_max = (uint64_t)options.held_calls;
  begin_calls();
  if (!run_until(now_us() + SETUP_S * 1000000ULL, all_but_stopped_arrived)) stop("the calls to hold were not made");
  calling = false;
  calls_max = 0;
}

/** Until somebody says that it may go on. */
static void hold(void) {
  if (options.held_calls) make_held_calls();
  printf("held\n");
  fflush(stdout);
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  while (poll(&input, 1, 0) == 0) {
    sign_of_life(now_us());
    poll_once();
  }
}
#endif
