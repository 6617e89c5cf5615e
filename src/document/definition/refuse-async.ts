// Finds asynchronous functions in any schema, at start-up. Handlers and their schemas are synchronous; a promise that
// nobody awaits would end the process when it rejects (R19).
import { DefinitionError } from "./definition-error.js";
import { schemaParts } from "./schema-parts.js";

/** Throws `DefinitionError` when a refinement, transform or default of the schema is an async function. */
export function refuseAsync(property: string, schema: unknown): void {
  for (const part of schemaParts(property, schema)) {
    if (isAsyncFunction(part)) {
      throw new DefinitionError(property, "has an async refinement or transform: do I/O outside of handlers.");
    }
  }
}

function isAsyncFunction(value: unknown): boolean {
  return typeof value === "function" && Object.prototype.toString.call(value) === "[object AsyncFunction]";
}
