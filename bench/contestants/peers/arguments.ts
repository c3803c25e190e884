/** The port to listen on and the origins' ports, as a peer script gets them on its command line. */
export const [listenPort = 0, ...originPorts] = process.argv.slice(2).map(Number);

let next = 0;

/** The origins in turn. */
export function nextOrigin(): number {
  const port = originPorts[next]!;
  next = next + 1 === originPorts.length ? 0 : next + 1;
  return port;
}

// An orderly end, so that a profile of the script is written.
process.once("SIGTERM", () => process.exit(0));
