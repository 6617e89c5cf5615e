// A server on a copy of a database that was made once: it may write, and begins with nothing in memory.
import { execFile } from "node:child_process";
import { constants, copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type ColdShape, coldStore } from "./cold-store.js";
import type { ServerProcess } from "./process.js";
import { tidemark, withDirectory } from "./servers.js";

/** Starts such servers on one copy, one after another. */
export type StartCold = <T>(use: (server: ServerProcess) => Promise<T>) => Promise<T>;

/** A copy of its own, for as long as `use` takes. */
export async function onColdCopy<T>(shape: ColdShape, use: (start: StartCold) => Promise<T>): Promise<T> {
  const made = await coldStore(shape, (text) => console.log(text));
  return withDirectory(async (directory) => {
    for (const file of readdirSync(made))
      copyFileSync(join(made, file), join(directory, file), constants.COPYFILE_FICLONE);
    return use((of) => started(directory, of));
  });
}

async function started<T>(directory: string, use: (server: ServerProcess) => Promise<T>): Promise<T> {
  await forgetPages(directory);
  const server = await tidemark(directory);
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

/** Has the kernel forget what it holds of the files, so that they are read from the disk. */
export async function forgetPages(folder: string): Promise<void> {
  for (const file of readdirSync(folder))
    await promisify(execFile)("dd", [`if=${join(folder, file)}`, "iflag=nocache", "count=0", "status=none"]);
}
