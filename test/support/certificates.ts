// Certificates that tests make for themselves: of this machine's names, from and until any day.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generate } from "selfsigned";

const DAY_MS = 86_400_000;

/** A certificate and its key, in PEM. */
export interface MadeCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes one for `localhost`; `from` and `until` in days from now. */
export async function makeCertificate({ from = -1, until = 30 } = {}): Promise<MadeCertificate> {
  const now = Date.now();
  const made = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    notBeforeDate: new Date(now + from * DAY_MS),
    notAfterDate: new Date(now + until * DAY_MS),
    extensions: [
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { cert: made.cert, key: made.private };
}

/** Writes it to a folder and says where. */
export function writeCertificate(folder: string, { cert, key }: MadeCertificate): MadeCertificate {
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  return files;
}
