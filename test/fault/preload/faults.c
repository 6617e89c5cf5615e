/*
 * Stands between a process and the system calls that decide what survives a power cut: it records them in one order,
 * and it can fail or kill at the Nth of them. It never changes what an honest run does.
 *
 * Build: cc -shared -fPIC -O2 -o faults.so faults.c -ldl -lpthread      Use: LD_PRELOAD=faults.so
 *
 * TIDEMARK_FAULTS_DATABASE  absolute, resolved path of the database. Its files are PATH, PATH-wal and PATH-journal
 *                           (PATH-shm is rebuilt after a crash). Without it the library does nothing.
 * TIDEMARK_FAULTS_TRACE     file to record into (appended to). Without it nothing is recorded.
 * TIDEMARK_FAULTS_SYNC      "late": a sync of PATH-wal returns at once and is durable only when the next one is asked
 *                           for: what a server does that acknowledges before its sync. Default: honest.
 * TIDEMARK_FAULTS_INJECT    rules, separated by commas: WHAT[@FILE]:N:DO[:TIMES]
 *                             WHAT   write (also truncates) or sync
 *                             FILE   main or wal; without it both, and PATH-journal
 *                             N      the first call it happens at, from 1
 *                             DO     EIO, ENOSPC, kill-before, kill-after (SIGKILL to this process)
 *                             TIMES  how many calls in a row; default 1, "always" without end
 * TIDEMARK_FAULTS_WHILE     a path: rules see (and count) calls only while a file is there.
 *
 * The trace is a sequence of records, little-endian: a header of 28 bytes, then `size` bytes of payload.
 *   u32 size    u8 kind    u8 file    u16 port    u32 serial    i64 offset    i64 result
 * kind  1 write       file, offset, payload (the bytes that were written); recorded when it has returned
 *       2 truncate    file, offset is the new length; recorded when it has returned
 *       3 sync begins file, serial
 *       4 sync ended  file, serial of its begin, result 0 or -errno
 *       5 unlink      file
 *       6 send        port of the peer, serial, payload; recorded before the bytes can be seen by anybody
 *       7 sent        port, serial of its send, result: bytes the kernel took, or -errno
 *       8 fault fired file, serial is the rule's position, result -errno, 0 for a kill
 * file  0 none, 1 PATH, 2 PATH-wal, 3 PATH-journal
 * A sync covers what was recorded before it began, and is done when it has ended. Only internet sockets are recorded.
 * Calls on the database's files whose effect would go unrecorded abort the process.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum file { NONE, MAIN, WAL, JOURNAL, FILES };
enum kind { WRITE = 1, TRUNCATE, SYNC_BEGIN, SYNC_END, UNLINK, SEND, SENT, FIRED };
enum { KILL_BEFORE = -1, KILL_AFTER = -2, PIECES_MAX = 1025, RULES_MAX = 8 };

struct __attribute__((packed)) header {
  uint32_t size;
  uint8_t kind, file;
  uint16_t port;
  uint32_t serial;
  int64_t offset, result;
};

struct rule {
  enum kind what;
  enum file file;
  long first, times, seen;
  int action; /* an errno, or one of the kills */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *database, *gate;
static size_t database_length;
static int trace = -1, late, rules_count;
static uint32_t serial, late_serial;
static struct rule rules[RULES_MAX];

#define REAL(name) ((__typeof__(&name))real(#name, &real_##name))
#define DECLARE(name) static void *real_##name
DECLARE(write); DECLARE(writev); DECLARE(pwrite64); DECLARE(ftruncate64); DECLARE(fsync); DECLARE(fdatasync);
DECLARE(unlink); DECLARE(unlinkat); DECLARE(send); DECLARE(sendto); DECLARE(sendmsg); DECLARE(rename);
DECLARE(pwritev64); DECLARE(fallocate64); DECLARE(posix_fallocate64);

static void *real(const char *name, void **cached) {
  if (!*cached) *cached = dlsym(RTLD_NEXT, name);
  return *cached;
}

static void die(const char *why) {
  char line[200];
  int length = snprintf(line, sizeof line, "faults.so: %s\n", why);
  syscall(SYS_write, 2, line, length);
  abort();
}

/* ------------------------------------------------------------------------------------------------ configuration */

