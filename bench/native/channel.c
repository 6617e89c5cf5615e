// The load of channels: many members of one channel of a Tidemark server or of a socket.io 2 server, HTTP callers that publish to
// them in a closed loop, or newcomers that all of them are to be told of. One epoll loop, one line of JSON, exit 1 when anything
// was wrong. Both servers get the same work and the same checks.
#define _GNU_SOURCE
#include "beside.h"
#include "channel-options.h"
#include "pace.h"
#include "sockets.h"
#include "usage.h"
#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define READ_BYTES (1 << 20)
#define CONNECTING_MAX 64
#define SETUP_S 180
#define SIGN_OF_LIFE_US 20000000

static channel_options options;
static member *members;
static http_caller *callers;
static int poller, dialed, ready_count;
static frame_reading reading;
static byte_buffer incoming, outgoing;
static histogram lag, calm_lag, join_lag;
static uint64_t published, deliveries, gaps, refusals, joins_seen, now_at_us;
static uint64_t join_started[JOINS_MAX];
static int join_reached[JOINS_MAX], joins_begun;
static bool measuring, calm, calling;
static beside *shared; // NULL: all members are here

__attribute__((noreturn)) static void stop(const char *why) {
  fprintf(stderr, "channel load: %s (%d of %d members ready)\n", why, ready_count, options.members);
  exit(1);
}

static void flush(int fd) {
  if (!send_all(fd, outgoing.bytes, outgoing.length)) stop(strerror(errno));
  outgoing.length = 0;
}

static int dial(int port, uint32_t index) {
  int fd = connect_here(port);
  if (fd < 0) stop(strerror(errno));
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  return fd;
}

static void complain(uint64_t *counter, const char *what, const char *p, size_t length) {
  if ((*counter)++ < 3) fprintf(stderr, "channel load: %s: %.*s\n", what, (int)(length < 200 ? length : 200), p);
}

static void take_messages(member *m, const char *p, const char *end) {
  if (!read_messages(&reading, p, end)) stop("a frame of more messages than this load can hold");
  for (int i = 0; i < reading.count; i++) {
    message *one = &reading.messages[i];
    uint64_t *last = &m->last[one->caller];
    if (one->n != *last + 1) complain(&gaps, "a gap, a repeat or another order", p, (size_t)(end - p));
    *last = one->n;
    if (measuring) deliveries++;
    if (measuring || calm) histogram_add(calm ? &calm_lag : &lag, now_at_us - one->at);
  }
}

/** All members have seen joins up to `count`; the last of them to see one says how long it took. */
static void take_joins(member *m, uint64_t count) {
  if (m->joined_us) return; // newcomers are told of each other as well
  for (; m->joins < count && m->joins < JOINS_MAX; m->joins++) {
    uint64_t k = m->joins;
    if (++join_reached[k] < options.members) continue;
    joins_seen++;
    histogram_add(&join_lag, now_at_us - join_started[k]);
  }
}

static void become_ready(member *m) {
  if (m->phase == READY) return;
  m->phase = READY;
  ready_count++;
}

static void take_river(member *m, const char *p, const char *end) {
  if (begins(p, end, "40")) {
    char text[2048];
    member_say(&outgoing, text, snprintf(text, sizeof text, "42[\"authenticate\",{\"token\":\"%s\"}]", options.form.token));
  } else if (begins(p, end, "42[\"authenticated\"")) {
    member_enter(&options.form, m->joined_us != 0, &outgoing);
    become_ready(m);
  } else if (begins(p, end, "42[\"event\",\"Someone joined")) {
    take_joins(m, m->joins + 1);
  } else if (begins(p, end, "42[\"post\"")) {
    take_messages(m, p, end);
  }
}

static void take_tidemark(member *m, const char *p, const char *end) {
  if (after_text(p, end, "[\"err\"") || after_text(p, end, "[\"ended\"") || after_text(p, end, "[\"goaway\""))
    complain(&refusals, "refused", p, (size_t)(end - p));
  if (m->phase == GREETING && after_text(p, end, "[\"welcome\"")) {
    m->phase = ENTERING;
    return member_enter(&options.form, m->joined_us != 0, &outgoing);
  }
  if (m->phase == ENTERING && after_text(p, end, "[\"snap\"")) become_ready(m);
  member_answer_ping(p, end, &outgoing);
  const char *presence = options.form.presence ? after_text(p, end, "[\"pres\",") : NULL;
  if (presence && options.joins > 0) {
    uint64_t count = integer_after(presence, end, "\"count\":", 0);
    if (count > (uint64_t)options.members) take_joins(m, count - (uint64_t)options.members);
    return;
  }
  if (options.joins == 0) take_messages(m, p, end);
}

