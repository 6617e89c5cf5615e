// The load: one epoll loop that plays every writer and subscriber of a scenario, so that the client is never what is
// measured. It prints one line of JSON with what came in during the window and exits 1 when anything was wrong.
// It never retries, reconnects or forgives: a load that heals itself hides what a benchmark must show.
#define _GNU_SOURCE
#include "options.h"
#include "pace.h"
#include "result.h"
#include "stream.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (1 << 20)
#define SETUP_S 60
#define TENTHS 10

static load_options options;
static tally total;
static connection *connections;
static document *documents;
static int connection_count, ready_count;
static int poller;
static byte_buffer incoming, outgoing;
static histogram returns;
static int away_count;

__attribute__((noreturn)) static void stop(const char *why) {
  fprintf(stderr, "load: %s (%d of %d connections ready)\n", why, ready_count, connection_count);
  exit(1);
}

static void flush(connection *c) {
  if (!send_all(c->fd, outgoing.bytes, outgoing.length)) stop(strerror(errno));
  outgoing.length = 0;
}

static void say(const char *text, int length) { ws_append(&outgoing, WS_TEXT, text, (size_t)length); }

static void hello(connection *c) {
  unsigned char id[16];
  char hex[33], text[512], viewer[32];
  snprintf(viewer, sizeof viewer, "viewer-%d", c->index);
  if (getrandom(id, sizeof id, 0) != sizeof id) stop("no randomness");
  for (int i = 0; i < 16; i++) snprintf(hex + 2 * i, 3, "%02x", id[i]);
  say(text, snprintf(text, sizeof text, "[[\"hello\",{\"v\":1,\"token\":\"%s\",\"client\":\"%s\",\"conn\":1,\"sdk\":\"load/1\",\"caps\":[]}]]",
                     options.views && !c->writer ? viewer : options.token, hex));
  c->phase = GREETING;
}

static void open_document(connection *c) {
  char text[512], pace[32] = "";
  if (options.every_ms) snprintf(pace, sizeof pace, ",\"every\":%d", options.every_ms);
  say(text, snprintf(text, sizeof text, "[[\"open\",{\"s\":1,\"doc\":\"%s/%s-%ld\",\"create\":{\"bytes\":%d}%s}]]", options.type,
                     options.prefix, (long)(c->doc - documents), options.state_bytes, c->writer ? "" : pace));
}

#include "calls.h"
#include "joins.h"

static void become_ready(connection *c) {
  if (c->writer && options.mode == MODE_TIDEMARK) {
    c->doc->first_seq = c->at.position;
    c->following = false;
    say("[[\"close\",1]]", 13);
  }
  c->phase = READY;
  note_join(++ready_count);
}

static void greet_room(connection *c);
static void room_text(connection *c, const char *p, size_t length);
static void socketio_text(connection *c, const char *p, size_t length);

static void on_text(connection *c, const char *p, size_t length) {
  total.frames++;
  if (options.mode == MODE_ROOM) return room_text(c, p, length);
  if (options.mode == MODE_SOCKETIO) return socketio_text(c, p, length);
  if (options.mode == MODE_SINK || options.mode == MODE_BURST) {
    if (total.measuring) total.deliveries++;
    return;
  }
  if (options.mode == MODE_ECHO) return stream_echo(c, &total, p, p + length);
  enum phase before = c->phase;
  stream_frame(c, &total, &outgoing, p, length);
  if (before == GREETING && c->phase == OPENING) open_document(c);
  if (c->phase == OPENING && c->following && !c->snap_awaited && c->parts_awaited == 0) become_ready(c);
}

static void on_frame(connection *c, const ws_frame *frame) {
  if (!frame->final) stop("a fragmented frame");
  if (frame->opcode == WS_TEXT) return on_text(c, frame->payload, frame->length);
  if (frame->opcode == WS_PING) return ws_append(&outgoing, WS_PONG, frame->payload, frame->length);
  if (frame->opcode != WS_CLOSE) return;
  const unsigned char *code = (const unsigned char *)frame->payload;
  fprintf(stderr, "load: closed with %d %.*s\n", frame->length > 1 ? code[0] << 8 | code[1] : 0,
          (int)(frame->length > 2 ? frame->length - 2 : 0), frame->payload + 2);
  stop("the server closed a connection");
}

