// How our own client's adapter is started, here and by whoever wants to see one at work.
import { fileURLToPath } from "node:url";

/** A command line for the shell. */
export const OUR_ADAPTER = [
  `"${process.execPath}"`,
  "--conditions=source --import tsx",
  `"${fileURLToPath(new URL("./client-adapter.ts", import.meta.url))}"`,
].join(" ");
