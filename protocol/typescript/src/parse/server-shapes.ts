// The shapes of what a server may send. Error codes are plain text here: a newer server may know more of them.
import { LIMITS } from "../limits.js";
import type {
  DeltaExtension,
  DeltaMessage,
  Opened,
  OpenedMessage,
  PartMessage,
  Peers,
  PresenceChange,
  PresenceMessage,
  PresentPeer,
  SignalledMessage,
  SnapMessage,
  SnapParts,
  Welcome,
  WelcomeMessage,
  WireEvent,
  WirePosition,
} from "../messages.js";
import type { PatchOperation } from "../patch/operations.js";
import { either, list, object, record, tuple, tupleWithTail } from "../shape/containers.js";
import { anyText, flag, integer, json, oneOf, slice } from "../shape/scalars.js";
import type { Shape } from "../shape/shape.js";
import { variants } from "../shape/variants.js";
import { pingShape, pongShape } from "./heartbeat-shapes.js";

const perLayer = { min: 1, max: LIMITS.layersMax };
const retry = oneOf("never", "after", "reconnect");
const fault = oneOf("caller", "service");
const event: Shape<WireEvent> = tuple(integer(), integer(), anyText, json);
const position: Shape<WirePosition> = tuple(integer(), integer());

const operation: Shape<PatchOperation> = variants({
  "+": tuple(oneOf("+"), anyText, json),
  "-": tuple(oneOf("-"), anyText),
  "=": tuple(oneOf("="), anyText, json),
  ">": tuple(oneOf(">"), anyText, anyText),
  "~": tuple(oneOf("~"), anyText, anyText),
});

const welcomeFields: Shape<Welcome> = object(
  {
    v: integer(),
    session: anyText,
    server: anyText,
    now: integer(),
    sub: anyText,
    exp: integer(),
    pingMs: integer({ min: 1 }),
    watchdogMs: integer({ min: 1 }),
    limits: record(integer(), Number.MAX_SAFE_INTEGER),
    caps: list(anyText),
  },
  {},
);

const peers: Shape<Peers> = object({ h: integer(), you: anyText }, {});

const openedFields: Shape<Opened> = object(
  {
    s: integer(),
    h: list(integer(), perLayer),
    mode: list(oneOf("resume", "reset"), perLayer),
    prev: list(integer(), perLayer),
    tag: list(anyText, perLayer),
  },
  { events: list(event), gap: flag, peers },
);

const deltaExtension: Shape<DeltaExtension> = object({}, { e: integer(), ev: list(event), at: integer(), by: anyText });

const refusal = object({ retry, fault }, { afterMs: integer(), reason: anyText, data: json });
const uncertainty = object({}, { afterMs: integer(), final: flag });
const endedFields = object({ s: integer(), code: anyText, retry }, { afterMs: integer(), data: json });
const faultFields = object(
  { code: anyText, message: anyText, retry, fault },
  { about: anyText, s: integer(), afterMs: integer(), data: json },
);
const presentPeer: Shape<PresentPeer> = tuple(anyText, json);
const presenceChange: Shape<PresenceChange> = object(
  { count: integer() },
  { all: list(presentPeer), join: list(presentPeer), leave: list(anyText) },
);
const goAwayFields = object({ code: anyText, afterMs: integer(), jitterMs: integer() }, {});

const welcome: Shape<WelcomeMessage> = tuple(oneOf("welcome"), welcomeFields);
const opened: Shape<OpenedMessage> = tuple(oneOf("opened"), openedFields);
const snapParts: Shape<SnapParts> = object({ bytes: integer({ min: 1 }), parts: integer({ min: 1 }) }, {});
const snap: Shape<SnapMessage> = either(
  tuple(oneOf("snap"), integer(), integer(), integer(), json),
  tuple(oneOf("snap"), integer(), integer(), integer(), oneOf(null), snapParts),
);
const part: Shape<PartMessage> = tuple(oneOf("part"), integer(), integer(), slice);
const d: Shape<DeltaMessage> = tupleWithTail(
  [oneOf("d"), integer(), integer(), integer(), list(operation)],
  deltaExtension,
);
const ok = tupleWithTail([oneOf("ok"), integer({ min: 1 }), either(oneOf(null), position)], json);
const no = tuple(oneOf("no"), integer({ min: 1 }), anyText, anyText, refusal);
const unk = tuple(oneOf("unk"), integer({ min: 1 }), anyText, uncertainty);
const ended = tuple(oneOf("ended"), endedFields);
const err = tuple(oneOf("err"), faultFields);
const sig: Shape<SignalledMessage> = tuple(oneOf("sig"), integer(), anyText, json, anyText);
const pres: Shape<PresenceMessage> = tuple(oneOf("pres"), integer(), integer(), presenceChange);
const goaway = tuple(oneOf("goaway"), goAwayFields);
const bye = tuple(oneOf("bye"), integer());

/** Every server message, by type. */
export const SERVER_SHAPES = {
  welcome,
  opened,
  snap,
  part,
  d,
  ok,
  no,
  unk,
  ended,
  err,
  sig,
  pres,
  goaway,
  bye,
  ping: pingShape,
  pong: pongShape,
};

/** Any server message of this version. */
export const serverMessage = variants(SERVER_SHAPES);
