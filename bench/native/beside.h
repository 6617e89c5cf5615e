// Members in a process of their own beside the load: one process has not the descriptors for all of them. They hear what the
// load publishes, count as it counts, and check as it checks; what the two say to each other is in memory that they share.
#ifndef TIDEMARK_BESIDE_H
#define TIDEMARK_BESIDE_H
#include "member.h"
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

typedef struct {
  atomic_int ready;     // members of the other process
  atomic_bool measuring;
  atomic_bool finished; // nothing more is published; `last` holds what each caller published last
  uint64_t last[CALLERS_MAX];
  uint64_t deliveries;
  double load_s;
} beside;

/** Memory that a process shares with those it forks; NULL when there is none. */
static inline beside *beside_share(void) {
  void *at = mmap(NULL, sizeof(beside), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

/** Forks; the other process ends with this one. */
static inline pid_t beside_fork(void) {
  pid_t parent = getpid(), pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  return 0;
}

/** Whether the other process found nothing wrong. */
static inline bool beside_joined(pid_t pid) {
  int status;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
#endif
