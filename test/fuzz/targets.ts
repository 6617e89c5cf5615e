// Everything that is fuzzed, by name.
import { CODECS } from "@tidemark/protocol";
import { Conversation, JSON_NOTATION, MSGPACK_NOTATION } from "./conversation.js";
import { PatchTarget } from "./patch-target.js";
import { SocketTarget } from "./socket-target.js";
import type { Target } from "./target.js";

export const TARGETS: readonly Target[] = [
  ...CODECS.map((codec) => new Conversation(codec.binary ? MSGPACK_NOTATION : JSON_NOTATION)),
  new SocketTarget(),
  new PatchTarget(),
];
