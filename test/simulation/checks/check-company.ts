// Judges who is told to be present when faults have been over for longer than anybody who is cut off is kept: exactly those
// who are there and show something, with what they show; and that a wave in good weather reaches everybody (PRES, SIG).
import type { CompanyStanding, History, Problem } from "../history/history.js";

/** Who is there and what is heard. */
export function checkCompany({ company, waves, easyWavesFromMs }: History): Problem[] {
  const live = company.filter(({ status }) => status === "live");
  return [
    ...live.flatMap((standing) => [...checkPresent(standing, live)]),
    ...waves.filter(({ atMs }) => atMs >= easyWavesFromMs).flatMap((wave) => [...checkWave(wave, live)]),
  ];
}

function* checkPresent(standing: CompanyStanding, live: readonly CompanyStanding[]): Generator<Problem> {
  const { client, documentId, present, count } = standing;
  const there = live.filter((other) => other.documentId === documentId && other.shown !== undefined);
  const people = new Set(there.map(({ subject }) => subject));
  const where = `${client} ${documentId}`;
  if (count !== people.size) yield { rule: "PRES-2", text: `${where}: ${count} are present, there are ${people.size}` };
  for (const person of people) {
    const shows = there.filter(({ subject }) => subject === person).map(({ shown }) => shown?.n);
    const told = present.filter(({ who }) => who === person);
    if (told.length !== 1 || !shows.includes(told[0]?.n))
      yield { rule: "PRES-4", text: `${where}: ${person} shows ${shows}, told is ${told.map(({ n }) => n)}` };
  }
  const strangers = present.filter(({ who }) => !people.has(who));
  if (strangers.length > 0)
    yield { rule: "PRES-5", text: `${where}: ${strangers.map(({ who }) => who)} are not there` };
}

function* checkWave(wave: History["waves"][number], live: readonly CompanyStanding[]): Generator<Problem> {
  const { id, documentId, client, heardBy } = wave;
  for (const other of live) {
    if (other.documentId !== documentId || other.client === client || heardBy.includes(other.client)) continue;
    yield { rule: "SIG-2", text: `${other.client} ${documentId}: ${id} did not come` };
  }
}
