// Starts the writer thread from TypeScript sources, in the clone only: a worker thread cannot load a .ts file by
// itself. The built package starts writer.js directly.
import { register } from "tsx/esm/api";

register();
await import("./writer.ts");
