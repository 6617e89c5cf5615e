// The client's half of RFC 6455 as far as a load needs it: the upgrade request, masked frames out, headers of frames
// in. Sockets and buffers belong to the caller.
#ifndef TIDEMARK_WEBSOCKET_H
#define TIDEMARK_WEBSOCKET_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WS_TEXT = 1, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

typedef struct {
  char *bytes;
  size_t length, capacity;
} byte_buffer;

static inline char *buffer_reserve(byte_buffer *b, size_t more) {
  if (b->length + more > b->capacity) {
    b->capacity = (b->length + more) * 2;
    b->bytes = realloc(b->bytes, b->capacity);
    if (!b->bytes) abort();
  }
  return b->bytes + b->length;
}

/** Writes the upgrade request into `to`; `subprotocol` may be empty. Returns its length. */
static inline int ws_upgrade_request(char *to, size_t size, const char *path, const char *subprotocol) {
  return snprintf(to, size,
                  "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
                  path, *subprotocol ? "Sec-WebSocket-Protocol: " : "", subprotocol, *subprotocol ? "\r\n" : "");
}

/** Appends one masked frame. The mask is fixed: a load has no cache to protect, and the server unmasks all the same. */
static inline void ws_append(byte_buffer *out, int opcode, const char *payload, size_t length) {
  static const unsigned char mask[4] = {0x5a, 0xc3, 0x96, 0x3c};
  unsigned char *to = (unsigned char *)buffer_reserve(out, length + 14);
  size_t o = 2;
  to[0] = (unsigned char)(0x80 | opcode);
  if (length < 126) {
    to[1] = (unsigned char)(0x80 | length);
  } else if (length < 65536) {
    to[1] = 0x80 | 126, to[2] = (unsigned char)(length >> 8), to[3] = (unsigned char)length;
    o = 4;
  } else {
    to[1] = 0x80 | 127;
    for (int i = 0; i < 8; i++) to[2 + i] = (unsigned char)((uint64_t)length >> (56 - 8 * i));
    o = 10;
  }
  memcpy(to + o, mask, 4);
  o += 4;
  for (size_t i = 0; i < length; i++) to[o + i] = (unsigned char)payload[i] ^ mask[i & 3];
  out->length += o + length;
}

typedef struct {
  int opcode;
  int final;
  const char *payload;
  size_t length;
} ws_frame;

/** Reads the frame at `p`. Returns the bytes it takes, 0 while it is incomplete. */
static inline size_t ws_read(const char *p, size_t available, ws_frame *frame) {
  const unsigned char *u = (const unsigned char *)p;
  if (available < 2) return 0;
  size_t length = u[1] & 127, header = 2;
  if (length == 126) {
    if (available < 4) return 0;
    length = (size_t)u[2] << 8 | u[3];
    header = 4;
  } else if (length == 127) {
    if (available < 10) return 0;
    length = 0;
    for (int i = 0; i < 8; i++) length = length << 8 | u[2 + i];
    header = 10;
  }
  if (available < header + length) return 0;
  frame->opcode = u[0] & 15;
  frame->final = u[0] >> 7;
  frame->payload = p + header;
  frame->length = length;
  return header + length;
}
#endif
