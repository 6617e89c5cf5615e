// Walks everything that a schema is made of: schemas, checks, functions. It judges nothing.
import { DefinitionError } from "./definition-error.js";
import { isSchema } from "./schema.js";

const partsMax = 10_000;

/** Each part once, the schema itself first. Throws `DefinitionError` for a lazy part that cannot be resolved yet. */
export function* schemaParts(property: string, schema: unknown): Generator<unknown> {
  const seen = new Set<unknown>();
  const queue: unknown[] = [schema];
  for (let next = queue.pop(); next !== undefined && seen.size < partsMax; next = queue.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    yield next;
    queue.push(...partsOf(property, next));
  }
}

/** What a schema, a check or a collection of them is made of. */
function partsOf(property: string, value: unknown): readonly unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value;
  if (isSchema(value)) return [...Object.values(value._zod.def), ...lazyInner(property, value._zod)];
  if ("_zod" in value && typeof value._zod === "object" && value._zod !== null) return Object.values(value._zod);
  return Object.values(value).filter(isSchema);
}

function lazyInner(property: string, internals: object): readonly unknown[] {
  if (!("innerType" in internals)) return [];
  try {
    return [internals.innerType];
  } catch (cause) {
    throw new DefinitionError(property, "has a lazy part that cannot be resolved yet: define it first.", { cause });
  }
}
