// Follows a list by its changes alone, and compares what that comes to with the list itself (SEQ-6).
import type { Json } from "@tidemark/protocol";
import type { OpenDocument } from "../../../clients/typescript/src/api/document.js";
import type { SimulatedApp } from "../app/app.js";
import { digest } from "../history/digest.js";
import { member } from "../history/fold.js";
import { asJson } from "./as-json.js";

/** The items of one opening of a board. */
export class ItemsWatch {
  readonly #items = new Map<string, Json>();

  constructor(document: OpenDocument<SimulatedApp, string>) {
    const set = (item: unknown, key: string): void => void this.#items.set(key, asJson(item));
    document.watch((state) => itemsOf(asJson(state)), {
      key: (item: unknown) => String(member(asJson(item), "id")),
      added: set,
      changed: set,
      removed: (_item, key) => void this.#items.delete(key),
    });
  }

  /** The changes so far add up to this state. */
  agrees(state: Json): boolean {
    const list = itemsOf(state);
    return list.length === this.#items.size && list.every((item) => this.#holds(item));
  }

  #holds(item: Json): boolean {
    const held = this.#items.get(String(member(item, "id")));
    return held === item || (held !== undefined && digest(held) === digest(item));
  }
}

function itemsOf(state: Json): readonly Json[] {
  const items = member(state, "items");
  return Array.isArray(items) ? items : [];
}
