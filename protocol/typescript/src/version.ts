// Which protocol this is and where it is spoken. A change of the messages changes the version.

/** Sent as `v` in `hello` and `welcome`. */
export const PROTOCOL_VERSION = 1;

/** The path of the WebSocket. */
export const SOCKET_PATH = "/v1/socket";

/** SHA-256 of the generated schemas. It changes only together with the version, unless old and new can still talk. */
export const SCHEMA_HASH = "2bcc2e8ba8ae5fc52a3b22476524e95436d759fc4fe71798a1d57b4ef072e038";
