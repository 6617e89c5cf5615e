// The schemas of an application in the dialect of OpenAPI 3.1 (JSON Schema 2020-12), as named components. What must not be
// told of a state is taken out before anything of it is kept.
import type { Json, JsonObject } from "@tidemark/protocol";
import { type $ZodTypes, toJSONSchema } from "zod/v4/core";

const COMPONENTS = "#/components/schemas/";
/** A schema of an object that can be shown in part, and nothing about the parts that are not. */
const PLAIN = new Set(["$schema", "$defs", "type", "properties", "required", "additionalProperties"]);
/** Anything at all. */
const ANYTHING: JsonObject = {};
const ANY_OBJECT: JsonObject = { type: "object" };

/** Named schemas, and those that they refer to. */
export class JsonSchemas {
  readonly #components = new Map<string, JsonObject>();

  /** All of them by name. */
  get components(): JsonObject {
    return Object.fromEntries(this.#components);
  }

  /** Adds one that is written down. Returns a reference to it. */
  add(name: string, schema: JsonObject): JsonObject {
    this.#components.set(name, schema);
    return { $ref: `${COMPONENTS}${name}` };
  }

  /** Adds what a sender may write; undefined: nothing is known of it. Returns a reference. */
  addInput(name: string, schema: $ZodTypes | undefined): JsonObject {
    return schema === undefined ? ANYTHING : this.#adopt(name, described(schema, "input"));
  }

  /** Adds the state of a document without the parts that `isHidden`. Returns a reference. */
  addState(name: string, schema: $ZodTypes, isHidden: (part: string) => boolean): JsonObject {
    const whole = described(schema, "output");
    const parts = objectIn(whole.properties);
    if (!Object.keys(parts).some(isHidden)) return this.#adopt(name, whole);
    // What else is said of the whole, in words or by rules, may speak of what is hidden.
    if (Object.keys(whole).some((keyword) => !PLAIN.has(keyword))) return this.#adopt(name, ANY_OBJECT);
    const required = Array.isArray(whole.required) ? whole.required : [];
    return this.#adopt(name, {
      type: "object",
      properties: Object.fromEntries(Object.entries(parts).filter(([part]) => !isHidden(part))),
      required: required.filter((part) => typeof part === "string" && !isHidden(part)),
      ...(whole.$defs === undefined ? {} : { $defs: whole.$defs }),
    });
  }

  /** Its definitions become components too, as far as they are referred to: others are of what was taken out. */
  #adopt(name: string, schema: JsonObject): JsonObject {
    const { $schema: _, $defs, ...own } = schema;
    const definitions = objectIn($defs);
    const nameOf = (definition: string): string => `${name}.${definition.replaceAll(/[^A-Za-z0-9._-]/g, "_")}`;
    const waiting: string[] = [];
    const moved = (value: Json): Json => {
      if (Array.isArray(value)) return value.map(moved);
      if (!isObject(value)) return value;
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [
          key,
          key === "$ref" && typeof item === "string" ? refer(item) : moved(item),
        ]),
      );
    };
    const refer = (reference: string): string => {
      const definition = /^#\/\$defs\/(.*)$/.exec(reference)?.[1];
      if (definition === undefined) return `${COMPONENTS}${name}`;
      waiting.push(definition);
      return `${COMPONENTS}${nameOf(definition)}`;
    };
    const reference = this.add(name, objectIn(moved(own)));
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const component = nameOf(next);
      if (!this.#components.has(component)) this.add(component, objectIn(moved(objectIn(definitions[next]))));
    }
    return reference;
  }
}

/** What zod can say of it. What it cannot say stands for anything, and nothing about a schema ends a server. */
function described(schema: $ZodTypes, io: "input" | "output"): JsonObject {
  try {
    return JSON.parse(JSON.stringify(toJSONSchema(schema, { io, unrepresentable: "any" })));
  } catch {
    return ANYTHING;
  }
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const objectIn = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
