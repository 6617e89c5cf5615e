// What a load of channels is asked to do, read from `--name value` pairs. An unknown name is an error: a misspelt option must
// not measure something else.
#ifndef TIDEMARK_CHANNEL_OPTIONS_H
#define TIDEMARK_CHANNEL_OPTIONS_H
#include "http-caller.h"
#include "member.h"

#define JOINS_MAX 4096

typedef struct {
  channel_form form;
  publish_form publish;
  int port, http_port, members, callers, joins, server_pid, padding_bytes;
  int beside, first_id, present;
  double warm_up_s, window_s, calm_s, stall_s, settle_s;
  double joins_per_second; // 0: each when all have seen the one before
} channel_options;

static inline bool channel_option(channel_options *o, const char *name, const char *value) {
  const struct { const char *name; int *to; } integers[] = {
      {"--port", &o->port},       {"--http-port", &o->http_port},   {"--members", &o->members},
      {"--callers", &o->callers}, {"--joins", &o->joins},           {"--server-pid", &o->server_pid},
      {"--padding-bytes", &o->padding_bytes}, {"--beside", &o->beside}, {"--present", &o->present}};
  const struct { const char *name; double *to; } reals[] = {
      {"--warm-up", &o->warm_up_s}, {"--seconds", &o->window_s}, {"--calm-seconds", &o->calm_s}, {"--stall-seconds", &o->stall_s}, {"--settle-seconds", &o->settle_s}, {"--joins-per-second", &o->joins_per_second}};
  const struct { const char *name; const char **to; } texts[] = {
      {"--channel", &o->form.channel}, {"--token", &o->form.token}, {"--publish-path", &o->publish.path},
      {"--authorization", &o->publish.authorization}, {"--body-before", &o->publish.before}, {"--body-after", &o->publish.after}};
  for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
    if (!strcmp(name, integers[i].name)) return *integers[i].to = atoi(value), true;
  for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
    if (!strcmp(name, reals[i].name)) return *reals[i].to = atof(value), true;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (!strcmp(name, texts[i].name)) return *texts[i].to = value, true;
  if (strcmp(name, "--kind") != 0) return false;
  o->form.kind = !strcmp(value, "river") ? KIND_RIVER : KIND_TIDEMARK;
  return true;
}

/** False, with a word on stderr, for what cannot be run. */
static inline bool channel_parse(channel_options *o, int argc, char **argv) {
  *o = (channel_options){.form = {.channel = "dogs", .token = "dev:member-"},
                         .publish = {.path = "", .authorization = "", .before = "", .after = ""},
                         .members = 1, .warm_up_s = 1, .window_s = 4, .calm_s = 2, .stall_s = 300, .settle_s = 1, .padding_bytes = 37};
  for (int i = 1; i < argc; i += 2)
    if (i + 1 == argc || !channel_option(o, argv[i], argv[i + 1])) return fprintf(stderr, "channel load: bad option %s\n", argv[i]), false;
  bool sane = o->port > 0 && o->members > 0 && o->callers >= 0 && o->callers <= CALLERS_MAX && o->joins >= 0 && o->joins <= JOINS_MAX &&
              o->padding_bytes >= 0 && o->beside >= 0 && (o->beside == 0 || o->callers > 0) && o->padding_bytes < 2048 && (o->callers > 0) != (o->joins > 0);
  if (!sane) fprintf(stderr, "channel load: give --port, and either --callers (at most %d) or --joins (at most %d)\n", CALLERS_MAX, JOINS_MAX);
  return sane;
}
#endif
