// Connects everybody, from where and as fast as a server lets them in. Included by load.c.
#ifndef TIDEMARK_DIALING_H
#define TIDEMARK_DIALING_H
#define CONNECTING_MAX 256
#define STOPPED_RECEIVE_BYTES 16384 // a stopped reader's kernel holds little, so that the server's queue is what fills
#define STOPPED_SEGMENT_BYTES 1448
#define SOCKETIO_PATH "/socket.io/?EIO=4&transport=websocket"
#define FROM_ONE_ADDRESS 10000

/** From half of the ports there are on, the kernel looks through all of them for one that is free, at a millisecond each: so many
 * leave from an address of the loopback network, the next from another. */
static void leave_from(connection *c) {
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(c->index / FROM_ONE_ADDRESS))};
  int late = 1;
  if (c->index < FROM_ONE_ADDRESS) return;
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
  if (bind(c->fd, (struct sockaddr *)&from, sizeof from) != 0) stop(strerror(errno));
}

static void dial(connection *c) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
  if (inet_pton(AF_INET, options.host, &to.sin_addr) != 1) stop("--host must be an IPv4 address");
  int one = 1, receive = STOPPED_RECEIVE_BYTES, segment = STOPPED_SEGMENT_BYTES;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->stopped) {
    setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
    setsockopt(c->fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
  }
  leave_from(c);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) stop(strerror(errno));
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  bool tidemark = options.mode == MODE_TIDEMARK;
  outgoing.length = (size_t)ws_upgrade_request(buffer_reserve(&outgoing, 1024), 1024, options.mode == MODE_SOCKETIO ? SOCKETIO_PATH : options.path, tidemark ? "tidemark.v1.json" : "");
  flush(c);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)c->index};
  epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
}

static void connect_all(void) {
  uint64_t from = now_us(), deadline = from + SETUP_S * 1000000ULL;
  for (int dialed = 0; ready_count < connection_count;) {
    int most = dials_within(now_us() - from, options.dial_rate);
    while (dialed < connection_count && dialed < most && dialed - ready_count < CONNECTING_MAX) dial(&connections[dialed++]);
    poll_once();
    if (total.bad.refusals || total.bad.protocol) stop("the server refused to begin");
    if (now_us() > deadline) stop("connecting took too long");
  }
}
#endif
