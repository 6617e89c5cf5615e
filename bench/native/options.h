// What a load is asked to do, read from `--name value` pairs. An unknown name is an error: a misspelt option must not
// measure something else.
#ifndef TIDEMARK_OPTIONS_H
#define TIDEMARK_OPTIONS_H
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOAD_BYTES_MAX (1 << 20)

enum load_mode { MODE_TIDEMARK, MODE_ECHO, MODE_SINK, MODE_BURST, MODE_ROOM, MODE_SOCKETIO };

typedef struct {
  enum load_mode mode;
  const char *host, *path, *token, *type, *prefix, *message, *key;
  int port, documents, subscribers, stopped, fresh_values, outstanding, payload_bytes, state_bytes, server_pid;
  double warm_up_s, window_s, stall_s;
  double rate; // calls made per second by all writers together; 0: each answer makes the next call
  int ttl_ms;
  int missed, one_by_one, burst_bytes;
  int hold, held_calls, dial_rate, every_ms, views;
} load_options;

static inline int load_usage(void) {
  fprintf(stderr,
          "usage: load --port N [--mode tidemark|echo|sink|burst|room|socketio] [--host 127.0.0.1] [--path /v1/socket]\n"
          "            [--documents 1] [--subscribers 0] [--stopped 0] [--outstanding 1] [--seconds 4] [--warm-up 1]\n"
          "            [--payload-bytes 37] [--fresh-values 0] [--state-bytes 0] [--token dev:load] [--type sheet] [--prefix load]\n"
          "            [--server-pid N] [--stall-seconds 10] [--rate 0] [--ttl-ms 1000]\n"
          "            [--missed 0] [--one-by-one 0] [--burst-bytes 0] [--hold 0] [--held-calls 0] [--dial-rate 0] [--every-ms 0]\n"
          "            [--message set] [--key k<n>] [--views 0]\n"
          "tidemark: a writer for each document and so many subscribers of each, over JSON sockets; every stream is\n"
          "          checked for sequence, content, digest and count, and anything wrong exits 1. So many of them as\n"
          "          are stopped do not read until the window is over; then they must get to the head, by deltas or resets.\n"
          "          With --rate so many calls a second are made whatever the server does, each with --ttl-ms to be acked;\n"
          "          they are sent as the client library would: refusals that say when are obeyed, and counted.\n"
          "          With --missed all subscribers but the first leave, miss so many calls, and come back: with their position,\n"
          "          then with nothing; all at once, or one by one.\n"
          "          With --every-ms subscribers ask for that pace: what they are sent is merged, and the state of all is compared.\n"
          "          With --views each subscriber is somebody else, `viewer-0` and so on, and sees what is theirs alone: the calls\n"
          "          that write --key viewer-0 must reach the first subscriber and no other, those of another key nobody.\n"
          "          With --hold it says `held` once all are there, and goes on when a line comes in; meanwhile nobody calls.\n"
          "          With --held-calls each writer makes so many calls before that; those who are stopped have not read them.\n"
          "          With --dial-rate so many connect a second, instead of as many as the server lets in.\n"
          "burst:    subscribers that ask a server for so many bytes, all at once.\n"
          "echo:     the same calls to a server that sends each frame back.\n"
          "sink:     subscribers that count the frames of a server which writes by itself.\n"
          "room, socketio: members of one room of a bare ws or socket.io server, who all get one change in the end.\n");
  return 2;
}

static inline bool load_mode_named(const char *name, enum load_mode *mode) {
  if (!strcmp(name, "tidemark")) return *mode = MODE_TIDEMARK, true;
  if (!strcmp(name, "echo")) return *mode = MODE_ECHO, true;
  if (!strcmp(name, "sink")) return *mode = MODE_SINK, true;
  if (!strcmp(name, "burst")) return *mode = MODE_BURST, true;
  if (!strcmp(name, "room")) return *mode = MODE_ROOM, true;
  if (!strcmp(name, "socketio")) return *mode = MODE_SOCKETIO, true;
  return false;
}

static inline bool load_option(load_options *o, const char *name, const char *value) {
  const struct { const char *name; int *to; } integers[] = {
      {"--port", &o->port},           {"--documents", &o->documents},         {"--subscribers", &o->subscribers},
      {"--stopped", &o->stopped},     {"--fresh-values", &o->fresh_values},
      {"--outstanding", &o->outstanding}, {"--payload-bytes", &o->payload_bytes}, {"--state-bytes", &o->state_bytes},
      {"--server-pid", &o->server_pid}, {"--ttl-ms", &o->ttl_ms},
      {"--missed", &o->missed},       {"--one-by-one", &o->one_by_one},
          {"--burst-bytes", &o->burst_bytes}, {"--hold", &o->hold}, {"--held-calls", &o->held_calls}, {"--dial-rate", &o->dial_rate},
      {"--every-ms", &o->every_ms},   {"--views", &o->views}};
  const struct { const char *name; double *to; } seconds[] = {
      {"--seconds", &o->window_s}, {"--warm-up", &o->warm_up_s}, {"--stall-seconds", &o->stall_s}, {"--rate", &o->rate}};
  const struct { const char *name; const char **to; } texts[] = {
      {"--host", &o->host}, {"--path", &o->path}, {"--token", &o->token}, {"--type", &o->type}, {"--prefix", &o->prefix},
      {"--message", &o->message}, {"--key", &o->key}};
  for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
    if (!strcmp(name, integers[i].name)) return *integers[i].to = atoi(value), true;
  for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
    if (!strcmp(name, seconds[i].name)) return *seconds[i].to = atof(value), true;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (!strcmp(name, texts[i].name)) return *texts[i].to = value, true;
  return !strcmp(name, "--mode") && load_mode_named(value, &o->mode);
}

/** False, with a word on stderr, for what cannot be run. */
static inline bool load_parse(load_options *o, int argc, char **argv) {
  *o = (load_options){.host = "127.0.0.1", .path = "/v1/socket", .token = "dev:load", .type = "sheet", .prefix = "load", .message = "set", .key = "",
                      .documents = 1, .outstanding = 1, .payload_bytes = 37, .warm_up_s = 1, .window_s = 4, .stall_s = 10, .ttl_ms = 1000};
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc || !load_option(o, argv[i], argv[i + 1])) return fprintf(stderr, "load: bad option %s\n", argv[i]), false;
  }
  bool sane = o->port > 0 && o->documents > 0 && o->subscribers >= 0 && o->stopped >= 0 &&
              (o->stopped == 0 || o->stopped < o->subscribers) && o->outstanding > 0 && o->outstanding <= 256 &&
              o->payload_bytes > 0 && o->payload_bytes <= PAYLOAD_BYTES_MAX && o->window_s > 0 &&
              o->rate >= 0 && o->ttl_ms > 0 && (o->rate == 0 || o->mode == MODE_TIDEMARK) &&
              o->dial_rate >= 0 && o->every_ms >= 0 && (o->every_ms == 0 || (o->rate == 0 && o->fresh_values && o->payload_bytes >= 24)) &&
              o->held_calls >= 0 && (o->held_calls == 0 || (o->hold && o->rate == 0 && o->missed == 0)) &&
              o->missed >= 0 && (o->missed == 0 || (o->subscribers > 1 && o->rate == 0 && o->documents == 1));
  if (!sane) fprintf(stderr, "load: --port is required, --stopped is below --subscribers, --outstanding is 1 to 256,"
                     " --payload-bytes 1 to 1048576; --rate is for tidemark, --missed for one document and subscribers;"
                     " --every-ms wants fresh values of 24 bytes\n");
  return sane;
}
#endif
