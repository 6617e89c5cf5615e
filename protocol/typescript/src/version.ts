// Which protocol this is and where it is spoken. A change of the messages changes the version.

/** Sent as `v` in `hello` and `welcome`. */
export const PROTOCOL_VERSION = 1;

/** The path of the WebSocket. */
export const SOCKET_PATH = "/v1/socket";

/** SHA-256 of the generated schemas. It changes only together with the version, unless old and new can still talk. */
export const SCHEMA_HASH = "adaa6ef393b509e0fff91e27185029ce1ea44a796b307127e2741ee488647b3c";
