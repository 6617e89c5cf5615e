// A server under `node --require` of this file commits with synchronous=NORMAL and believes in FULL: what better-sqlite3
// falls back to when it reopens a file in WAL mode, made certain. The power-loss test must catch it.
const Database = require("better-sqlite3");

const pragma = Database.prototype.pragma;
const SETS = /^\s*synchronous\s*=/i;
const READS = /^\s*synchronous\s*$/i;
const FULL = 2;

Database.prototype.pragma = function normalPragma(source, options) {
  if (SETS.test(source)) return pragma.call(this, "synchronous = NORMAL", options);
  if (READS.test(source)) return options?.simple ? FULL : [{ synchronous: FULL }];
  return pragma.call(this, source, options);
};
