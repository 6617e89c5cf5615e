// The load of many documents: a few connections that hold thousands of them each, and call them in turn. One epoll loop, one line of
// JSON, exit 1 when anything was wrong.
#define _GNU_SOURCE
#include "documents-options.h"
#include "holder.h"
#include "pace.h"
#include "result.h"
#include "sockets.h"
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

#define READ_BYTES (1 << 20)
#define SETUP_S 120
#define KEYS 20

static documents_options options;
static tally total;
static holder *holders;
static held_document *documents;
static int holder_count, greeted_count, poller;
static bool calling;
static byte_buffer incoming, outgoing;
static double rss_max_mb;


__attribute__((noreturn)) static void stop(const char *why) {
  fprintf(stderr, "documents: %s (%d of %d connections greeted)\n", why, greeted_count, holder_count);
  exit(1);
}

static void flush(holder *h) {
  if (!send_all(h->fd, outgoing.bytes, outgoing.length)) stop(strerror(errno));
  outgoing.length = 0;
}

static void say(const char *text, int length) { ws_append(&outgoing, WS_TEXT, text, (size_t)length); }

/** Everybody is somebody else: a server loads so many documents a second for one. */
static void hello(holder *h) {
  char text[256];
  say(text, snprintf(text, sizeof text,
                     "[[\"hello\",{\"v\":1,\"token\":\"dev:holder-%d\",\"client\":\"%032x\",\"conn\":1,\"sdk\":\"load/1\",\"caps\":[]}]]", h->index,
                     (unsigned)h->index + 1));
}

static int name_of(char *to, size_t size, const held_document *d) { return snprintf(to, size, "sheet/held-%ld", (long)(d - documents)); }

/** Asks for the next of its share, so many at a time. */
static void ask(holder *h) {
  char text[256], name[64];
  for (; h->is_opening && h->asked < h->count && h->asked - h->opened < OPENING_MAX; h->asked++) {
    name_of(name, sizeof name, h->documents[h->asked]);
    say(text, snprintf(text, sizeof text, "[[\"open\",{\"s\":%d,\"doc\":\"%s\",\"create\":{\"bytes\":%d}}]]", h->before + h->asked + 1, name, options.state_bytes));
  }
}

/** Followers keep what they have open; who calls is answered all the same. */
static void release(holder *h, int s) {
  char text[32];
  if (h->is_follower || s == 0) return;
  h->by_handle[h->streams[s - 1].handle] = 0;
  h->streams[s - 1].handle = 0;
  say(text, snprintf(text, sizeof text, "[[\"close\",%d]]", h->before + s));
}

static int share_of_calls(const holder *h) {
  int each = options.outstanding / options.connections;
  return h->is_follower ? 0 : each + (h->index < options.outstanding % options.connections);
}

/** Calls until as many as it may have are under way: one more with each answer at first. */
static void call(holder *h) {
  char text[512], name[64];
  int most = share_of_calls(h);
  if (h->count == 0) return;
  while (calling && h->sent - (h->low - 1) < (uint64_t)most && h->sent - (h->low - 1) <= h->low) {
    held_document *d = h->documents[h->turn];
    uint64_t n = holder_call(h, now_us());
    name_of(name, sizeof name, d);
    say(text, snprintf(text, sizeof text,
                       "[[\"c\",%lu,\"%s\",\"set\",{\"key\":\"k%lu\",\"at\":%lu,\"value\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"},{\"low\":%lu,\"born\":%lu}]]",
                       n, name, d->made % KEYS, d->last_at, h->low, (uint64_t)((int64_t)total.now_ms + h->server_ahead_ms)));
  }
}

static void welcome(holder *h, const char *p, const char *end) {
  const char *now = scan_member(p, end, "\"now\":");
  if (!now || h->is_greeted) return complain(&total.bad.protocol, "an odd welcome", p, (size_t)(end - p));
  h->server_ahead_ms = (int64_t)scan_integer(&now, end) - (int64_t)total.now_ms;
  h->is_greeted = true;
  greeted_count++;
}

