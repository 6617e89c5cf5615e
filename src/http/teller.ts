// Makes of what a socket would be sent for one subscription what its reader is told. It keeps no state, but of documents
// in which text grows by appending: RFC 6902 cannot say that without the text before.
import {
  applyPatch,
  type DeltaMessage,
  type Json,
  type JsonObject,
  type JsonPatchOperation,
  jsonCodec,
  LIMITS,
  type Opened,
  type PatchOperation,
  type ServerMessage,
  type SnapMessage,
  type StateSlice,
  toJsonPatch,
  type WireEvent,
} from "@tidemark/protocol";
import { type At, endOf, type Held, type Told, type ToldEvent } from "./told.js";

/** States that are on their way. */
interface Reset {
  /** By layer; undefined: not there yet. */
  readonly states: (Json | undefined)[];
  readonly awaited: Set<number>;
  readonly events: ToldEvent[];
  readonly gap: boolean;
  /** What came before the last of them takes effect with it. */
  readonly waiting: DeltaMessage[];
}

/** A state that comes in parts. */
interface Arriving {
  readonly at: At;
  readonly parts: number;
  readonly slices: StateSlice[];
}

/** What changed within one frame. */
interface Changed {
  /** Before it. */
  readonly from: At;
  readonly patch: JsonPatchOperation[];
  readonly events: ToldEvent[];
  isMoved: boolean;
}

const MINE = "/mine";
const WHOLE = { bytesMax: LIMITS.stateBytesCeiling, depthMax: LIMITS.depthMax };

/** Tells of one subscription. */
export class Teller {
  #handles: readonly number[] = [];
  #tags: readonly string[];
  #at: At;
  /** By layer; empty: none is kept. */
  #states: (Json | undefined)[] = [];
  #keepsStates = false;
  #needsStates = false;
  #isOpened = false;
  #reset: Reset | undefined;
  readonly #arriving = new Map<number, Arriving>();

  /** `held`: what its reader says it holds. */
  constructor(held: Held | undefined) {
    this.#at = held ?? { epoch: 0, seq: 0 };
    this.#tags = held?.tags ?? [];
  }

  /** Its subscription has begun. */
  get isOpened(): boolean {
    return this.#isOpened;
  }

  /** What comes cannot be told without a state: nothing is, until it was opened anew from what is held, with other tags. */
  get needsStates(): boolean {
    return this.#needsStates;
  }

