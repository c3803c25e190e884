import type { Config } from "./schema.ts";

/** A configuration of which parts may be missing, because they were not allowed. */
export type LooseConfig = Loose<Config>;

type Loose<T> = T extends readonly (infer Item)[]
  ? readonly (Loose<Item> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: Loose<T[Key]> | undefined }
    : T;
