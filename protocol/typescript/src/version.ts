// Which protocol this is and where it is spoken. A change of the messages changes the version.

/** Sent as `v` in `hello` and `welcome`. */
export const PROTOCOL_VERSION = 1;

/** The path of the WebSocket. */
export const SOCKET_PATH = "/v1/socket";

/** SHA-256 of the generated schemas. It changes only together with the version, unless old and new can still talk. */
export const SCHEMA_HASH = "e943b2af702b9dd134b227f7a83b2b8f953411a7e2e481bf8a384e90123ddbb8";
