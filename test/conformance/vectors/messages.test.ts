// Shape vectors: what fits, what does not, and what a client ignores or reads as something else.
import { FrameError, type Json, parseClientMessage, parseServerMessage } from "@tidemark/protocol";
import { expect, test } from "vitest";
import { vectors } from "./vectors.js";

interface MessageCase {
  readonly name: string;
  readonly from: "client" | "server";
  readonly message: Json;
  readonly fits?: boolean;
  readonly ignored?: boolean;
  readonly read?: Json;
}

test.each(vectors<MessageCase>("messages"))("[FRAME-8] [FRAME-9] [ERR-2] $from: $name", (given) => {
  const parse = () => (given.from === "client" ? parseClientMessage(given.message) : parseServerMessage(given.message));
  if (given.fits === false) expect(parse).toThrow(FrameError);
  else if (given.ignored) expect(parse()).toBeUndefined();
  else expect(parse()).toStrictEqual(given.read ?? given.message);
});
