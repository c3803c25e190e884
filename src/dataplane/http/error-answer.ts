import { reasonPhrase } from "../../http1/status.ts";

/** What an error answer says; protocol errors and proxy errors both fit. */
export interface AnswerableError {
  readonly code: string;
  readonly status: number;
}

const MESSAGE_MAX = 300;

/**
 * The whole text of an error answer: head and a short body, HTML for those who ask for it, JSON for all others.
 *
 * @param accept the request's Accept field, or undefined
 * @param id the request id; the operator finds the request by it
 * @param lines further header lines, complete
 */
export function errorAnswer(
  error: AnswerableError,
  message: string,
  accept: string | undefined,
  id: string,
  lines: string,
  withBody: boolean,
): string {
  const { status, code } = error;
  const phrase = reasonPhrase(status);
  const html = accept !== undefined && wantsHtml(accept);
  const body = html
    ? `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${status} ${phrase}</title></head><body><h1>${status} ${phrase}</h1><p>${escape(message)}</p><p><small>${code} &middot; request ${escape(id)}</small></p></body></html>\n`
    : `${JSON.stringify({ error: { status, code, message: message.slice(0, MESSAGE_MAX), requestId: id } })}\n`;
  return (
    `HTTP/1.1 ${status} ${phrase}\r\n` +
    `Date: ${new Date().toUTCString()}\r\n` +
    `Content-Type: ${html ? "text/html; charset=utf-8" : "application/json"}\r\n` +
    // Bodies are ASCII, so their length in characters is their length in bytes.
    `Content-Length: ${body.length}\r\n` +
    "Cache-Control: no-store\r\n" +
    `X-Request-Id: ${id}\r\n` +
    lines +
    "\r\n" +
    (withBody ? body : "")
  );
}

/** Whether text/html is asked for by name and not less than application/json (RFC 9110 12.5.1, without the finer points). */
export function wantsHtml(accept: string): boolean {
  let html = 0;
  let json = 0;
  for (const range of accept.toLowerCase().split(",")) {
    const [type, ...parameters] = range.split(";").map((part) => part.trim());
    const q = parameters.find((parameter) => parameter.startsWith("q="));
    const quality = q === undefined ? 1 : Number(q.slice(2)) || 0;
    if (type === "text/html" || type === "application/xhtml+xml") html = Math.max(html, quality);
    else if (type === "application/json") json = Math.max(json, quality);
  }
  return html > 0 && html >= json;
}

function escape(text: string): string {
  return text.replace(/[^ -~]/g, "?").replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
