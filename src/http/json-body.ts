// JSON that comes over HTTP, in bodies and in addresses: bounded before it is read, and checked like a frame of a socket
// before anything else sees it.
import { FrameError, type Json, jsonCodec, LIMITS, TidemarkError } from "@tidemark/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";

const OPENING = Buffer.from("[");
const CLOSING = Buffer.from("]");
/** A value is checked as the only element of an array. */
const BRACKETS_BYTES = 2;

/** Makes JSON the only content type of a scope. A request without a body has the body undefined. */
export function takeJsonOnly(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(
    "application/json",
    { parseAs: "buffer", bodyLimit: LIMITS.inputBytesMax },
    async (_request: FastifyRequest, body: Buffer): Promise<Json | undefined> =>
      body.length === 0 ? undefined : jsonValue(body, LIMITS.inputBytesMax, "body"),
  );
}

/** Why a body was not taken, in words of the registry; undefined: it is about something else. */
export function bodyRefusal({ code, statusCode }: { code?: string; statusCode?: number }): TidemarkError | undefined {
  if (statusCode === 413) {
    return new TidemarkError("too_large", { data: { limit: "inputBytesMax", value: LIMITS.inputBytesMax } });
  }
  if (statusCode === 415) return new TidemarkError("protocol_error", { message: "A body is application/json." });
  if (code === "FST_ERR_CTP_INVALID_CONTENT_LENGTH") {
    return new TidemarkError("protocol_error", { message: "The body is not as long as Content-Length says." });
  }
  return undefined;
}

/** Reads one JSON value in UTF-8. `what` is the word for it. Throws TidemarkError `protocol_error` or `too_large`. */
export function jsonValue(bytes: Uint8Array, bytesMax: number, what: string): Json {
  const [value, ...more] = decoded(bytes, bytesMax, what);
  if (value === undefined || more.length > 0) {
    throw new TidemarkError("protocol_error", { message: `The ${what} is not one JSON value.` });
  }
  return value;
}

function decoded(bytes: Uint8Array, bytesMax: number, what: string): readonly Json[] {
  const limits = { bytesMax: bytesMax + BRACKETS_BYTES, depthMax: LIMITS.depthMax };
  try {
    return jsonCodec.decode(Buffer.concat([OPENING, bytes, CLOSING]), limits);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    throw new TidemarkError(error.code, { message: error.message.replace("frame", what) });
  }
}
