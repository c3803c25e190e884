import { parseListenAddress } from "../config/address.ts";
import type { Config } from "../config/schema.ts";
import type { BoundPorts } from "./messages.ts";

/** Listener name → its URLs, with the ports that "port 0" became. */
export function listenerUrls(config: Config, bound: BoundPorts): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(config.listeners).map(([name, { listen, protocol, tls }]) => [
      name,
      listen.map((text, index) => urlOf(text, tls === undefined ? protocol : "https", bound[`${name}/${index}`])),
    ]),
  );
}

function urlOf(text: string, protocol: string, bound: number | undefined): string {
  const parsed = parseListenAddress(text);
  if ("reason" in parsed || parsed.address.kind === "unix") return text;
  const { host, port } = parsed.address;
  const shown = host === "" ? "[::]" : host.includes(":") ? `[${host}]` : host;
  return `${protocol}://${shown}:${port === 0 ? (bound ?? 0) : port}`;
}

/** The line that says that all is up: `evenkeel ready: web=http://127.0.0.1:8080 admin=… workers=2`. */
export function readyLine(
  urls: Readonly<Record<string, readonly string[]>>,
  admin: string | undefined,
  workers: number,
): string {
  const parts = Object.entries(urls).map(([name, list]) => `${name}=${list.join(",")}`);
  if (admin !== undefined) parts.push(`admin=${admin}`);
  return `evenkeel ready: ${[...parts, `workers=${workers}`].join(" ")}`;
}
