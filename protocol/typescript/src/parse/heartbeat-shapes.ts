// The shapes of heartbeats, the only messages that go both ways.
import { LIMITS } from "../limits.js";
import type { Heads, PingExtension, PingMessage, PongExtension, PongMessage } from "../messages.js";
import { jsonObject, list, object, tupleWithTail } from "../shape/containers.js";
import { integer, oneOf } from "../shape/scalars.js";
import type { Shape } from "../shape/shape.js";

/** Numbers of one head: handle, epoch, seq. */
const HEAD_LENGTH = 3;

const heads: Shape<Heads> = list(integer(), { max: LIMITS.headsPerPing * HEAD_LENGTH, multipleOf: HEAD_LENGTH });
const pingExtension: Shape<PingExtension> = object({}, { stats: jsonObject, ms: integer() });
const pongExtension: Shape<PongExtension> = object({}, { left: integer() });

export const pingShape: Shape<PingMessage> = tupleWithTail([oneOf("ping"), integer(), heads], pingExtension);
export const pongShape: Shape<PongMessage> = tupleWithTail([oneOf("pong"), integer(), heads], pongExtension);
