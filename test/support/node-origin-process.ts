import type { AddressInfo } from "node:net";
import { createNodeOrigin } from "./node-origin.ts";

/* A Node origin as a process of its own. Arguments: its name and, if it matters, its port. Prints the port. */
const [name = "node", port = "0"] = process.argv.slice(2);
const server = createNodeOrigin(name);
server.listen(Number(port), "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