static void on_frame(member *m, const ws_frame *frame) {
  const char *p = frame->payload, *end = p + frame->length;
  if (!frame->final || frame->opcode == WS_CLOSE) stop("a fragment, or the server closed a connection");
  if (frame->opcode == WS_PING) return ws_append(&outgoing, WS_PONG, p, frame->length);
  if (options.form.kind == KIND_RIVER) take_river(m, p, end);
  else take_tidemark(m, p, end);
}

static size_t on_upgrade(member *m, const char *p, size_t length) {
  const char *end = memmem(p, length, "\r\n\r\n", 4);
  if (!end) return 0;
  if (length < 12 || memcmp(p, "HTTP/1.1 101", 12) != 0) {
    fprintf(stderr, "channel load: %.*s\n", (int)length, p);
    stop("the upgrade was refused");
  }
  member_greet(m, &options.form, &outgoing);
  return (size_t)(end - p) + 4;
}

static void consume(member *m, const char *p, size_t length) {
  size_t used = m->phase == UPGRADING ? on_upgrade(m, p, length) : 0;
  ws_frame frame;
  while (m->phase != UPGRADING) {
    size_t took = ws_read(p + used, length - used, &frame);
    if (took == 0) break;
    used += took;
    on_frame(m, &frame);
  }
  m->rest.length = 0;
  if (length == used) return;
  memcpy(buffer_reserve(&m->rest, length - used), p + used, length - used);
  m->rest.length = length - used;
}

