// Every rule of the protocol, every invariant in force and every row of attacks is cited by the title of at least one test,
// and no test cites one that does not exist.
import { citable, citations } from "./citations.mjs";

const known = citable();
const cited = new Map();
for (const [file, ids] of citations()) for (const id of ids) cited.set(id, file);

const uncited = [...known].filter((id) => !cited.has(id));
const unknown = [...cited].filter(([id]) => !known.has(id));
for (const id of uncited) console.error(`${id} is cited by no test`);
for (const [id, file] of unknown) console.error(`${id}, cited in ${file}, is no rule, invariant or row of attacks`);
console.log(`${known.size} rules, invariants and attacks, ${known.size - uncited.length} cited`);
if (uncited.length + unknown.length > 0) process.exitCode = 1;
