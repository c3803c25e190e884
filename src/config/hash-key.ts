/**
 * Why a text does not say where a request's hash key comes from, or undefined when it does: client, host, path, uri,
 * header:NAME, cookie:NAME or query:NAME.
 */
export function hashKeyProblem(text: string): string | undefined {
  if (/^(client|host|path|uri)$/.test(text)) return undefined;
  if (/^(header|cookie):[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text) || /^query:.+$/.test(text)) return undefined;
  return "must be one of client, host, path, uri, header:NAME, cookie:NAME, query:NAME";
}