static void on_member(member *m) {
  for (bool more = true; more;) {
    incoming.length = 0;
    char *to = buffer_reserve(&incoming, m->rest.length + READ_BYTES);
    if (m->rest.length) memcpy(to, m->rest.bytes, m->rest.length);
    ssize_t n = recv(m->fd, to + m->rest.length, READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (n <= 0) stop(n ? strerror(errno) : "a connection ended");
    now_at_us = now_us();
    more = n > READ_BYTES / 2;
    consume(m, to, m->rest.length + (size_t)n);
  }
  if (outgoing.length) flush(m->fd);
}

/** Members come first in the numbers that the loop knows its sockets by, callers after them. */
static int member_total(void) { return options.members + options.joins; }

/** Just before its first call: a server hangs up on whoever connects and says nothing. */
static void dial_caller(int index) {
  callers[index].id = index;
  callers[index].fd = dial(options.http_port, (uint32_t)(member_total() + index));
}

static void call(http_caller *c) {
  http_publish(c, &options.publish, now_us(), &outgoing);
  flush(c->fd);
}

static void on_caller(http_caller *c) {
  ssize_t n = recv(c->fd, buffer_reserve(&c->rest, 65536), 65536, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0 && calling) stop("the server hung up on a caller");
  if (n <= 0) return (void)close(c->fd); // one that has said nothing for a while
  c->rest.length += (size_t)n;
  enum answer answer = http_answer(c);
  if (answer == ANSWER_INCOMPLETE) return;
  if (answer == ANSWER_BAD) {
    fprintf(stderr, "channel load: %.*s\n", (int)c->rest.length, c->rest.bytes);
    stop("a publish was refused");
  }
  if (measuring) published++;
  if (calling) call(c);
}

static void poll_once(int timeout_ms) {
  static struct epoll_event events[4096];
  int n = epoll_wait(poller, events, 4096, timeout_ms);
  now_at_us = now_us();
  for (int i = 0; i < n; i++) {
    int index = (int)events[i].data.u32;
    if (index < member_total()) on_member(&members[index]);
    else on_caller(&callers[index - member_total()]);
  }
}

/** An old socket.io server hangs up on whoever says nothing for a minute. */
static void sign_of_life(void) {
  static uint64_t last;
  if (options.form.kind != KIND_RIVER || now_us() - last < SIGN_OF_LIFE_US) return;
  last = now_us();
  for (int i = 0; i < dialed; i++) {
    if (members[i].phase != READY) continue;
    member_say(&outgoing, "2", 1);
    flush(members[i].fd);
  }
}

static void run_for(double seconds) {
  uint64_t until = now_us() + (uint64_t)(seconds * 1e6);
  while (now_us() < until) {
    sign_of_life();
    poll_once(10);
  }
}

static void begin(int index) {
  members[index].id = options.first_id + index;
  members[index].fd = dial(options.port, (uint32_t)index);
  outgoing.length = (size_t)ws_upgrade_request(
      buffer_reserve(&outgoing, 1024), 1024, options.form.kind == KIND_RIVER ? "/socket.io/?EIO=3&transport=websocket" : "/v1/socket",
      options.form.kind == KIND_RIVER ? "" : "tidemark.v1.json");
  flush(members[index].fd);
}

static void gather(void) {
  uint64_t from = now_us(), deadline = from + SETUP_S * 1000000ULL;
  while (ready_count < options.members) {
    int most = dials_within(now_us() - from, 0);
    while (dialed < options.members && dialed < most && dialed - ready_count < CONNECTING_MAX) begin(dialed++);
    sign_of_life();
    poll_once(100);
    if (refusals) stop("the server refused to begin");
    if (now_us() > deadline) stop("connecting took too long");
  }
  run_for(options.settle_s); // a socket.io server enters them by and by, without a word
}

static bool may_join(uint64_t from_us) {
  if (joins_begun == options.joins) return false;
  if (options.joins_per_second == 0) return joins_seen == (uint64_t)joins_begun;
  return now_us() >= from_us + (uint64_t)(joins_begun * 1e6 / options.joins_per_second);
}

static void join(void) {
  member *m = &members[options.members + joins_begun];
  m->joined_us = join_started[joins_begun] = now_us();
  begin(options.members + joins_begun);
  joins_begun++;
}

/** Newcomers, until each was seen by all members, or the window is over in a closed loop. */
static double play_joins(void) {
  uint64_t from = now_us(), last_seen = from, seen = 0;
  while (joins_seen < (uint64_t)options.joins) {
    if (options.joins_per_second == 0 && now_us() - from > options.window_s * 1e6 && joins_seen == (uint64_t)joins_begun) break;
    while (may_join(from)) join();
    sign_of_life();
    poll_once(1);
    if (joins_seen > seen) seen = joins_seen, last_seen = now_us();
    else if (now_us() - last_seen > options.stall_s * 1e6) stop("a join was never seen by all");
  }
  return (double)(last_seen - from) / 1e6;
}

/** One publish at a time, each when the last has long arrived. */
static void publish_one_by_one(double seconds) {
  uint64_t until = now_us() + (uint64_t)(seconds * 1e6);
  while (now_us() < until) {
    if (!callers[0].under_way) call(&callers[0]);
    run_for(0.02);
  }
  while (callers[0].under_way) poll_once(10);
  run_for(0.1);
}

/** What the lag is without load; what runs for the first time is not what is measured. */
static void play_calm(void) {
  publish_one_by_one(options.calm_s / 4);
  calm = true;
  publish_one_by_one(options.calm_s);
  calm = false;
}

static bool all_arrived(void) {
  for (int i = 0; i < options.members; i++)
    for (int k = 0; k < options.callers; k++)
      if (members[i].last[k] != (shared && shared->finished ? shared->last[k] : callers[k].n)) return false;
  return true;
}

static void await_arrival(void) {
  uint64_t until = now_us() + (uint64_t)(options.stall_s * 1e6);
  while (!all_arrived() && now_us() < until) poll_once(10);
  if (!all_arrived()) complain(&gaps, "what was published never arrived everywhere", "", 0);
}

/** In the process of those beside: hears what the other publishes, until all of it has come. */
static int listen_beside(void) {
  gather();
  shared->ready = ready_count;
  usage from = {0}, to = {0};
  for (bool was = false; !shared->finished; was = measuring) {
    measuring = shared->measuring;
    if (measuring && !was) from = read_usage(0, 0);
    if (!measuring && was) to = read_usage(0, 0);
    poll_once(10);
  }
  await_arrival();
  shared->deliveries = deliveries;
  shared->load_s = to.load_s - from.load_s;
  return gaps || refusals ? 1 : 0;
}

static void print_publishes(usage from, usage to, double rss_mb, double rss_after_mb, double drain_s) {
  double s = to.wall_s - from.wall_s;
  printf("{\"seconds\":%.3f,\"published\":%lu,\"publishedPerSecond\":%.1f,\"deliveries\":%lu,\"deliveriesPerSecond\":%.1f,", s, published,
         (double)published / s, deliveries, (double)deliveries / s);
  printf("\"lagP50Ms\":%.3f,\"lagP99Ms\":%.3f,\"calmLagP50Ms\":%.3f,\"calmLagP99Ms\":%.3f,", histogram_quantile_ms(&lag, 0.5),
         histogram_quantile_ms(&lag, 0.99), histogram_quantile_ms(&calm_lag, 0.5), histogram_quantile_ms(&calm_lag, 0.99));
  printf("\"rssMb\":%.1f,\"rssAfterMb\":%.1f,\"drainSeconds\":%.2f,\"serverCpuSeconds\":%.2f,\"loadCpu\":%.3f,\"gaps\":%lu,\"refusals\":%lu}\n",
         rss_mb, rss_after_mb, drain_s, to.server_user_s + to.server_system_s - from.server_user_s - from.server_system_s,
         (to.load_s - from.load_s) / s, gaps, refusals);
}

static void measure(bool on) {
  measuring = on;
  if (shared) shared->measuring = on;
}

/** Nothing is under way any more: what each caller has published last is known. */
static void end_calls(void) {
  if (!shared) return;
  for (bool any = true; any;) {
    any = false;
    for (int i = 0; i < options.callers; i++) any = any || callers[i].under_way;
    if (any) poll_once(10);
  }
  for (int i = 0; i < options.callers; i++) shared->last[i] = callers[i].n;
  shared->finished = true;
}

/** `other`: the process of those beside, if there are any. */
static int play_publishes(pid_t other) {
  while (other && shared->ready < options.beside) {
    if (waitpid(other, NULL, WNOHANG) == other) stop("those beside have failed");
    run_for(0.05);
  }
  dial_caller(0);
  play_calm();
  calling = true;
  for (int i = 0; i < options.callers; i++) {
    if (i > 0) dial_caller(i);
    call(&callers[i]);
  }
  run_for(options.warm_up_s);
  double rss_mb = read_rss_mb(options.server_pid);
  usage from = read_usage(options.server_pid, (double)now_us() / 1e6);
  measure(true);
  run_for(options.window_s);
  measure(false);
  usage to = read_usage(options.server_pid, (double)now_us() / 1e6);
  double rss_after_mb = read_rss_mb(options.server_pid);
  calling = false;
  uint64_t since = now_us();
  end_calls();
  await_arrival();
  if (other && !beside_joined(other)) complain(&gaps, "those beside found something wrong", "", 0);
  if (shared) deliveries += shared->deliveries;
  print_publishes(from, to, rss_mb, rss_after_mb, (double)(now_us() - since) / 1e6);
  return gaps || refusals ? 1 : 0;
}

static int play_presence(void) {
  usage from = read_usage(options.server_pid, (double)now_us() / 1e6);
  double seconds = play_joins();
  usage to = read_usage(options.server_pid, (double)now_us() / 1e6);
  printf("{\"seconds\":%.3f,\"joins\":%lu,\"joinsPerSecond\":%.2f,\"seenP50Ms\":%.1f,\"seenP99Ms\":%.1f,\"members\":%d,", seconds, joins_seen,
         (double)joins_seen / seconds, histogram_quantile_ms(&join_lag, 0.5), histogram_quantile_ms(&join_lag, 0.99), options.members);
  printf("\"rssMb\":%.1f,\"serverCpuSeconds\":%.2f,\"loadCpu\":%.3f,\"refusals\":%lu}\n", read_rss_mb(options.server_pid),
         to.server_user_s + to.server_system_s - from.server_user_s - from.server_system_s, (to.load_s - from.load_s) / (to.wall_s - from.wall_s),
         refusals);
  return refusals ? 1 : 0;
}

static void prepare(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  options.form.presence = options.joins > 0 || options.present;
  members = calloc((size_t)member_total(), sizeof *members);
  callers = calloc((size_t)options.callers + 1, sizeof *callers);
  char *padding = malloc((size_t)options.padding_bytes + 1);
  poller = epoll_create1(0);
  if (!members || !callers || !padding || poller < 0) stop("out of memory");
  memset(padding, 'x', (size_t)options.padding_bytes);
  padding[options.padding_bytes] = 0;
  options.publish.padding = padding;
}

int main(int argc, char **argv) {
  if (!channel_parse(&options, argc, argv)) return 2;
  if (options.beside > 0 && !(shared = beside_share())) stop("no memory to share");
  pid_t other = shared ? beside_fork() : 0;
  if (shared && other == 0) {
    options.first_id = options.members;
    options.members = options.beside;
    prepare();
    return listen_beside();
  }
  prepare();
  gather();
  if (options.joins > 0) return play_presence();
  return play_publishes(other);
}
