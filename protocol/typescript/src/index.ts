// The public face of @tidemark/protocol: messages, codecs, errors, limits, the patch applier. It re-exports only.
export { CLOSE, mayReconnect } from "./close-codes.js";
export { formatDocumentId, isKey, isTypeName, parseDocumentId } from "./document-id.js";
export type { ErrorCode, ErrorDetails, ErrorEntry, Fault, Retry } from "./errors.js";
export { ERRORS, isErrorCode, TidemarkError } from "./errors.js";
export type * from "./json.js";
export { LIMITS } from "./limits.js";
export type * from "./messages.js";
export type { OperatorErrorCode } from "./operator-errors.js";
export { OPERATOR_ERRORS, OperatorError } from "./operator-errors.js";
export type * from "./patch/operations.js";
export { PROTOCOL_VERSION, SOCKET_PATH } from "./version.js";
