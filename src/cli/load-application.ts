// Loads an application file, TypeScript without a build step or JavaScript, and finds the application in it.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { OperatorError } from "@tidemark/protocol";
import { channelsOnly, type ResolvedApp, resolveApp } from "../document/definition/define-app.js";
import { DefinitionError } from "../document/definition/definition-error.js";
import { loadTypeScript, OWN_FILES } from "./typescript-loader.js";

const EXPORT_HINT = "Export it by name: `export const app = defineApp({ documents: { ... } })`, or as the default.";
const MEND_HINT = "Mend the file; the message above names the place.";
const INSTALL_HINT = "Run `npm install tidemark zod` in the folder of the application, or correct the import.";

/** The application file as a path. Throws OperatorError `app_invalid` when there is none. */
export function applicationPath(file: string): string {
  const path = resolve(file);
  if (existsSync(path)) return path;
  throw new OperatorError(
    "app_invalid",
    `there is no file ${path}`,
    "Give the path of your application file, e.g. `tidemark dev app.ts`.",
  );
}

/**
 * The application that `file` exports as `app` or by default; without a file, one that has channels only. `imported` hears of every file that belongs to it. Throws
 * OperatorError `app_invalid` with what to mend.
 */
export async function loadApplication(
  file: string | undefined,
  imported: (file: string) => void = () => undefined,
): Promise<ResolvedApp> {
  if (file === undefined) return channelsOnly();
  const path = applicationPath(file);
  loadTypeScript(imported);
  const exported = await importFile(path);
  const candidate: unknown = exported.app ?? exported.default;
  if (candidate === undefined) throw new OperatorError("app_invalid", `${path} exports no application`, EXPORT_HINT);
  try {
    // Whatever it is, resolveApp says whether it is one.
    return resolveApp(candidate as Parameters<typeof resolveApp>[0]);
  } catch (error) {
    throw invalid(path, error, EXPORT_HINT);
  }
}

async function importFile(path: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    throw invalid(path, error, missing ? INSTALL_HINT : MEND_HINT);
  }
}

function invalid(path: string, error: unknown, hint: string): OperatorError {
  const reason = error instanceof Error ? `${error.message}${placeOf(error)}` : String(error);
  const verb = error instanceof DefinitionError ? "is refused" : "does not load";
  return new OperatorError("app_invalid", `${path} ${verb}: ${reason}`, hint, { cause: error });
}

/** The first line of the application's own in a stack, unless the message names a place. */
function placeOf({ message, stack = "" }: Error): string {
  const places = /(?:file:\/\/)?(\/[^\s():]+\.[cm]?[jt]sx?:\d+(?::\d+)?)/g;
  if (/:\d+:\d+/.test(message)) return "";
  const own = [...stack.matchAll(places)].map(([, place = ""]) => place).find(isOfApplication);
  return own === undefined ? "" : ` (${own})`;
}

const isOfApplication = (place: string): boolean => !place.includes("/node_modules/") && !place.startsWith(OWN_FILES);