static int parse_action(const char *text) {
  if (!strcmp(text, "EIO")) return EIO;
  if (!strcmp(text, "ENOSPC")) return ENOSPC;
  if (!strcmp(text, "kill-before")) return KILL_BEFORE;
  if (!strcmp(text, "kill-after")) return KILL_AFTER;
  die("TIDEMARK_FAULTS_INJECT: DO must be EIO, ENOSPC, kill-before or kill-after");
  return 0;
}

static void parse_rule(char *text) {
  char *rest, *what = strtok_r(text, ":", &rest), *first = strtok_r(NULL, ":", &rest);
  char *action = strtok_r(NULL, ":", &rest), *times = strtok_r(NULL, ":", &rest);
  if (!what || !first || !action || rules_count == RULES_MAX) die("TIDEMARK_FAULTS_INJECT: WHAT[@FILE]:N:DO[:TIMES]");
  char *file = strchr(what, '@');
  if (file) *file++ = 0;
  struct rule *rule = &rules[rules_count++];
  rule->what = !strcmp(what, "write") ? WRITE : !strcmp(what, "sync") ? SYNC_BEGIN : 0;
  rule->file = !file ? NONE : !strcmp(file, "main") ? MAIN : !strcmp(file, "wal") ? WAL : FILES;
  rule->first = atol(first);
  rule->times = !times ? 1 : !strcmp(times, "always") ? INT32_MAX : atol(times);
  rule->action = parse_action(action);
  if (!rule->what || rule->file == FILES || rule->first < 1 || rule->times < 1)
    die("TIDEMARK_FAULTS_INJECT: WHAT is write or sync, FILE main or wal, N and TIMES at least 1");
}

__attribute__((constructor)) static void configure(void) {
  const char *path = getenv("TIDEMARK_FAULTS_TRACE"), *inject = getenv("TIDEMARK_FAULTS_INJECT");
  const char *sync_mode = getenv("TIDEMARK_FAULTS_SYNC");
  database = getenv("TIDEMARK_FAULTS_DATABASE");
  if (!database) return;
  database = strdup(database); /* setenv by the process must not pull it away */
  database_length = strlen(database);
  gate = getenv("TIDEMARK_FAULTS_WHILE");
  if (gate) gate = strdup(gate);
  late = sync_mode && !strcmp(sync_mode, "late");
  if (path && (trace = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0) die("cannot open the trace");
  if (!inject) return;
  char *list = strdup(inject), *rest;
  for (char *one = strtok_r(list, ",", &rest); one; one = strtok_r(NULL, ",", &rest)) parse_rule(one);
  free(list);
}

/* --------------------------------------------------------------------------------------------- which file, socket */

static enum file file_of_path(const char *path) {
  if (!database || strncmp(path, database, database_length)) return NONE;
  const char *suffix = path + database_length;
  return !*suffix ? MAIN : !strcmp(suffix, "-wal") ? WAL : !strcmp(suffix, "-journal") ? JOURNAL : NONE;
}

/* Asks the kernel each time: a table of descriptors would have to see every open, dup and close. An unlinked file
 * reads "... (deleted)" and so is none of ours. */
static enum file file_of(int fd) {
  char link[40], path[4096];
  if (!database) return NONE;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0 || path[0] != '/') return NONE;
  path[length] = 0;
  return file_of_path(path);
}

/* The peer's port of an internet socket; 0: it is not one, or nobody records. */
static uint16_t port_of(int fd) {
  struct sockaddr_storage peer;
  socklen_t length = sizeof peer;
  if (trace < 0 || getpeername(fd, (struct sockaddr *)&peer, &length)) return 0;
  if (peer.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&peer)->sin_port);
  if (peer.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&peer)->sin6_port);
  return 0;
}

/* ------------------------------------------------------------------------------------------------------ recording */

/* Call with the lock held. */
static void record(struct header header, const struct iovec *pieces, int count, size_t size) {
  struct iovec out[PIECES_MAX];
  int used = 1;
  if (trace < 0) return;
  if (count >= PIECES_MAX) die("too many pieces in one write");
  for (int i = 0; i < count && size > 0; i++, used++) {
    out[used] = pieces[i];
    if (out[used].iov_len > size) out[used].iov_len = size;
    size -= out[used].iov_len;
    header.size += out[used].iov_len;
  }
  out[0] = (struct iovec){&header, sizeof header};
  if (syscall(SYS_writev, trace, out, used) != (long)(sizeof header + header.size)) die("cannot write the trace");
}

