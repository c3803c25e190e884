import { literalPath, PrefixChange } from "./path-prefix.ts";

/** Where a route sends the client, as the configuration has it. */
export interface RedirectInput {
  readonly scheme?: "http" | "https";
  /** With port if needed. */
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly stripPrefix?: string;
  readonly addPrefix?: string;
  /** Keep the query. */
  readonly query: boolean;
}

/** What a redirect takes from the request. */
export interface RedirectSource {
  readonly path: string;
  readonly query: string;
}

/**
 * Makes the Location of a redirect.
 *
 * @param scheme of the request: "http" or "https"
 * @param authority the request's host with port, as received; may be ""
 */
export type Redirect = (request: RedirectSource, scheme: string, authority: string) => string;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: ":80", https: ":443" };
const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::\d{1,5})?$/;

/**
 * Compiles a redirect. When only the path changes, Location is a path (RFC 9110 section 10.2.2), which stays right
 * behind a proxy that speaks TLS or listens on another port; else it is a whole URL. The host comes from the
 * configuration or from the request's authority, never from the path: a path cannot begin with two slashes, and
 * nothing but visible ASCII gets into the field.
 *
 * A port of the request is dropped when the scheme changes and none is configured (http://x:8080 → https://x), and
 * so is a scheme's default port.
 *
 * @throws Error that says which part is wrong and why
 */
export function compileRedirect(input: RedirectInput): Redirect {
  if (input.path !== undefined && (input.stripPrefix !== undefined || input.addPrefix !== undefined)) {
    throw new Error("redirect: path replaces everything, so stripPrefix and addPrefix can do nothing");
  }
  if (input.host !== undefined && !AUTHORITY.test(input.host))
    throw new Error(`redirect.host: "${input.host}" is not a host`);
  if (input.port !== undefined && input.host !== undefined && withoutPort(input.host) !== input.host) {
    throw new Error("redirect: the port is given twice, in host and in port");
  }
  const fixed = input.path === undefined ? undefined : literalPath("redirect.path", input.path);
  const prefix = new PrefixChange("redirect", input.stripPrefix, input.addPrefix);
  const { host, port } = input;
  const onlyPath = input.scheme === undefined && host === undefined && port === undefined;
  return (request, requestScheme, requestAuthority) => {
    const path = fieldText(fixed ?? localPath(prefix.addTo(localPath(prefix.stripFrom(request.path)))));
    const target = input.query ? path + fieldText(request.query) : path;
    // Without a usable host there is nothing but the path to send the client to.
    if (onlyPath || (host === undefined && !AUTHORITY.test(requestAuthority))) return target;
    const scheme = input.scheme ?? (requestScheme === "https" ? "https" : "http");
    let authority = host ?? requestAuthority;
    if (port !== undefined) authority = `${withoutPort(authority)}:${port}`;
    else if (host === undefined && scheme !== requestScheme) authority = withoutPort(authority);
    const usual = DEFAULT_PORTS[scheme];
    if (authority.endsWith(usual)) authority = authority.slice(0, -usual.length);
    return `${scheme}://${authority}${target}`;
  };
}

function withoutPort(authority: string): string {
  return authority.replace(/:\d+$/, "");
}

/** A path with one slash in front: browsers take what follows `//` or `/\` for a host. */
function localPath(path: string): string {
  return path.replace(/^[/\\]*/, "/");
}

/** Percent-encodes whatever could end the field or start another one. */
function fieldText(text: string): string {
  return /[^\x21-\x7e]/.test(text) ? text.toWellFormed().replaceAll(/[^\x21-\x7e]+/g, encodeURIComponent) : text;
}
