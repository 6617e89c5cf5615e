// The public face of @tidemark/client. It re-exports only.

export type {
  AnyApp,
  App,
  At,
  Contract,
  DeepReadonly,
  ErrorCode,
  Json,
  Message,
  Principal,
  Query,
  TypeName,
  View,
} from "@tidemark/protocol";
export { TidemarkError } from "@tidemark/protocol";
export { memoryStorage } from "./adoption/memory-storage.js";
export type * from "./api/call.js";
export type * from "./api/channel.js";
export type * from "./api/document.js";
export type * from "./api/position.js";
export type * from "./api/presence.js";
export type * from "./api/stats.js";
export type * from "./api/storage.js";
export type * from "./api/tide.js";
export { connect } from "./connect.js";
