/** Milliseconds of the system's monotonic clock, which is the same in all processes of a machine, namespaces included. */
export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
