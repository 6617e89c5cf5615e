// `npm run transports -- 20 --from 100`: the comparison of all ways in, for so many seeds.
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { from: { type: "string", default: "1" }, help: { type: "boolean", short: "h", default: false } },
});
const [seeds = "10"] = positionals;
if (values.help || ![seeds, values.from].every((text) => /^\d{1,6}$/.test(text))) {
  console.log("npm run transports -- [seeds, default 10] [--from seed, default 1]");
  process.exit(values.help ? 0 : 2);
}
const env = { ...process.env, TRANSPORT_SEEDS: seeds, TRANSPORT_FROM: values.from };
const child = spawn("npx", ["vitest", "run", "test/transports"], { stdio: "inherit", env });
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