/** Returns how many bytes of the answer to the upgrade were used; 0 while it is incomplete. */
static size_t on_upgrade(connection *c, const char *p, size_t length) {
  const char *end = memmem(p, length, "\r\n\r\n", 4);
  if (!end) return 0;
  if (length < 12 || memcmp(p, "HTTP/1.1 101", 12) != 0) {
    fprintf(stderr, "load: %.*s\n", (int)length, p);
    stop("the upgrade was refused");
  }
  if (options.mode == MODE_TIDEMARK) hello(c);
  else if (options.mode == MODE_ROOM || options.mode == MODE_SOCKETIO) greet_room(c);
  else become_ready(c);
  return (size_t)(end - p) + 4;
}

static void consume(connection *c, const char *p, size_t length) {
  size_t used = c->phase == UPGRADING ? on_upgrade(c, p, length) : 0;
  ws_frame frame;
  while (c->phase != UPGRADING) {
    size_t took = ws_read(p + used, length - used, &frame);
    if (took == 0) break;
    used += took;
    on_frame(c, &frame);
  }
  c->rest.length = 0;
  memcpy(buffer_reserve(&c->rest, length - used + 1), p + used, length - used);
  c->rest.length = length - used;
}

/** Whoever came back is at head, or has got all the bytes of its burst. */
static void note_return(connection *c) {
  if (!c->back_since_us) return;
  bool here = options.mode == MODE_BURST ? c->bytes >= (uint64_t)options.burst_bytes
                                         : c->following && !c->snap_awaited && c->parts_awaited == 0 &&
                                               c->at.position >= c->doc->first_seq + c->doc->sent;
  if (!here) return;
  histogram_add(&returns, now_us() - c->back_since_us);
  c->back_since_us = 0;
  away_count--;
}

