// Which protocol this is and where it is spoken. A change of the messages changes the version.

/** Sent as `v` in `hello` and `welcome`. */
export const PROTOCOL_VERSION = 1;

/** The path of the WebSocket. */
export const SOCKET_PATH = "/v1/socket";

/** The paths of what stands in for it where WebSocket does not get through. */
export const STREAM_PATH = "/v1/stream";
export const POLL_PATH = "/v1/poll";
export const CALLS_PATH = "/v1/calls";

/** SHA-256 of the generated schemas. It changes only together with the version, unless old and new can still talk. */
export const SCHEMA_HASH = "a9557b5c0ff5ee0fc17035614fac2935fbbe736f6b4d53de30e9df4f76290140";
