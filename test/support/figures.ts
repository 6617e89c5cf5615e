// Adds up the figures that a server process logged.
interface Line {
  readonly figures?: { readonly documents: { readonly [name: string]: number } };
}

/** The sum of one count of its documents, by what the process wrote to standard error. */
export function counted(stderr: string, name: string): number {
  let sum = 0;
  for (const line of stderr.split("\n")) {
    if (!line.startsWith("{") || !line.endsWith("}")) continue;
    const { figures }: Line = JSON.parse(line);
    sum += figures?.documents[name] ?? 0;
  }
  return sum;
}
