// Whether all that was sent has arrived everywhere, and whether it is the same everywhere. Included by load.c.
#ifndef TIDEMARK_ARRIVALS_H
#define TIDEMARK_ARRIVALS_H
static uint64_t applied(const document *d) { return d->lane ? d->lane->applied : d->sent; }

/** Whether the calls are about what it sees. */
static bool is_told(const connection *c) { return !options.views || (c->index == 0 && !strcmp(options.key, "viewer-0")); }

static bool all_arrived(void) {
  for (int i = 0; i < connection_count; i++) {
    connection *c = &connections[i];
    if (c->writer && c->doc->lane) {
      if (c->low_n <= c->doc->lane->made) return false;
    } else if (c->writer && c->doc->acked < c->doc->sent) return false;
    if (!c->writer && options.mode == MODE_TIDEMARK && is_told(c) && c->at.position < c->doc->first_seq + applied(c->doc)) return false;
  }
  return true;
}

/** All subscribers of a document must have seen the same bytes, one delta for each call. */
static void compare_streams(void) {
  for (int i = 0; i < connection_count; i++) {
    connection *c = &connections[i], *first = &connections[(c->doc - documents) * options.subscribers];
    if (options.views && !c->writer && !is_told(c) && c->at.deltas > 0) complain(&total.bad.counts, "a delta of what is not theirs", "", 0);
    if (options.views) continue;
    // What is merged was compared with the calls, delta by delta.
    if (c->writer || c->stopped || options.mode != MODE_TIDEMARK || total.merged) continue;
    if (c->at.deltas != applied(c->doc)) complain(&total.bad.counts, "deltas are missing or too many", "", 0);
    if (c->at.digest != first->at.digest) complain(&total.bad.digests, "subscribers of one document differ", "", 0);
  }
}
#endif
