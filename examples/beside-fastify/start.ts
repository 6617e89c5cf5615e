// Starts the application: `TIDEMARK_KEY=... npx tsx examples/beside-fastify/start.ts`, beside a `tidemark serve`.
import { server } from "@tidemark/client/http";
import { wall } from "./app.js";
import { pageFiles } from "./page-files.js";

const { TIDEMARK_KEY: key, TIDEMARK_URL: url = "http://127.0.0.1:8787", PORT = "3000" } = process.env;

if (key === undefined) {
  process.stderr.write("error: TIDEMARK_KEY is not set; `npx tidemark key create wall --help` says how to make one\n");
  process.exit(2);
}
// Nobody who posts waits longer than that for the others to be told.
const tide = server({ url, key, deadlineMs: 5_000 });
const app = await wall({ tide, tideUrl: url, pageFiles: await pageFiles() });
const address = await app.listen({ host: "127.0.0.1", port: Number(PORT) });
process.stdout.write(`The wall is at ${address}; log in as ann (woof) or bob (meow)\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void app.close());
