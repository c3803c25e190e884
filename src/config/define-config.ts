import type { DiscoveryConfig, HealthCheckConfig, SlowStartConfig } from "./pool-parts-schema.ts";
import type { AlgorithmConfig, Config, FilterConfig, PoolConfig, ServerConfig } from "./schema.ts";

/** A number with a unit, such as "250ms", "5s", "30m", "64KiB", "10MB" or "20%". */
export type Quantity =
  `${number}${"ms" | "s" | "m" | "h" | "d" | "B" | "kB" | "KB" | "MB" | "GB" | "KiB" | "MiB" | "GiB" | "%"}`;

/** An algorithm's name, or its name with a hash key and its own settings beside it. */
export type AlgorithmInput =
  string | { readonly name: string; readonly key?: string; readonly [setting: string]: unknown };

/** A filter's name, or an object with the name as its only key and the settings as the value. */
export type FilterInput = string | FilterConfig | { readonly [name: string]: unknown };

/** A health check: its type, or an object with the type, its settings and what every check has. */
export type HealthCheckInput =
  | string
  | ({ readonly type: string; readonly [setting: string]: unknown } & InputObject<
      Omit<HealthCheckConfig, "type" | "settings">
    >);

/** A source of servers: its type, and its settings beside it. */
export interface DiscoveryInput {
  readonly type: string;
  readonly [setting: string]: unknown;
}

/** What one may write for a normalised value of type T: defaults left out, short forms used. */
type Input<T> = [T] extends [boolean | undefined]
  ? T
  : T extends readonly HealthCheckConfig[]
    ? HealthCheckInput | readonly HealthCheckInput[] | false | "off"
    : InputOne<T>;

type InputOne<T> = T extends false
  ? false | "off"
  : T extends AlgorithmConfig
    ? AlgorithmInput
    : T extends SlowStartConfig
      ? number | Quantity | InputObject<T>
      : T extends DiscoveryConfig
        ? DiscoveryInput
        : T extends ServerConfig
          ? string | (InputObject<T> & Pick<ServerConfig, "address">)
          : T extends FilterConfig
            ? FilterInput
            : InputPlain<T>;

type InputPlain<T> = T extends readonly string[]
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
export type ConfigInput = Omit<InputObject<Config>, "workers"> & {
  readonly workers?: number | "auto";
};

/** What a configuration file in TypeScript or JavaScript may export as its default. */
export type ConfigExport = ConfigInput | (() => ConfigInput | Promise<ConfigInput>);

/** Returns its argument: gives a configuration file in TypeScript its types. Export the result as the default. */
export function defineConfig<Export extends ConfigExport>(config: Export): Export {
  return config;
}
