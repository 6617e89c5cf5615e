// Loads an application file, TypeScript without a build step or JavaScript, and finds the application in it.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { OperatorError } from "@tidemark/protocol";
import { register } from "tsx/esm/api";
import { type ResolvedApp, resolveApp } from "../document/definition/define-app.js";
import { DefinitionError } from "../document/definition/definition-error.js";

const EXPORT_HINT = "Export it by name: `export const app = defineApp({ documents: { ... } })`, or as the default.";

/** The application that `file` exports as `app` or by default. Throws OperatorError `app_invalid` with what to mend. */
export async function loadApplication(file: string): Promise<ResolvedApp> {
  const path = resolve(file);
  if (!existsSync(path)) {
    throw new OperatorError("app_invalid", `there is no file ${path}`, "Give the path of your application file, e.g. `tidemark dev app.ts`.");
  }
  const exported = await importFile(path);
  const candidate: unknown = exported["app"] ?? exported["default"];
  if (candidate === undefined) throw new OperatorError("app_invalid", `${path} exports no application`, EXPORT_HINT);
  try {
    // Whatever it is, resolveApp says whether it is one.
    return resolveApp(candidate as Parameters<typeof resolveApp>[0]);
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    throw new OperatorError("app_invalid", `${path}: ${error.message}`, EXPORT_HINT, { cause: error });
  }
}

async function importFile(path: string): Promise<Record<string, unknown>> {
  register();
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OperatorError("app_invalid", `${path} does not load: ${reason}`, "Mend the file; the message above names the place.", { cause: error });
  }
}
