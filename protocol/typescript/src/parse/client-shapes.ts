// The shapes of what a client may send. Strict: whatever is not here is an error of the client (FRAME-8). Whether
// keys, types and names exist is not asked here: a malformed id fails one request, not the connection.
import { LIMITS } from "../limits.js";
import type {
  Auth,
  AuthMessage,
  CallExtension,
  CallMessage,
  CloseMessage,
  HeldPosition,
  Hello,
  HelloMessage,
  Open,
  OpenMessage,
  PresentMessage,
  SignalMessage,
} from "../messages.js";
import { either, jsonObject, list, object, record, tuple, tupleWithTail } from "../shape/containers.js";
import { integer, json, matching, oneOf, text } from "../shape/scalars.js";
import type { Shape } from "../shape/shape.js";
import { variants } from "../shape/variants.js";
import { pingShape, pongShape } from "./heartbeat-shapes.js";

const helloFields: Shape<Hello> = object(
  {
    v: integer(),
    client: matching(/^[0-9a-f]{32}$/, "32 lower-case hex digits"),
    conn: integer(),
    sdk: text(LIMITS.sdkLengthMax),
    caps: list(text(LIMITS.nameLengthMax), { max: LIMITS.capabilitiesMax }),
  },
  { token: text(LIMITS.tokenLengthMax), types: record(integer(), LIMITS.typesMax), until: integer() },
);

const authFields: Shape<Auth> = object({ token: text(LIMITS.tokenLengthMax) }, {});

const heldPosition: Shape<HeldPosition> = tuple(integer(), integer(), text(LIMITS.tagLengthMax));

const openFields: Shape<Open> = object(
  { s: integer(), doc: text(LIMITS.targetLengthMax) },
  {
    at: list(heldPosition, { max: LIMITS.layersMax }),
    params: jsonObject,
    create: json,
    every: integer(),
    presence: json,
    last: integer(),
  },
);

const callExtension: Shape<CallExtension> = object(
  { born: integer() },
  { low: integer(), ttl: integer(), trace: text(LIMITS.traceLengthMax), q: oneOf(1), if: integer() },
);

const target = either(integer(), text(LIMITS.targetLengthMax, 1));
const name = text(LIMITS.nameLengthMax, 1);

const hello: Shape<HelloMessage> = tuple(oneOf("hello"), helloFields);
const auth: Shape<AuthMessage> = tuple(oneOf("auth"), authFields);
const open: Shape<OpenMessage> = tuple(oneOf("open"), openFields);
const close: Shape<CloseMessage> = tuple(oneOf("close"), integer());
const c: Shape<CallMessage> = tuple(oneOf("c"), integer({ min: 1 }), target, name, json, callExtension);
const sig: Shape<SignalMessage> = tuple(oneOf("sig"), integer(), name, json);
const pres: Shape<PresentMessage> = tupleWithTail([oneOf("pres"), integer()], json);

/** Every client message, by type. */
export const CLIENT_SHAPES = { hello, auth, open, close, c, sig, pres, ping: pingShape, pong: pongShape };

/** Any client message. */
export const clientMessage = variants(CLIENT_SHAPES);
