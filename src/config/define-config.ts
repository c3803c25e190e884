import type { AlgorithmConfig, Config, FilterConfig, PoolConfig, ServerConfig } from "./schema.ts";

/** A number with a unit, such as "250ms", "5s", "30m", "64KiB" or "10MB". */
export type Quantity =
  `${number}${"ms" | "s" | "m" | "h" | "d" | "B" | "kB" | "KB" | "MB" | "GB" | "KiB" | "MiB" | "GiB"}`;

/** An algorithm's name, or its name with a hash key and its own settings beside it. */
export type AlgorithmInput =
  string | { readonly name: string; readonly key?: string; readonly [setting: string]: unknown };

/** A filter's name, or an object with the name as its only key and the settings as the value. */
export type FilterInput = string | FilterConfig | { readonly [name: string]: unknown };

/** What one may write for a normalised value of type T: defaults left out, short forms used. */
type Input<T> = T extends AlgorithmConfig
  ? AlgorithmInput
  : T extends ServerConfig
    ? string | (InputObject<T> & Pick<ServerConfig, "address">)
    : T extends FilterConfig
      ? FilterInput
      : T extends readonly string[]
        ? string | readonly string[]
        : T extends readonly (infer Item)[]
          ? readonly Input<Item>[]
          : T extends number
            ? T | Quantity
            : T extends object
              ? InputObject<T>
              : T;

type InputObject<T> = { readonly [Key in keyof T]?: Input<T[Key]> | undefined };

/** A pool as people write it. */
export type PoolInput = Input<PoolConfig>;

/** The configuration as people write it in TypeScript: what YAML allows, typed. See docs/configuration.md. */
export type ConfigInput = Omit<InputObject<Config>, "workers" | "admin"> & {
  readonly workers?: number | "auto";
  readonly admin?: Input<Exclude<Config["admin"], false>> | false | "off";
};

/** What a configuration file in TypeScript or JavaScript may export as its default. */
export type ConfigExport = ConfigInput | (() => ConfigInput | Promise<ConfigInput>);

/** Returns its argument: gives a configuration file in TypeScript its types. Export the result as the default. */
export function defineConfig<Export extends ConfigExport>(config: Export): Export {
  return config;
}
