// Walks a zod 4 schema and builds the nodes of a compiled state, refusing what a state cannot be. It knows zod's
// definitions; the nodes do not know how they came about.
import type { $ZodCheck, $ZodTypes } from "zod/v4/core";
import { DefinitionError } from "../definition-error.js";
import { requireSchema } from "../schema.js";
import { IntersectionNode, NullableNode, PipeNode, ReferenceNode, RefinedNode, UnionNode } from "./composed-nodes.js";
import { ArrayNode, isJsonObject, ObjectNode, type Property, RecordNode, TupleNode } from "./container-nodes.js";
import { recordKeys } from "./record-keys.js";
import { refuseUnfit } from "./refusals.js";
import { AnyNode, CheckedScalarNode, noSuchKey, PlainNode } from "./scalar-nodes.js";
import type { StateNode } from "./state-node.js";

type TypeName = $ZodTypes["_zod"]["def"]["type"];
type DefOf<T extends TypeName> = Extract<$ZodTypes["_zod"]["def"], { type: T }>;

/** Where the walk stands. `level` holds the schemas of this very place, to notice one that contains itself; `nesting`
 * counts all schemas around it. */
interface Place {
  readonly property: string;
  readonly level: readonly $ZodTypes[];
  readonly nesting: number;
}

// Annotations, not checks.
const idleChecks = new Set(["describe", "meta"]);
// A state is at most 64 deep: a schema that goes on here makes itself anew at each step.
const nestingMax = 500;

/** Builds the nodes of one schema. Throws `DefinitionError` naming the place, e.g. `state.cards.*.text`. */
export class NodeBuilder {
  readonly #built = new Map<$ZodTypes, StateNode>();
  readonly #any = new AnyNode();

  build(property: string, schema: unknown): StateNode {
    return this.#visit(schema, { property, level: [], nesting: 0 });
  }

