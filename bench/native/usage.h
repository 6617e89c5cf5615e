// What the server and the load used, as Linux counts it.
#ifndef TIDEMARK_USAGE_H
#define TIDEMARK_USAGE_H
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct {
  double wall_s, load_s, server_user_s, server_system_s;
} usage;

/** Wall clock and processor time so far, of this process and of the server. */
static inline usage read_usage(int server_pid, double wall_s) {
  struct rusage self;
  getrusage(RUSAGE_SELF, &self);
  usage u = {.wall_s = wall_s,
             .load_s = (double)(self.ru_utime.tv_sec + self.ru_stime.tv_sec) + (double)(self.ru_utime.tv_usec + self.ru_stime.tv_usec) / 1e6};
  char path[64], line[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", server_pid);
  FILE *file = server_pid ? fopen(path, "r") : NULL;
  if (!file) return u;
  unsigned long user = 0, system = 0;
  char *after = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
  if (after) sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  fclose(file);
  double tick = (double)sysconf(_SC_CLK_TCK);
  u.server_user_s = (double)user / tick;
  u.server_system_s = (double)system / tick;
  return u;
}

/** What of the server is in memory; 0 when nobody knows. */
static inline double read_rss_mb(int server_pid) {
  char path[64];
  unsigned long pages = 0;
  snprintf(path, sizeof path, "/proc/%d/statm", server_pid);
  FILE *file = server_pid ? fopen(path, "r") : NULL;
  if (!file) return 0;
  if (fscanf(file, "%*u %lu", &pages) != 1) pages = 0;
  fclose(file);
  return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}
#endif
