// Objects, records, arrays and tuples: what stands below them and which keys must be there.
import type { Json, JsonObject } from "@tidemark/protocol";
import type { Cover } from "../../recorder/state-guard.js";
import { noSuchKey } from "./scalar-nodes.js";
import { below, Covers, mismatch, type Problem, type Reach, StateNode } from "./state-node.js";

/** One key of an object's shape. */
export interface Property {
  readonly node: StateNode;
  readonly required: boolean;
}

/** `z.object`, strict, stripping, loose or with a catchall. A stripping one refuses unknown keys as a strict one does. */
export class ObjectNode extends StateNode {
  readonly isObject = true;
  readonly isScalar = false;
  readonly reach = "none";
  readonly #properties: ReadonlyMap<string, Property>;
  /** The same as a list: walking a Map makes a pair for each of its entries every time. */
  readonly #named: readonly (readonly [string, Property])[];
  readonly #rest: StateNode;
  readonly #presence = new Map<string, Covers>();

  constructor(properties: ReadonlyMap<string, Property>, rest: StateNode) {
    super();
    this.#properties = properties;
    this.#named = [...properties];
    this.#rest = rest;
    for (const [key, property] of properties) {
      if (property.required) this.#presence.set(key, presenceOf(key));
    }
  }

  problem(value: Json): Problem | undefined {
    if (!isJsonObject(value)) return mismatch("object", value);
    for (const [key, property] of this.#named) {
      const found = Object.hasOwn(value, key) ? property.node.problem(value[key] ?? null) : absent(property);
      if (found !== undefined) return below(key, found);
    }
    return this.#unnamedProblem(value);
  }

  child(key: string): StateNode {
    return this.#properties.get(key)?.node ?? this.#rest;
  }

  override removal(key: string, depth: number): Cover | undefined {
    return this.#presence.get(key)?.at(depth);
  }

  #unnamedProblem(value: JsonObject): Problem | undefined {
    for (const key in value) {
      if (this.#properties.has(key)) continue;
      const found = this.#rest.problem(value[key] ?? null);
      if (found !== undefined) return below(key, found);
    }
    return undefined;
  }
}

/** What a record says of its keys. */
export interface RecordKeys {
  /** What governs the value under a key. */
  governs(key: string): "value" | "anything" | "nothing";
  /** Keys that must be there: those of an enum, unless its values may be absent. */
  readonly required: readonly string[];
}

/** `z.record`, `z.partialRecord`, `z.looseRecord`. */
export class RecordNode extends StateNode {
  readonly isObject = true;
  readonly isScalar = false;
  readonly reach = "none";
  readonly #keys: RecordKeys;
  readonly #value: StateNode;
  readonly #anything: StateNode;
  readonly #presence: ReadonlyMap<string, Covers>;

  constructor(keys: RecordKeys, value: StateNode, anything: StateNode) {
    super();
    this.#keys = keys;
    this.#value = value;
    this.#anything = anything;
    this.#presence = new Map(keys.required.map((key) => [key, presenceOf(key)]));
  }

  problem(value: Json): Problem | undefined {
    if (!isJsonObject(value)) return mismatch("object", value);
    for (const key of this.#keys.required) {
      if (!Object.hasOwn(value, key)) return below(key, mismatch("a value", undefined));
    }
    for (const key in value) {
      const found = this.child(key).problem(value[key] ?? null);
      if (found !== undefined) return below(key, found);
    }
    return undefined;
  }

  child(key: string): StateNode {
    const governed = this.#keys.governs(key);
    if (governed === "value") return this.#value;
    return governed === "anything" ? this.#anything : noSuchKey;
  }

  override removal(key: string, depth: number): Cover | undefined {
    return this.#presence.get(key)?.at(depth);
  }
}

/** `z.array` without its checks. */
export class ArrayNode extends StateNode {
  readonly isObject = false;
  readonly isScalar = false;
  readonly reach = "none";
  readonly #element: StateNode;

  constructor(element: StateNode) {
    super();
    this.#element = element;
  }

  problem(value: Json): Problem | undefined {
    if (!isJsonArray(value)) return mismatch("array", value);
    for (let index = 0; index < value.length; index += 1) {
      const found = this.#element.problem(value[index] ?? null);
      if (found !== undefined) return below(index, found);
    }
    return undefined;
  }

  child(): StateNode {
    return this.#element;
  }
}

/** `z.tuple`. An insertion moves what stands behind it under other schemas, so any change asks for all of it again. */
export class TupleNode extends StateNode {
  readonly isObject = false;
  readonly isScalar = false;
  readonly reach: Reach = "all";
  readonly #items: readonly StateNode[];
  readonly #rest: StateNode | undefined;
  readonly #lengthMin: number;

  constructor(items: readonly StateNode[], rest: StateNode | undefined, lengthMin: number) {
    super();
    this.#items = items;
    this.#rest = rest;
    this.#lengthMin = lengthMin;
  }

  problem(value: Json): Problem | undefined {
    if (!isJsonArray(value)) return mismatch("array", value);
    if (value.length < this.#lengthMin) return mismatch(`at least ${this.#lengthMin} items`, value);
    for (let index = 0; index < value.length; index += 1) {
      const found = this.child(String(index)).problem(value[index] ?? null);
      if (found !== undefined) return below(index, found);
    }
    return undefined;
  }

  child(key: string): StateNode {
    return this.#items[Number(key)] ?? this.#rest ?? noSuchKey;
  }

  override removal(_key: string, depth: number): Cover {
    return this.cover(depth);
  }
}

function presenceOf(key: string): Covers {
  return new Covers((value) =>
    isJsonObject(value) && Object.hasOwn(value, key) ? undefined : below(key, mismatch("a value", undefined)),
  );
}

function absent(property: Property): Problem | undefined {
  return property.required ? mismatch("a value", undefined) : undefined;
}

/** Whether a value is an array; `Array.isArray` alone does not narrow a read-only one. */
export function isJsonArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Whether a value is an object and no array. */
export function isJsonObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