  /** What its reader holds when it was told everything. */
  get held(): Held {
    return { ...this.#at, tags: this.#tags };
  }

  /** The messages of one frame. */
  take(messages: readonly ServerMessage[]): readonly Told[] {
    const told: Told[] = [];
    let changed = this.#nothing();
    for (const message of messages) {
      const one = this.#take(message, changed);
      if (one === undefined) continue;
      told.push(...this.#changes(changed), one);
      changed = this.#nothing();
    }
    told.push(...this.#changes(changed));
    return told;
  }

  #nothing(): Changed {
    return { from: this.#at, patch: [], events: [], isMoved: false };
  }

  #changes({ patch, events, isMoved }: Changed): readonly Told[] {
    if (patch.length > 0 || events.length > 0) return [{ kind: "patch", ...this.#at, patch, ...happened(events) }];
    return isMoved ? [{ kind: "ping", ...this.#at }] : [];
  }

  #take(message: ServerMessage, changed: Changed): Told | undefined {
    switch (message[0]) {
      case "opened":
        this.#open(message[1]);
        return undefined;
      case "snap":
        return this.#snap(message);
      case "part":
        return this.#part(message[1], message[3]);
      case "d":
        this.#delta(message, changed);
        return undefined;
      case "ping":
        return this.#isOpened && this.#reset === undefined ? { kind: "ping", ...this.#at } : undefined;
      case "ended":
      case "err":
        return endOf(message[1]);
      default:
        return undefined;
    }
  }

  #open({ h, tag, mode, events = [], gap = false }: Opened): void {
    this.#isOpened = true;
    this.#handles = h;
    this.#tags = tag;
    this.#arriving.clear();
    this.#reset = undefined;
    this.#needsStates = false;
    const awaited = new Set(mode.flatMap((each, layer) => (each === "reset" ? [layer] : [])));
    if (awaited.size === 0) return;
    const states = mode.map((each, layer) => (each === "reset" ? undefined : this.#states[layer]));
    // A state that is told whole is made of all layers.
    if (states.some((state, layer) => state === undefined && !awaited.has(layer))) return this.#ask();
    this.#reset = { states, awaited, events: events.map(toldEvent), gap, waiting: [] };
  }

  #snap([, handle, epoch, seq, state, parts]: SnapMessage): Told | undefined {
    const layer = this.#handles.indexOf(handle);
    if (layer < 0) return undefined;
    const at = { epoch, seq };
    if (parts === undefined) return this.#landed(layer, state, at);
    this.#arriving.set(layer, { at, parts: parts.parts, slices: [] });
    return undefined;
  }

  #part(handle: number, slice: StateSlice): Told | undefined {
    const layer = this.#handles.indexOf(handle);
    const arriving = this.#arriving.get(layer);
    if (arriving === undefined || arriving.slices.push(slice) < arriving.parts) return undefined;
    this.#arriving.delete(layer);
    return this.#landed(layer, jsonCodec.joinState(arriving.slices, WHOLE), arriving.at);
  }

  #landed(layer: number, state: Json, at: At): Told | undefined {
    const reset = this.#reset;
    if (reset === undefined) return undefined;
    reset.states[layer] = state;
    reset.awaited.delete(layer);
    this.#move(at);
    if (reset.awaited.size > 0) return undefined;
    this.#reset = undefined;
    for (const delta of reset.waiting) this.#fold(delta, reset);
    this.#states = this.#keepsStates ? reset.states : [];
    const gap = reset.gap ? { gap: true as const } : {};
    return { kind: "snapshot", ...this.#at, state: composed(reset.states), ...happened(reset.events), ...gap };
  }

  #fold([, handle, , seq, operations, extension]: DeltaMessage, { states, events }: Reset): void {
    const layer = this.#handles.indexOf(handle);
    states[layer] = applyPatch(states[layer] ?? null, operations);
    events.push(...(extension?.ev ?? []).map(toldEvent));
    this.#move({ epoch: extension?.e ?? this.#at.epoch, seq });
  }

  #delta(delta: DeltaMessage, changed: Changed): void {
    const [, handle, , seq, operations, extension] = delta;
    const layer = this.#handles.indexOf(handle);
    if (layer < 0 || this.#needsStates) return;
    if (this.#reset !== undefined) return void this.#reset.waiting.push(delta);
    const state = this.#states[layer];
    if (state === undefined && operations.some((one) => this.#rests(layer, one))) return this.#forget(changed);
    changed.patch.push(...this.#standard(layer, state ?? null, operations));
    if (state !== undefined) this.#states[layer] = applyPatch(state, operations);
    changed.events.push(...(extension?.ev ?? []).map(toldEvent));
    changed.isMoved = true;
    this.#move({ epoch: extension?.e ?? this.#at.epoch, seq });
  }

  /** Whether it cannot be told without the state: text that is appended to, or all but `mine`. */
  #rests(layer: number, [op, path]: PatchOperation): boolean {
    return op === "~" || (path === "" && layer === 0 && this.#handles.length > 1);
  }

  /** Half a transaction is not told. What came before it in its frame comes with the states again. */
  #forget(changed: Changed): void {
    this.#at = changed.from;
    changed.patch.length = 0;
    changed.events.length = 0;
    changed.isMoved = false;
    this.#ask();
  }

  #ask(): void {
    this.#needsStates = true;
    this.#keepsStates = true;
  }

  #standard(layer: number, state: Json, operations: readonly PatchOperation[]): readonly JsonPatchOperation[] {
    const standard = toJsonPatch(state, operations);
    if (layer > 0) return standard.map(below);
    const mine = this.#states[1];
    // Replacing the whole shared layer leaves `mine` alone.
    return mine === undefined ? standard : standard.map((one) => withMine(one, mine));
  }

  #move({ epoch, seq }: At): void {
    if (seq >= this.#at.seq || epoch > this.#at.epoch) this.#at = { epoch, seq };
  }
}

const toldEvent = ([seq, at, name, data]: WireEvent): ToldEvent => ({ seq, at, name, data });

const happened = (events: readonly ToldEvent[]): { readonly events?: readonly ToldEvent[] } =>
  events.length === 0 ? {} : { events };

/** What one reader sees: the shared layer, with its own below `mine`. */
function composed([shared = null, mine]: readonly (Json | undefined)[]): Json {
  return mine === undefined || !isObject(shared) ? shared : { ...shared, mine };
}

function below(operation: JsonPatchOperation): JsonPatchOperation {
  const path = `${MINE}${operation.path}`;
  return "from" in operation ? { ...operation, from: `${MINE}${operation.from}`, path } : { ...operation, path };
}

function withMine(operation: JsonPatchOperation, mine: Json): JsonPatchOperation {
  if (operation.path !== "" || !("value" in operation) || !isObject(operation.value)) return operation;
  return { ...operation, value: { ...operation.value, mine } };
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
