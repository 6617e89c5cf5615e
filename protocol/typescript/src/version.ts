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
export const SCHEMA_HASH = "17a9d8b2721a5d423dceda36435bed55a3019b1403d07e737fd41d2b76fbe4af";
