// The public API of the package `tidemark`, for authors of document types and for who serves them. It re-exports only.
export type {
  App,
  Contract,
  DeepReadonly,
  Draft,
  Json,
  Message,
  Principal,
  Query,
} from "@tidemark/protocol";
export type { ChannelRules } from "./document/channels/channel-rules.js";
export type { MessageBuilder, QueryBuilder, Sync } from "./document/definition/builders.js";
export type { Context, Effects, InitContext, MessageContext, ReadContext } from "./document/definition/context.js";
export type { Identity } from "./document/definition/define-app.js";
export { defineApp } from "./document/definition/define-app.js";
export type {
  Definition,
  DocumentType,
  EventDefinition,
  History,
  IndexValue,
} from "./document/definition/definition.js";
export { DefinitionError } from "./document/definition/definition-error.js";
export { documentType } from "./document/definition/document-type.js";
export type { Schema } from "./document/definition/schema.js";
export type {
  StoredDocument,
  TaskDefinition,
  TaskFailure,
  TaskHandler,
  TaskIo,
} from "./document/definition/task.js";
export type { Grant, Right } from "./document/grants.js";
export { type Served, type ServeOptions, serve } from "./serve.js";
