/** The oldest major version of Node.js that the program runs on; package.json says the same under `engines`. */
const OLDEST = 24;

/** What to say when the program was started with a Node.js that is too old (`version` as in `process.version`). */
export function nodeProblem(version: string): string | undefined {
  if (Number.parseInt(version.slice(1), 10) >= OLDEST) return undefined;
  return `Node.js ${OLDEST} or later is needed, and this is ${version}: put a newer one first on the PATH`;
}
