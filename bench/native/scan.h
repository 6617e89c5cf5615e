// Walks JSON text without building anything: where a value ends, what a number is, where a key's value starts.
// It trusts that the text is JSON and never reads past `end`; a NULL says that the text stopped too early.
#ifndef TIDEMARK_SCAN_H
#define TIDEMARK_SCAN_H
#include <stdint.h>
#include <string.h>

/** Past the closing quote of the string whose opening quote is at `p`. */
static inline const char *scan_string(const char *p, const char *end) {
  for (const char *from = p + 1;;) {
    const char *quote = memchr(from, '"', (size_t)(end - from));
    if (!quote) return NULL;
    const char *back = quote;
    while (back > p + 1 && back[-1] == '\\') back--;
    if (((quote - back) & 1) == 0) return quote + 1;
    from = quote + 1;
  }
}

/** Past the value that starts at `p`. */
static inline const char *scan_value(const char *p, const char *end) {
  int depth = 0;
  while (p < end) {
    switch (*p) {
      case '"':
        p = scan_string(p, end);
        if (!p) return NULL;
        if (depth == 0) return p;
        continue;
      case '[':
      case '{':
        depth++;
        break;
      case ']':
      case '}':
        if (depth == 0) return p; // a bare number or word ended just before
        if (--depth == 0) return p + 1;
        break;
      case ',':
        if (depth == 0) return p;
        break;
    }
    p++;
  }
  return depth == 0 ? p : NULL;
}

/** A non-negative integer at `*p`, which moves past it. */
static inline uint64_t scan_integer(const char **p, const char *end) {
  uint64_t value = 0;
  const char *at = *p;
  while (at < end && *at >= '0' && *at <= '9') value = value * 10 + (uint64_t)(*at++ - '0');
  *p = at;
  return value;
}

/** Past the next comma; NULL when there is something else. */
static inline const char *scan_comma(const char *p, const char *end) {
  return p && p < end && *p == ',' ? p + 1 : NULL;
}

/** The value of `"key":` (given with quotes and colon) directly in the object at `p`; NULL without it. */
static inline const char *scan_member(const char *p, const char *end, const char *key) {
  size_t length = strlen(key);
  if (!p || p >= end || *p != '{') return NULL;
  p++;
  while (p < end && *p == '"') {
    if ((size_t)(end - p) > length && memcmp(p, key, length) == 0) return p + length;
    p = scan_string(p, end);
    if (!p || p >= end || *p != ':') return NULL;
    p = scan_value(p + 1, end);
    if (!p || p >= end || *p != ',') return NULL;
    p++;
  }
  return NULL;
}

/** What follows `text`, which begins with a slash; NULL when it is nowhere. (`memmem` sets up a table at each call.) */
static inline const char *scan_after_pointer(const char *p, const char *end, const char *text) {
  size_t length = strlen(text);
  while ((p = memchr(p, '/', (size_t)(end - p)))) {
    if ((size_t)(end - p) >= length && memcmp(p, text, length) == 0) return p + length;
    p++;
  }
  return NULL;
}

/** A running hash over bytes: order matters, each byte matters. Not for anything but comparing. */
static inline uint64_t scan_digest(uint64_t digest, const char *p, size_t length) {
  const uint64_t prime = 0x9E3779B97F4A7C15ULL;
  uint64_t word;
  for (; length >= 8; p += 8, length -= 8) {
    memcpy(&word, p, 8);
    digest = (digest ^ word) * prime;
    digest ^= digest >> 29;
  }
  word = length;
  for (size_t i = 0; i < length; i++) word = word << 8 | (unsigned char)p[i];
  digest = (digest ^ word) * prime;
  return digest ^ digest >> 32;
}
#endif
