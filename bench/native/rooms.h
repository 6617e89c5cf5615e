// Members of one room of a bare ws or a socket.io server: they join, sit there, and all get one change in the end, so that it is
// known that they were members. Included by load.c, whose connections and loop it uses.
#ifndef TIDEMARK_ROOMS_H
#define TIDEMARK_ROOMS_H

static bool begins(const char *p, size_t length, const char *with) { return length >= strlen(with) && memcmp(p, with, strlen(with)) == 0; }

static void say_text(const char *text) { say(text, (int)strlen(text)); }

/** A socket.io server speaks first. */
static void greet_room(connection *c) {
  c->phase = GREETING;
  if (options.mode == MODE_ROOM) say_text("[\"join\",\"idle\"]");
}

static void room_text(connection *c, const char *p, size_t length) {
  bool joined = begins(p, length, "[\"joined\"");
  if (joined && c->phase != READY) become_ready(c);
  else if (begins(p, length, "[\"change\"")) total.deliveries++;
  else if (!begins(p, length, "[\"ack\"")) complain(&total.bad.protocol, "unexpected", p, length);
}

static void socketio_text(connection *c, const char *p, size_t length) {
  if (begins(p, length, "0{")) say_text("40");
  else if (begins(p, length, "40")) say_text("420[\"join\",\"idle\"]");
  else if (begins(p, length, "430") && c->phase != READY) become_ready(c);
  else if (begins(p, length, "2") && length == 1) say_text("3");
  else if (begins(p, length, "42[\"change\"")) total.deliveries++;
  else if (!begins(p, length, "431")) complain(&total.bad.protocol, "unexpected", p, length);
}

static bool all_changed(void) { return total.deliveries == (uint64_t)connection_count; }

static int play_room(void) {
  char more[400] = "";
  usage from = usage_now();
  bool room = options.mode == MODE_ROOM;
  say_text(room ? "[\"change\",\"idle\",1,\"x\"]" : "421[\"change\",\"idle\",\"x\"]");
  flush(&connections[0]);
  if (!run_until(now_us() + (uint64_t)(options.stall_s * 1e6), all_changed)) complain(&total.bad.counts, "not everybody got the change", "", 0);
  describe_joins(more, sizeof more);
  print_result(&total, from, usage_now(), read_rss_mb(options.server_pid), rss_max_mb, more);
  return failure_count(&total.bad) ? 1 : 0;
}
#endif
