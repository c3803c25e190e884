import { namesSecret } from "../../config/secret-names.ts";

/** A copy of plain data in which texts whose key names a secret are replaced. */
export function redacted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redacted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, namesSecret(key) ? hidden(entry) : redacted(entry)]),
  );
}

/** A list of texts under such a key is as secret as one text. */
function hidden(value: unknown): unknown {
  if (typeof value === "string") return "[redacted]";
  return Array.isArray(value) ? value.map(hidden) : redacted(value);
}
