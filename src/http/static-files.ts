// The static files of an application: one folder at `/`, read as it is. It lists no folder, shows no dotfile, and goes
// nowhere outside.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import fastifyStatic from "@fastify/static";
import { OperatorError } from "@tidemark/protocol";
import type { FastifyInstance } from "fastify";

/** Serves a folder. Throws OperatorError `app_invalid` when it is none. */
export async function serveFolder(app: FastifyInstance, folder: string): Promise<void> {
  const root = resolve(folder);
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new OperatorError("app_invalid", `there is no folder ${root} to serve`, "Give --static a folder of files.");
  }
  await app.register(fastifyStatic, {
    root,
    prefix: "/",
    index: ["index.html"],
    dotfiles: "ignore",
    // Asked again each time and answered by 304: a page and its script are never from two builds.
    cacheControl: false,
    setHeaders: (response) => void response.setHeader("Cache-Control", "no-cache"),
  });
}
