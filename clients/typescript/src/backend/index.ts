// The public face of @tidemark/client/http, for backends. It re-exports only; nothing in it needs a socket.

export type { AnyApp, App, ErrorCode, Json } from "@tidemark/protocol";
export { TidemarkError } from "@tidemark/protocol";
export type { CallOptions, Receipt, Sent } from "../api/call.js";
export type { Position } from "../api/position.js";
export type * from "../api/server-client.js";
export type { KeyPage, LogEntry } from "../api/tide.js";
export { server } from "./server.js";
export { SomeRefusedError } from "./some-refused-error.js";
