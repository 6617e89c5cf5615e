// Finds asynchronous functions in any schema, at start-up. Handlers and their schemas are synchronous; a promise that
// nobody awaits would end the process when it rejects (R19).
import { DefinitionError } from "./definition-error.js";
import { isSchema } from "./schema.js";

const schemasMax = 10_000;

/** Throws `DefinitionError` when a refinement, transform or default of the schema is an async function. */
export function refuseAsync(property: string, schema: unknown): void {
  const seen = new Set<unknown>();
  const queue: unknown[] = [schema];
  for (let next = queue.pop(); next !== undefined && seen.size < schemasMax; next = queue.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    if (isAsyncFunction(next)) {
      throw new DefinitionError(property, "has an async refinement or transform: do I/O outside of handlers.");
    }
    queue.push(...parts(property, next));
  }
}

/** What a schema, a check or a collection of them is made of. */
function parts(property: string, value: unknown): readonly unknown[] {
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

function isAsyncFunction(value: unknown): boolean {
  return typeof value === "function" && Object.prototype.toString.call(value) === "[object AsyncFunction]";
}
