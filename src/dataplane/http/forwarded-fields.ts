import { FieldId } from "../../http1/fields.ts";
import type { RequestHead } from "../../http1/request-head.ts";

/** What a listener knows about the client's side of a connection. */
export interface ForwardedParts {
  /** Address of the connection's other end, without port. */
  readonly remote: string;
  readonly scheme: "http" | "https";
  /** The listener's port, as text. */
  readonly port: string;
  /** Whether Forwarded (RFC 7239) is sent as well. */
  readonly forwarded: boolean;
}

/** Fields that frameworks believe and that we have nothing to say in: a trusted proxy's go on, a client's do not. */
const PROXY_ONLY = ["X-Real-IP", "X-Forwarded-Server", "X-Forwarded-Prefix"];

/** The forwarding fields for a client that nothing is believed of. They depend on nothing but the authority. */
export function forwardedLines(parts: ForwardedParts, authority: string): string {
  let lines = `X-Forwarded-For: ${parts.remote}\r\nX-Forwarded-Proto: ${parts.scheme}\r\n`;
  // A unix socket has none.
  if (parts.port !== "") lines += `X-Forwarded-Port: ${parts.port}\r\n`;
  if (authority !== "") lines += `X-Forwarded-Host: ${authority}\r\n`;
  if (parts.forwarded) lines += `Forwarded: ${element(parts, authority)}\r\n`;
  return lines;
}

/** The forwarding fields behind a trusted proxy: its words go on, and our own follow them. */
export function forwardedLinesBehindProxy(parts: ForwardedParts, head: RequestHead): string {
  const chain = head.all("x-forwarded-for");
  chain.push(parts.remote);
  const proto = head.getById(FieldId.xForwardedProto) ?? parts.scheme;
  const port = head.getById(FieldId.xForwardedPort) ?? parts.port;
  const host = head.getById(FieldId.xForwardedHost) ?? head.authority;
  let lines = `X-Forwarded-For: ${chain.join(", ")}\r\nX-Forwarded-Proto: ${proto}\r\n`;
  if (port !== "") lines += `X-Forwarded-Port: ${port}\r\n`;
  if (host !== "") lines += `X-Forwarded-Host: ${host}\r\n`;
  for (const name of PROXY_ONLY) for (const value of head.all(name.toLowerCase())) lines += `${name}: ${value}\r\n`;
  const elements = head.all("forwarded");
  if (parts.forwarded) elements.push(element(parts, head.authority));
  if (elements.length > 0) lines += `Forwarded: ${elements.join(", ")}\r\n`;
  return lines;
}

/** A request id that may be taken over: short, and of characters that are harmless in logs. */
export function acceptableRequestId(id: string | undefined): id is string {
  return id !== undefined && /^[\w.:+/=@-]{1,128}$/.test(id);
}

function element(parts: ForwardedParts, authority: string): string {
  const node = parts.remote.includes(":") ? `"[${parts.remote}]"` : parts.remote;
  const host =
    authority === "" ? "" : `;host=${/^[\w.!#$%&'*+^`|~-]+$/.test(authority) ? authority : `"${authority}"`}`;
  return `for=${node};proto=${parts.scheme}${host}`;
}
