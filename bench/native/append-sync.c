// The floor of a lone durable write: append the same bytes to a file and fdatasync, one after another, and say how
// long each took. Usage: append-sync FILE BYTES SECONDS. It prints one line of JSON and removes the file.
#define _GNU_SOURCE
#include "histogram.h"
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: append-sync FILE BYTES SECONDS\n"), 2;
  const char *path = argv[1];
  size_t bytes = strtoul(argv[2], NULL, 10);
  uint64_t window_us = (uint64_t)(atof(argv[3]) * 1e6);
  int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
  char *row = malloc(bytes);
  if (fd < 0 || !row || bytes == 0) return perror(path), 1;
  memset(row, 'x', bytes);
  static histogram took;
  uint64_t start = now_us(), warm = start + window_us / 5, end = warm + window_us;
  for (uint64_t before = start; before < end;) {
    if (write(fd, row, bytes) != (ssize_t)bytes || fdatasync(fd) != 0) return perror(path), 1;
    uint64_t after = now_us();
    if (before >= warm) histogram_add(&took, after - before);
    before = after;
  }
  close(fd);
  unlink(path);
  printf("{\"bytes\":%zu,\"writes\":%lu,\"perSecond\":%.0f,\"p50Ms\":%.4f,\"p99Ms\":%.4f}\n", bytes, took.count,
         (double)took.count / ((double)window_us / 1e6), histogram_quantile_ms(&took, 0.5),
         histogram_quantile_ms(&took, 0.99));
  return 0;
}
