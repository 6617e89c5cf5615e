// What figures depend on, and how it is written; pages in a browser say it as well.

/** What figures depend on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  /** The file system that the databases are on. */
  readonly filesystem: string;
}

/** One line. */
export function machineLine(machine: Machine): string {
  const { processor, cores, memoryGb, kernel, node, filesystem } = machine;
  return `${cores} x ${processor}, ${memoryGb} GB, Linux ${kernel}, Node ${node}, ${filesystem}`;
}