static void record_plain(struct header header) {
  pthread_mutex_lock(&lock);
  record(header, NULL, 0, 0);
  pthread_mutex_unlock(&lock);
}

static void kill_self(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

/* What the rules say of this call: 0, an errno, or KILL_AFTER. A KILL_BEFORE does not return. */
static int judge(enum kind what, enum file file) {
  int verdict = 0;
  if (!rules_count || (gate && access(gate, F_OK))) return 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < rules_count && !verdict; i++) {
    struct rule *rule = &rules[i];
    if (rule->what != what || (rule->file && rule->file != file)) continue;
    long nth = ++rule->seen;
    if (nth < rule->first || nth - rule->first >= rule->times) continue;
    verdict = rule->action;
    record((struct header){.kind = FIRED, .file = file, .serial = i, .result = verdict > 0 ? -verdict : 0}, NULL, 0, 0);
    if (verdict == KILL_BEFORE) kill_self();
  }
  pthread_mutex_unlock(&lock);
  return verdict;
}

/* --------------------------------------------------------------------------------------------- the database's files */

static void wrote(enum file file, int64_t offset, const struct iovec *pieces, int count, ssize_t size) {
  if (size <= 0) return;
  int keep = errno;
  pthread_mutex_lock(&lock);
  record((struct header){.kind = WRITE, .file = file, .offset = offset, .result = size}, pieces, count, size);
  pthread_mutex_unlock(&lock);
  errno = keep;
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) {
  enum file file = file_of(fd);
  if (!file) return REAL(pwrite64)(fd, bytes, size, offset);
  int verdict = judge(WRITE, file);
  if (verdict > 0) return errno = verdict, -1;
  ssize_t done = REAL(pwrite64)(fd, bytes, size, offset);
  wrote(file, offset, &(struct iovec){(void *)bytes, size}, 1, done);
  if (verdict == KILL_AFTER) kill_self();
  return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) { return pwrite64(fd, bytes, size, offset); }

static ssize_t write_file(int fd, enum file file, const struct iovec *pieces, int count) {
  int verdict = judge(WRITE, file);
  if (verdict > 0) return errno = verdict, -1;
  int append = fcntl(fd, F_GETFL) & O_APPEND;
  int64_t offset = lseek(fd, 0, append ? SEEK_END : SEEK_CUR);
  ssize_t done = REAL(writev)(fd, pieces, count);
  wrote(file, offset, pieces, count, done);
  if (verdict == KILL_AFTER) kill_self();
  return done;
}

