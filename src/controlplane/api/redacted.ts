const secret = /token|passw|passphrase|secret|private-?key|api-?key|authorization|cookie|credential/i;

/** A copy of plain data in which texts whose key names a secret are replaced. */
export function redacted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redacted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      key,
      secret.test(key) && typeof entry === "string" ? "[redacted]" : redacted(entry),
    ]),
  );
}
