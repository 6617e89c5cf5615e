// The SQLite writer without its thread: the same engine and loop on the calling thread, so that thousands of openings
// fit into a test. What only a thread can show is tested with the real one.
import { OperatorError } from "@tidemark/protocol";
import { type Connect, type OpenSettings, openEngine } from "../../src/storage/sqlite/open-engine.js";
import { OpenFailure } from "../../src/storage/sqlite/open-failure.js";
import type { WriterAnswer, WriterEvent } from "../../src/storage/sqlite/writer-calls.js";
import type { WriterLink } from "../../src/storage/sqlite/writer-link.js";
import { WriterLoop } from "../../src/storage/sqlite/writer-loop.js";

/** Starts a writer on this thread; `connect` may hand out connections that fail. */
export const inlineWriter =
  (connect?: Connect) =>
  async (settings: OpenSettings): Promise<WriterLink> => {
    let events: WriterEvent[] = [];
    const takeEvents = (): WriterEvent[] => {
      const taken = events;
      events = [];
      return taken;
    };
    try {
      const opened = openEngine(settings, (event) => events.push(event), connect);
      const loop = new WriterLoop(opened.engine, { close: opened.close, takeEvents });
      return link(opened.generation, { loop, close: opened.close, found: takeEvents() });
    } catch (error) {
      if (error instanceof OpenFailure) throw new OperatorError(error.code, error.message, error.hint);
      throw error;
    }
  };

function link(
  generation: number,
  parts: { loop: WriterLoop; close: () => void; found: readonly WriterEvent[] },
): WriterLink {
  let onAnswer: (answer: WriterAnswer) => void = () => {};
  let turn = Promise.resolve();
  return {
    generation,
    events: parts.found,
    send(request) {
      turn = turn.then(() => onAnswer(structuredClone(parts.loop.answer(structuredClone(request)))));
    },
    listen(answered) {
      onAnswer = answered;
    },
    ended: () => turn,
    async terminate() {
      parts.close();
    },
  };
}