int ftruncate64(int fd, off64_t length) {
  enum file file = file_of(fd);
  if (!file) return REAL(ftruncate64)(fd, length);
  int verdict = judge(WRITE, file);
  if (verdict > 0) return errno = verdict, -1;
  int result = REAL(ftruncate64)(fd, length);
  int keep = errno;
  if (!result) record_plain((struct header){.kind = TRUNCATE, .file = file, .offset = length});
  if (verdict == KILL_AFTER) kill_self();
  errno = keep;
  return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

/* The late sync: the one asked for before is durable now, this one when the next is asked for. */
static int sync_late(void) {
  pthread_mutex_lock(&lock);
  if (late_serial) record((struct header){.kind = SYNC_END, .file = WAL, .serial = late_serial}, NULL, 0, 0);
  late_serial = ++serial;
  record((struct header){.kind = SYNC_BEGIN, .file = WAL, .serial = late_serial}, NULL, 0, 0);
  pthread_mutex_unlock(&lock);
  return 0;
}

static int sync_file(int fd, enum file file, int (*sync)(int)) {
  int verdict = judge(SYNC_BEGIN, file);
  if (late && file == WAL) return sync_late();
  pthread_mutex_lock(&lock);
  uint32_t mine = ++serial;
  record((struct header){.kind = SYNC_BEGIN, .file = file, .serial = mine}, NULL, 0, 0);
  pthread_mutex_unlock(&lock);
  /* Not under the lock: an acknowledgement that overtakes a sync must show up before its end. */
  int result = verdict > 0 ? -1 : sync(fd);
  int code = result ? (verdict > 0 ? verdict : errno) : 0;
  record_plain((struct header){.kind = SYNC_END, .file = file, .serial = mine, .result = -code});
  if (verdict == KILL_AFTER) kill_self();
  errno = code;
  return result;
}

int fsync(int fd) {
  enum file file = file_of(fd);
  return file ? sync_file(fd, file, REAL(fsync)) : REAL(fsync)(fd);
}

int fdatasync(int fd) {
  enum file file = file_of(fd);
  return file ? sync_file(fd, file, REAL(fdatasync)) : REAL(fdatasync)(fd);
}

static int unlinked(enum file file, int result) {
  int keep = errno;
  if (!result) record_plain((struct header){.kind = UNLINK, .file = file});
  errno = keep;
  return result;
}

int unlink(const char *path) {
  enum file file = file_of_path(path);
  int result = REAL(unlink)(path);
  return file ? unlinked(file, result) : result;
}

int unlinkat(int directory, const char *path, int flags) {
  enum file file = file_of_path(path);
  int result = REAL(unlinkat)(directory, path, flags);
  return file ? unlinked(file, result) : result;
}

/* -------------------------------------------------------------------------------------------- what others can see */

static uint32_t sending(uint16_t port, const struct iovec *pieces, int count) {
  size_t size = 0;
  for (int i = 0; i < count; i++) size += pieces[i].iov_len;
  pthread_mutex_lock(&lock);
  uint32_t mine = ++serial;
  record((struct header){.kind = SEND, .port = port, .serial = mine}, pieces, count, size);
  pthread_mutex_unlock(&lock);
  return mine;
}

static ssize_t sent(uint16_t port, uint32_t mine, ssize_t result) {
  int keep = errno;
  record_plain((struct header){.kind = SENT, .port = port, .serial = mine, .result = result < 0 ? -keep : result});
  errno = keep;
  return result;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  struct iovec piece = {(void *)bytes, size};
  if (!database) return REAL(write)(fd, bytes, size);
  int keep = errno;
  enum file file = file_of(fd);
  uint16_t port = file ? 0 : port_of(fd);
  errno = keep;
  if (file) return write_file(fd, file, &piece, 1);
  if (!port) return REAL(write)(fd, bytes, size);
  uint32_t mine = sending(port, &piece, 1);
  return sent(port, mine, REAL(write)(fd, bytes, size));
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
  if (!database) return REAL(writev)(fd, pieces, count);
  enum file file = file_of(fd);
  uint16_t port = file ? 0 : port_of(fd);
  if (file) return write_file(fd, file, pieces, count);
  if (!port) return REAL(writev)(fd, pieces, count);
  uint32_t mine = sending(port, pieces, count);
  return sent(port, mine, REAL(writev)(fd, pieces, count));
}

ssize_t send(int fd, const void *bytes, size_t size, int flags) {
  uint16_t port = database ? port_of(fd) : 0;
  if (!port) return REAL(send)(fd, bytes, size, flags);
  uint32_t mine = sending(port, &(struct iovec){(void *)bytes, size}, 1);
  return sent(port, mine, REAL(send)(fd, bytes, size, flags));
}

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t length) {
  uint16_t port = database ? port_of(fd) : 0;
  if (!port) return REAL(sendto)(fd, bytes, size, flags, to, length);
  uint32_t mine = sending(port, &(struct iovec){(void *)bytes, size}, 1);
  return sent(port, mine, REAL(sendto)(fd, bytes, size, flags, to, length));
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  uint16_t port = database ? port_of(fd) : 0;
  if (!port) return REAL(sendmsg)(fd, message, flags);
  uint32_t mine = sending(port, message->msg_iov, (int)message->msg_iovlen);
  return sent(port, mine, REAL(sendmsg)(fd, message, flags));
}

/* --------------------------------------------------------------------------- what would change files behind our back */

int rename(const char *from, const char *to) {
  if (file_of_path(from) || file_of_path(to)) die("rename of a database file is not recorded");
  return REAL(rename)(from, to);
}

ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off64_t offset) {
  if (file_of(fd)) die("pwritev of a database file is not recorded");
  return REAL(pwritev64)(fd, pieces, count, offset);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
  if (file_of(fd)) die("fallocate of a database file is not recorded");
  return REAL(fallocate64)(fd, mode, offset, length);
}

int posix_fallocate64(int fd, off64_t offset, off64_t length) {
  if (file_of(fd)) die("posix_fallocate of a database file is not recorded");
  return REAL(posix_fallocate64)(fd, offset, length);
}
