// Lets applications be TypeScript without a build step, wherever they lie: types are stripped as files are imported,
// and every .ts file is a module, whether or not a package.json near it says so.
import { register as registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { register } from "tsx/esm/api";

/** Runs on Node's loader thread, where nothing of ours can be imported. */
const MODULES_ONLY = `
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  const ours = found.format === "commonjs" && /\\.tsx?($|\\?)/.test(found.url) && !found.url.includes("/node_modules/");
  return ours ? { ...found, format: "module" } : found;
}`;

/** Where this package's own files lie: they are no part of an application. */
export const OWN_FILES: string = fileURLToPath(new URL("../", import.meta.url));

/** Installs the loader. `imported` hears of every file of the application, a moment after it was asked for. */
export function loadTypeScript(imported: (file: string) => void): void {
  register({
    onImport(url) {
      if (!url.startsWith("file:") || url.includes("/node_modules/")) return;
      const file = fileURLToPath(url);
      if (!file.startsWith(OWN_FILES)) imported(file);
    },
  });
  registerHooks(`data:text/javascript,${encodeURIComponent(MODULES_ONLY)}`);
}
