// Why a socket was closed, as a WebSocket close code. 4000-4499: come back, after the hint if one was given;
// 4500-4999: do not, the same would happen again.

/** Close codes of Tidemark. */
export const CLOSE = Object.freeze({
  /** The server shuts down. */
  draining: 4000,
  /** Too many unsent bytes, for too long. */
  slowReader: 4001,
  /** Nothing was heard for the watchdog's time. */
  silent: 4002,
  /** No `hello` in time. */
  helloTimeout: 4003,
  /** The token is missing, wrong or out of date: come back with another. */
  unauthenticated: 4004,
  /** A bug of the server. */
  internal: 4005,
  overloaded: 4006,
  /** The client's choice: the network changed, or what it holds must be asked for anew. */
  restart: 4007,
  protocolError: 4500,
  tooLarge: 4501,
  unsupportedVersion: 4502,
  /** A newer connection of the same client has taken over. */
  replaced: 4503,
  identityChanged: 4504,
  revoked: 4505,
  denied: 4506,
});

/** Whether a client may connect again after its socket was closed with this code. */
export function mayReconnect(code: number): boolean {
  return code < 4500 || code > 4999;
}
