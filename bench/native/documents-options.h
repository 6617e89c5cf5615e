// What the load of many documents is asked to do, read from `--name value` pairs. An unknown name is an error.
#ifndef TIDEMARK_DOCUMENTS_OPTIONS_H
#define TIDEMARK_DOCUMENTS_OPTIONS_H
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int port, server_pid, connections, documents, followers, outstanding, state_bytes, hold;
  double window_s, warm_up_s, stall_s;
} documents_options;

static inline int documents_usage(void) {
  fprintf(stderr,
          "usage: documents --port N [--server-pid N] [--connections 1] [--documents 1] [--followers 0] [--outstanding 0]\n"
          "                 [--state-bytes 0] [--seconds 4] [--warm-up 1] [--stall-seconds 20] [--hold 0]\n"
          "A few connections hold many documents: each creates its share, and calls them in turn, so many calls outstanding over\n"
          "all. Each ack must name the number that its call must have got; in the end all documents are opened again, and must\n"
          "hold what was called last. So many followers have each document open besides, on as many connections again, and are\n"
          "sent all of it: every delta is checked for sequence and content, and all are counted.\n"
          "With --hold it says `held` once all are there, and goes on when a line comes in; without --outstanding nobody calls.\n");
  return 2;
}

/** False, with a word on stderr, for what cannot be run. */
static inline bool documents_parse(documents_options *o, int argc, char **argv) {
  *o = (documents_options){.connections = 1, .documents = 1, .window_s = 4, .warm_up_s = 1, .stall_s = 20};
  const struct { const char *name; int *to; } integers[] = {
      {"--port", &o->port},           {"--server-pid", &o->server_pid},   {"--connections", &o->connections},
      {"--documents", &o->documents}, {"--followers", &o->followers},     {"--outstanding", &o->outstanding},
      {"--hold", &o->hold},           {"--state-bytes", &o->state_bytes}};
  const struct { const char *name; double *to; } seconds[] = {
      {"--seconds", &o->window_s}, {"--warm-up", &o->warm_up_s}, {"--stall-seconds", &o->stall_s}};
  for (int i = 1; i < argc; i += 2) {
    bool known = false;
    for (size_t k = 0; i + 1 < argc && k < sizeof integers / sizeof *integers; k++)
      if (!strcmp(argv[i], integers[k].name)) *integers[k].to = atoi(argv[i + 1]), known = true;
    for (size_t k = 0; i + 1 < argc && k < sizeof seconds / sizeof *seconds; k++)
      if (!strcmp(argv[i], seconds[k].name)) *seconds[k].to = atof(argv[i + 1]), known = true;
    if (!known) return fprintf(stderr, "documents: bad option %s\n", argv[i]), false;
  }
  bool sane = o->port > 0 && o->connections > 0 && o->documents >= 0 && o->followers >= 0 && o->outstanding >= 0 && o->window_s > 0;
  if (!sane) fprintf(stderr, "documents: --port is required, and nothing is below zero\n");
  return sane;
}
#endif
