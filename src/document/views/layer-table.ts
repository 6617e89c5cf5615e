// The layers of one document that somebody follows, or did a moment ago: found by name, bounded in number, and kept for
// a while after the last follower has left. What they show is computed elsewhere.
import { LIMITS } from "@tidemark/protocol";
import type { CancelTimer, Runtime } from "../../runtime/runtime.js";
import type { StoredPosition } from "../document-store.js";
import type { Audience } from "../documents.js";
import type { Layer } from "./layer.js";
import { ReplayRing } from "./replay-ring.js";

/** How long a layer stays after its last follower has left, ms. */
const LINGER_MS = 60_000;

/** What a table of layers needs. */
export interface LayerTableParts {
  readonly runtime: Runtime;
  readonly audience: Audience;
  /** A layer has lost its last follower: it is not computed any more. */
  readonly left: (layer: Layer) => void;
  /** A layer is forgotten. */
  readonly dropped: () => void;
}

/** Layers by name. */
export class LayerTable {
  readonly ring = new ReplayRing();
  readonly #parts: LayerTableParts;
  readonly #layers = new Map<string, Layer>();
  readonly #counts = { shared: 0, mine: 0 };
  /** Layers that nobody follows, those left longest ago first. */
  readonly #lingering = new Map<Layer, CancelTimer>();
  #ids = 0;

  constructor(parts: LayerTableParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#layers.size;
  }

  /** Those of a kind that somebody follows. */
  *followed(kind: Layer["kind"]): Generator<Layer> {
    for (const layer of this.#layers.values()) if (layer.kind === kind && layer.followers > 0) yield layer;
  }

  find(name: string): Layer | undefined {
    return this.#layers.get(name);
  }

  /** A number that was never used. */
  nextId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  /** Is there room for one more of a kind? The one left longest ago gives way (R14). */
  makeRoom(kind: Layer["kind"]): boolean {
    if (this.#counts[kind] < LIMITS.viewGroupsMax) return true;
    for (const layer of this.#lingering.keys()) {
      if (layer.kind !== kind) continue;
      this.drop(layer);
      return true;
    }
    return false;
  }

  /** A new one, kept for replay from `at` on. */
  add(layer: Layer, at: StoredPosition): void {
    this.#layers.set(layer.name, layer);
    this.#counts[layer.kind] += 1;
    this.ring.begin(layer, at);
    this.#parts.audience.beginLayer(layer.id, layer.chain);
  }

  /** One more follows each of these. */
  follow(layers: readonly Layer[]): void {
    for (const layer of layers) {
      layer.followers += 1;
      this.#lingering.get(layer)?.();
      this.#lingering.delete(layer);
    }
  }

  /** One less follows each of these, which were brought up to `at`. */
  unfollow(layers: readonly Layer[], at: StoredPosition): void {
    for (const layer of layers) {
      layer.followers -= 1;
      if (layer.followers === 0) layer.leftAt = at;
    }
    this.linger(layers);
  }

  /** Those of them that nobody follows stay for a while, and are not computed meanwhile. */
  linger(layers: readonly Layer[]): void {
    for (const layer of layers) {
      if (layer.followers > 0 || this.#lingering.has(layer) || !this.#has(layer)) continue;
      this.#parts.left(layer);
      const expire = (): void => {
        this.drop(layer);
        this.#parts.dropped();
      };
      this.#lingering.set(layer, this.#parts.runtime.setTimer(LINGER_MS, expire));
    }
  }

  /** Forgets one. */
  drop(layer: Layer): void {
    if (!this.#has(layer)) return;
    this.#lingering.get(layer)?.();
    this.#lingering.delete(layer);
    this.#layers.delete(layer.name);
    this.#counts[layer.kind] -= 1;
    this.ring.delete(layer);
    this.#parts.left(layer);
    this.#parts.audience.endLayer(layer.id);
  }

  /** Forgets all of them. */
  clear(): void {
    for (const layer of [...this.#layers.values()]) this.drop(layer);
  }

  #has(layer: Layer): boolean {
    return this.#layers.get(layer.name) === layer;
  }
}
