/**
 * The decoded value of the first parameter of that name in a query, without taking the query apart as a whole.
 * Plus signs are spaces, as forms send them; a malformed escape leaves the value as it stands.
 *
 * @param query with its question mark, or ""
 * @returns "" for a parameter without `=`; undefined when there is no parameter of that name
 */
export function queryValue(query: string, name: string): string | undefined {
  let start = 1;
  while (start < query.length) {
    let end = query.indexOf("&", start);
    if (end < 0) end = query.length;
    let equals = query.indexOf("=", start);
    if (equals < 0 || equals > end) equals = end;
    // The comparison in place is for the usual case, the decoded one for names with escapes.
    const same = equals - start === name.length && query.startsWith(name, start);
    if (same || decode(query.slice(start, equals)) === name) {
      return equals === end ? "" : decode(query.slice(equals + 1, end));
    }
    start = end + 1;
  }
  return undefined;
}

function decode(text: string): string {
  if (!text.includes("%") && !text.includes("+")) return text;
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