static void on_message(holder *h, const char *p, const char *end) {
  const char *type = p + 2, *quote = memchr(type, '"', (size_t)(end - type)), *rest = quote ? scan_comma(quote + 1, end) : NULL;
  if (!rest || p[1] != '"') return complain(&total.bad.protocol, "not a message", p, (size_t)(end - p));
  size_t length = (size_t)(quote - type);
#define IS(name) (length == sizeof name - 1 && memcmp(type, name, sizeof name - 1) == 0)
  end--;
  if (IS("ok")) holder_ok(h, &total, rest, end);
  else if (IS("d")) holder_delta(h, &total, rest, end);
  else if (IS("opened")) holder_opened(h, &total, rest, end);
  else if (IS("snap")) release(h, holder_snap(h, &total, rest, end));
  else if (IS("welcome")) welcome(h, rest, end);
  else if (IS("ping")) {
    char pong[64];
    uint64_t k = scan_integer(&rest, end);
    if ((rest = scan_comma(rest, end))) holder_heads(h, &total, rest, end);
    say(pong, snprintf(pong, sizeof pong, "[[\"pong\",%lu,[]]]", k));
  } else if (IS("no") || IS("unk") || IS("ended") || IS("err") || IS("goaway")) complain(&total.bad.refusals, "refused", p, (size_t)(end - p));
#undef IS
}

static void on_frame(holder *h, const ws_frame *frame) {
  const char *p = frame->payload, *end = p + frame->length;
  if (!frame->final || frame->opcode == WS_CLOSE) stop("a fragment, or the server closed a connection");
  if (frame->opcode == WS_PING) return ws_append(&outgoing, WS_PONG, p, frame->length);
  total.frames++;
  if (p >= end || *p != '[') return complain(&total.bad.protocol, "a frame that is no array", p, frame->length);
  for (p++; p < end && *p == '[';) {
    const char *after = scan_value(p, end);
    if (!after) return complain(&total.bad.protocol, "a frame cut short", p, (size_t)(end - p));
    on_message(h, p, after);
    p = after < end && *after == ',' ? after + 1 : after;
  }
}

static void consume(holder *h, const char *p, size_t length) {
  size_t used = 0;
  ws_frame frame;
  for (size_t took; (took = ws_read(p + used, length - used, &frame)) > 0; used += took) on_frame(h, &frame);
  h->rest.length = 0;
  memcpy(buffer_reserve(&h->rest, length - used + 1), p + used, length - used);
  h->rest.length = length - used;
}

static void on_readable(holder *h) {
  incoming.length = 0;
  char *to = buffer_reserve(&incoming, h->rest.length + READ_BYTES);
  if (h->rest.length) memcpy(to, h->rest.bytes, h->rest.length);
  ssize_t n = recv(h->fd, to + h->rest.length, READ_BYTES, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) stop(n ? strerror(errno) : "a connection ended");
  tally_clocks(&total);
  if (total.measuring) total.bytes += (uint64_t)n;
  consume(h, to, h->rest.length + (size_t)n);
  ask(h);
  call(h);
  if (outgoing.length) flush(h);
}

static bool poll_once(void) {
  static struct epoll_event events[1024];
  int n = epoll_wait(poller, events, 1024, 100);
  for (int i = 0; i < n; i++) on_readable(&holders[events[i].data.u32]);
  return n > 0;
}

/** Runs so long, or until it is as it should be. Returns false when nothing moves any more. */
static bool run_until(uint64_t until_us, bool (*done)(void)) {
  uint64_t moved = now_us(), sampled = 0;
  for (uint64_t now = moved; now < until_us; now = now_us()) {
    if (done && done()) return true;
    if (now - sampled > 100000) {
      double rss_mb = read_rss_mb(options.server_pid);
      if (rss_mb > rss_max_mb) rss_max_mb = rss_mb;
      sampled = now;
    }
    if (poll_once()) moved = now;
    else if (now - moved > (uint64_t)(options.stall_s * 1e6)) return false;
  }
  return !done || done();
}

static void dial(holder *h) {
  char request[1024];
  h->fd = connect_here(options.port);
  if (h->fd < 0) stop(strerror(errno));
  if (!send_all(h->fd, request, (size_t)ws_upgrade_request(request, sizeof request, "/v1/socket", "tidemark.v1.json"))) stop(strerror(errno));
}

/** Reads the answer to the upgrade, byte by byte: what is behind it stays in the socket. */
static void await_upgrade(holder *h) {
  char answer[1024];
  size_t length = 0;
  while (length < sizeof answer && (length < 4 || memcmp(answer + length - 4, "\r\n\r\n", 4) != 0))
    if (recv(h->fd, answer + length++, 1, 0) != 1) stop("the upgrade was cut short");
  if (memcmp(answer, "HTTP/1.1 101", 12) != 0) stop("the upgrade was refused");
  hello(h);
  flush(h);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)h->index};
  epoll_ctl(poller, EPOLL_CTL_ADD, h->fd, &event);
}

static bool all_greeted(void) { return greeted_count == holder_count; }

