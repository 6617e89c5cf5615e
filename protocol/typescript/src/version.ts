// Which protocol this is and where it is spoken. A change of the messages changes the version.

/** Sent as `v` in `hello` and `welcome`. */
export const PROTOCOL_VERSION = 1;

/** The path of the WebSocket. */
export const SOCKET_PATH = "/v1/socket";

/** SHA-256 of the generated schemas. It changes only together with the version, unless old and new can still talk. */
export const SCHEMA_HASH = "39f7b8cf2b00e43816fd2540a45d754640b35f5bc2d7c90673a64e69680f6c13";
