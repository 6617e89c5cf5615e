// Sockets to a server on this machine, and the clock.
#ifndef TIDEMARK_SOCKETS_H
#define TIDEMARK_SOCKETS_H
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/** Microseconds from an arbitrary start, never backwards. */
static inline uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/** A socket to a port of this machine; -1, and errno, when there is none. */
static inline int connect_here(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  if (fd < 0) return -1;
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) return close(fd), -1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/** Writes all of it. False, and errno, when it cannot. */
static inline bool send_all(int fd, const char *bytes, size_t length) {
  for (size_t sent = 0; sent < length;) {
    ssize_t n = send(fd, bytes + sent, length - sent, MSG_NOSIGNAL);
    if (n < 0) return false;
    sent += (size_t)n;
  }
  return true;
}
#endif