static void connect_all(void) {
  uint64_t from = now_us();
  for (int i = 0; i < holder_count; i++) {
    while (i >= dials_within(now_us() - from, 0)) poll_once();
    tally_clocks(&total);
    dial(&holders[i]);
    await_upgrade(&holders[i]);
  }
  if (!run_until(now_us() + SETUP_S * 1000000ULL, all_greeted)) stop("connecting took too long");
}

static bool all_opened(void) {
  for (int i = 0; i < holder_count; i++)
    if (holders[i].opened < holders[i].asked) return false;
  return true;
}

/** All of some open their share. */
static void open_all(bool followers, bool checking) {
  for (int i = 0; i < holder_count; i++) {
    holder *h = &holders[i];
    if (h->is_follower != followers) continue;
    h->before += h->asked;
    h->asked = h->opened = 0;
    h->is_opening = true;
    h->is_checking = checking;
    ask(h);
    if (outgoing.length) flush(h);
  }
  if (!run_until(now_us() + SETUP_S * 1000000ULL, all_opened)) stop("opening took too long");
  if (total.bad.refusals || total.bad.protocol) stop("the server refused to open");
}

static bool all_arrived(void) {
  for (int i = 0; i < holder_count; i++) {
    holder *h = &holders[i];
    if (h->low <= h->sent) return false;
    for (int k = 0; h->is_follower && k < h->count; k++)
      if (h->streams[k].position < h->documents[k]->first + h->documents[k]->made) return false;
  }
  return true;
}

/** A server reads what it knows of a client of a document when it hears of it first. */
static bool all_called_once(void) {
  static int called;
  while (called < options.documents && documents[called].acked > 0) called++;
  return called == options.documents;
}

static void prepare(void) {
  holder_count = options.connections * (1 + options.followers);
  holders = calloc((size_t)holder_count, sizeof *holders);
  documents = calloc((size_t)options.documents + 1, sizeof *documents);
  poller = epoll_create1(0);
  if (!holders || !documents || poller < 0) stop("out of memory");
  for (int i = 0; i < holder_count; i++) {
    holder *h = &holders[i];
    int part = i % options.connections, most = options.documents / options.connections + 1;
    h->index = i, h->low = 1, h->is_follower = i >= options.connections;
    h->documents = calloc((size_t)most, sizeof *h->documents);
    h->streams = calloc((size_t)most, sizeof *h->streams);
    if (!h->documents || !h->streams) stop("out of memory");
    for (int d = part; d < options.documents; d += options.connections) h->documents[h->count++] = &documents[d];
  }
}

static void hold(void) {
  printf("held\n");
  fflush(stdout);
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  while (poll(&input, 1, 0) == 0) poll_once();
}

static void begin_calls(void) {
  calling = true;
  tally_clocks(&total);
  for (int i = 0; i < holder_count; i++) {
    call(&holders[i]);
    if (outgoing.length) flush(&holders[i]);
  }
}

static usage usage_now(void) { return read_usage(options.server_pid, (double)now_us() / 1e6); }

int main(int argc, char **argv) {
  if (!documents_parse(&options, argc, argv)) return documents_usage();
  prepare();
  connect_all();
  open_all(false, false);
  if (options.followers) open_all(true, false);
  double before_mb = read_rss_mb(options.server_pid);
  if (options.hold) hold();
  usage from = usage_now(), to = from;
  double first_calls_s = 0;
  bool moving = true;
  if (options.outstanding) {
    uint64_t began = now_us();
    begin_calls();
    if (!run_until(began + SETUP_S * 1000000ULL, all_called_once)) stop("the first calls took too long");
    first_calls_s = (double)(now_us() - began) / 1e6;
    moving = run_until(now_us() + (uint64_t)(options.warm_up_s * 1e6), NULL);
    from = usage_now();
    total.measuring = true;
    moving = moving && run_until(now_us() + (uint64_t)(options.window_s * 1e6), NULL);
    total.measuring = false;
    to = usage_now();
    calling = false;
    if (!moving || !run_until(now_us() + (uint64_t)(options.stall_s * 1e6), all_arrived)) complain(&total.bad.counts, "what was sent never arrived everywhere", "", 0);
  }
  if (!options.outstanding) to = usage_now();
  double rss_mb = read_rss_mb(options.server_pid);
  if (failure_count(&total.bad) == 0 && options.documents) open_all(false, true);
  char more[96];
  snprintf(more, sizeof more, ",\"serverRssBeforeMb\":%.1f,\"firstCallsSeconds\":%.3f", before_mb, first_calls_s);
  print_result(&total, from, to, rss_mb, rss_max_mb, more);
  return failure_count(&total.bad) ? 1 : 0;
}