  #visit(value: unknown, place: Place): StateNode {
    const schema = requireSchema(place.property, value);
    if (place.level.includes(schema)) throw new DefinitionError(place.property, "contains itself without end.");
    const known = this.#built.get(schema);
    if (known !== undefined) return known;
    if (place.nesting >= nestingMax) {
      throw new DefinitionError(place.property, "never ends: make a recursive schema once, and refer to it.");
    }
    refuseUnfit(place.property, schema);
    const reference = new ReferenceNode();
    this.#built.set(schema, reference);
    const inner = { property: place.property, level: [...place.level, schema], nesting: place.nesting + 1 };
    const node = this.#refined(schema, inner);
    reference.resolve(node);
    this.#built.set(schema, node);
    return node;
  }

  #refined(schema: $ZodTypes, place: Place): StateNode {
    const node = this.#node(schema, place);
    if (node instanceof CheckedScalarNode) return node;
    const checks = activeChecks(schema);
    return checks.length === 0 ? node : new RefinedNode(node, checks);
  }

  #node(schema: $ZodTypes, place: Place): StateNode {
    const def = schema._zod.def;
    switch (def.type) {
      case "string":
      case "number":
      case "boolean":
      case "null":
        return isPlain(schema) ? new PlainNode(def.type) : new CheckedScalarNode(schema);
      case "literal":
      case "enum":
      case "template_literal":
      case "never":
        return new CheckedScalarNode(schema);
      case "any":
      case "unknown":
        return this.#any;
      case "object":
        return this.#object(def, place);
      case "record":
        return this.#record(def, place);
      case "array":
        return new ArrayNode(this.#below(def.element, place, "[]"));
      case "tuple":
        return this.#tuple(def, place);
      default:
        return this.#wrapper(schema, def, place);
    }
  }

  #wrapper(schema: $ZodTypes, def: $ZodTypes["_zod"]["def"], place: Place): StateNode {
    switch (def.type) {
      case "optional":
      case "nonoptional":
      case "readonly":
        // Absence is the parent's business, and state is never frozen by its schema.
        return this.#visit(def.innerType, place);
      case "nullable":
        return new NullableNode(this.#visit(def.innerType, place));
      case "lazy":
        return this.#visit(lazyInner(schema, place.property), place);
      case "union":
        return this.#union(def, place);
      case "intersection": {
        const [left, right] = [this.#visit(def.left, place), this.#visit(def.right, place)];
        return new IntersectionNode(schema, isResolvedObject(left) || isResolvedObject(right));
      }
      case "pipe":
        return new PipeNode(this.#visit(def.in, place), this.#visit(def.out, place));
      default:
        throw new DefinitionError(place.property, `is a zod ${def.type}, which a state schema cannot hold.`);
    }
  }

  #object(def: DefOf<"object">, place: Place): StateNode {
    const properties = new Map<string, Property>();
    for (const [key, value] of Object.entries(shapeOf(def, place.property))) {
      if (key === "__proto__") throw new DefinitionError(`${place.property}.${key}`, "cannot be a key of state.");
      const schema = requireSchema(`${place.property}.${key}`, value);
      const node = this.#below(schema, place, `.${key}`);
      properties.set(key, { node, required: schema._zod.optin === undefined });
    }
    const rest = def.catchall === undefined ? undefined : requireSchema(place.property, def.catchall);
    const refusing = rest === undefined || rest._zod.def.type === "never";
    return new ObjectNode(properties, refusing ? noSuchKey : this.#below(rest, place, ".*"));
  }

  #record(def: DefOf<"record">, place: Place): StateNode {
    this.#below(def.keyType, place, ".(key)");
    const keyType = requireSchema(place.property, def.keyType);
    const valueType = requireSchema(place.property, def.valueType);
    const keys = recordKeys(keyType, valueType, { loose: def.mode === "loose", partial: def.partial === true });
    return new RecordNode(keys, this.#below(valueType, place, ".*"), this.#any);
  }

  #tuple(def: DefOf<"tuple">, place: Place): StateNode {
    const items = def.items.map((item, index) => this.#below(item, place, `[${index}]`));
    const rest = def.rest ? this.#below(def.rest, place, "[]") : undefined;
    const lastRequired = def.items.findLastIndex((item) => item._zod.optin === undefined);
    return new TupleNode(items, rest, lastRequired + 1);
  }

  #union(def: DefOf<"union">, place: Place): StateNode {
    const options = def.options.map((option) => this.#visit(option, place));
    const discriminator =
      "discriminator" in def && typeof def.discriminator === "string" ? def.discriminator : undefined;
    const named = (value: Parameters<StateNode["problem"]>[0]): StateNode | undefined => {
      if (discriminator === undefined || !isJsonObject(value)) return undefined;
      const tag = value[discriminator];
      if (typeof tag === "object" && tag !== null) return undefined;
      return options[def.options.findIndex((option) => option._zod.propValues?.[discriminator]?.has(tag))];
    };
    return new UnionNode({ options, exclusive: def.inclusive === false && discriminator === undefined, named });
  }

  /** A schema one level below: what stands here may stand there again. */
  #below(schema: unknown, place: Place, step: string): StateNode {
    return this.#visit(schema, { property: place.property + step, level: [], nesting: place.nesting });
  }
}

function isPlain(schema: $ZodTypes): boolean {
  return activeChecks(schema).length === 0 && !("format" in schema._zod.def) && !schema._zod.traits.has("$ZodCheck");
}

function activeChecks(schema: $ZodTypes): readonly $ZodCheck<unknown>[] {
  return (schema._zod.def.checks ?? []).filter(isActive);
}

/** Not an annotation. A check is asked only about values that its schema took, whatever their static type. */
function isActive(check: $ZodCheck<never>): check is $ZodCheck<unknown> {
  return !idleChecks.has(check._zod.def.check);
}

function lazyInner(schema: $ZodTypes, property: string): unknown {
  try {
    return "innerType" in schema._zod ? schema._zod.innerType : undefined;
  } catch (cause) {
    throw new DefinitionError(property, "has a lazy part that cannot be resolved yet: define it first.", { cause });
  }
}

function shapeOf(def: DefOf<"object">, property: string): Readonly<Record<string, unknown>> {
  try {
    return def.shape;
  } catch (cause) {
    throw new DefinitionError(property, "has a part that cannot be resolved yet: define it first.", { cause });
  }
}

function isResolvedObject(node: StateNode): boolean {
  return !(node instanceof ReferenceNode) && node.isObject;
}
