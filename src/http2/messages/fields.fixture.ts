import { FieldList } from "../field-list.ts";
import { fieldOf } from "../hpack/decoded-field.ts";

/** A decoded header block of these fields, each as `name: value` (or `:name: value`), exactly as written. */
export function fieldsOf(...fields: readonly string[]): FieldList {
  const list = new FieldList();
  for (const field of fields) {
    const colon = field.indexOf(":", 1);
    list.add(fieldOf(field.slice(0, colon), field.slice(colon + 2)));
  }
  return list;
}