static void on_readable(connection *c) {
  for (bool more = true; more;) {
    incoming.length = 0;
    char *to = buffer_reserve(&incoming, c->rest.length + READ_BYTES);
    if (c->rest.length) memcpy(to, c->rest.bytes, c->rest.length);
    ssize_t n = recv(c->fd, to + c->rest.length, READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (n <= 0) stop(n ? strerror(errno) : "a connection ended");
    tally_clocks(&total);
    if (total.measuring) total.bytes += (uint64_t)n;
    c->bytes += (uint64_t)n;
    more = n > READ_BYTES / 2;
    consume(c, to, c->rest.length + (size_t)n);
  }
  refill(c);
  note_return(c);
  if (outgoing.length) flush(c);
}

/** Handles what has come in. Returns false when nothing had within 100 ms. */
static bool poll_once(void) {
  static struct epoll_event events[4096];
  int n = epoll_wait(poller, events, 4096, options.rate > 0 ? 1 : 100);
  for (int i = 0; i < n; i++) on_readable(&connections[events[i].data.u32]);
  return n > 0;
}

#include "dialing.h"

static double rss_max_mb;

#include "stopped.h"

/** Runs until `until_us`, or until everything sent has arrived everywhere. Returns false when nothing moves any more. */
static bool run_until(uint64_t until_us, bool (*arrived)(void)) {
  uint64_t moved = now_us(), sampled = 0;
  for (uint64_t now = moved; now < until_us; now = now_us()) {
    if (arrived && arrived()) return true;
    beat();
    sign_of_life(now);
    if (now - sampled > 100000) {
      double rss_mb = read_rss_mb(options.server_pid);
      if (rss_mb > rss_max_mb) rss_max_mb = rss_mb;
      sampled = now;
    }
    if (poll_once()) moved = now;
    else if (now - moved > options.stall_s * 1e6) return false;
  }
  return !arrived || arrived();
}

static uint64_t tenths[TENTHS]; // acks in each tenth of the window

static bool run_window(void) {
  uint64_t from = now_us();
  bool moving = true;
  for (int i = 0; i < TENTHS && moving; i++) {
    uint64_t before = total.acks;
    moving = run_until(from + (uint64_t)(options.window_s * 1e6 * (i + 1) / TENTHS), NULL);
    tenths[i] = total.acks - before;
  }
  return moving;
}

#include "arrivals.h"
#include "held.h"

static void prepare(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  int followers = options.documents * options.subscribers;
  bool writers = options.mode == MODE_TIDEMARK || options.mode == MODE_ECHO;
  connection_count = followers + (writers ? options.documents : 0);
  connections = calloc((size_t)connection_count, sizeof *connections);
  documents = calloc((size_t)options.documents, sizeof *documents);
  poller = epoll_create1(0);
  if (!connections || !documents || poller < 0) stop("out of memory");
  begin_values();
  for (int i = 0; i < connection_count; i++) {
    bool writer = i >= followers;
    bool stopped = !writer && i % options.subscribers >= options.subscribers - options.stopped;
    connections[i] = (connection){.index = i, .writer = writer, .stopped = stopped, .low_n = 1,
                                  .doc = &documents[writer ? i - followers : i / options.subscribers]};
  }
  total.ttl_us = (uint64_t)options.ttl_ms * 1000;
  total.merged = options.every_ms > 0;
  total.views = options.views > 0;
  for (int i = 0; options.rate > 0 && i < options.documents; i++) {
    lane *l = documents[i].lane = calloc(1, sizeof *l);
    if (!l) stop("out of memory");
    l->next = 1;
    l->window = l->threshold = IN_FLIGHT_MAX;
  }
}

#include "returns.h"
#include "rooms.h"

int main(int argc, char **argv) {
  if (!load_parse(&options, argc, argv)) return load_usage();
  prepare();
  begin_joins(connection_count);
  connect_all();
  if (options.hold) hold();
  tally_clocks(&total);
  if (options.mode == MODE_ROOM || options.mode == MODE_SOCKETIO) return play_room();
  if (options.missed) return play_returns();
  if (options.mode == MODE_BURST) return play_burst();
  listen_to_stopped(false);
  double before_mb = read_rss_mb(options.server_pid);
  if (options.mode != MODE_SINK) begin_calls();
  bool moving = run_until(now_us() + (uint64_t)(options.warm_up_s * 1e6), NULL);
  usage from = read_usage(options.server_pid, (double)now_us() / 1e6);
  total.measuring = true;
  moving = moving && run_window();
  total.measuring = false;
  usage to = read_usage(options.server_pid, (double)now_us() / 1e6);
  double rss_mb = read_rss_mb(options.server_pid);
  calling = false;
  listen_to_stopped(true);
  uint64_t woken = now_us();
  bool complete = options.mode == MODE_SINK || run_until(now_us() + (uint64_t)(options.stall_s * 1e6), all_arrived);
  if (!moving || !complete) complain(&total.bad.counts, "what was sent never arrived everywhere", "", 0);
  double wake_s = (double)(now_us() - woken) / 1e6;
  compare_streams();
  char more[600];
  int length = describe_stopped(more, sizeof more, (aftermath){.grown_mb = rss_mb - before_mb, .wake_s = wake_s});
  length += describe_joins(more + length, sizeof more - (size_t)length);
  uint64_t least = tenths[0];
  for (int i = 1; i < TENTHS; i++) least = tenths[i] < least ? tenths[i] : least;
  snprintf(more + length, sizeof more - (size_t)length, ",\"firstTenthAcks\":%lu,\"lastTenthAcks\":%lu,\"leastTenthAcks\":%lu",
           tenths[0], tenths[TENTHS - 1], least);
  print_result(&total, from, to, rss_mb, rss_max_mb, more);
  return failure_count(&total.bad) ? 1 : 0;
}
