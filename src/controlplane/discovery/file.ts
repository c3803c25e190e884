import { resolve } from "node:path";
import { Type, type Static } from "typebox";
import { fileReason } from "../../config/file-error.ts";
import { readLimited } from "../../config/limited-file.ts";
import { Flag } from "../../config/fields.ts";
import type {
  DiscoveryDefinition,
  DiscoveryDeps,
  DiscoveryListener,
  DiscoveryWatch,
} from "../../core/discovery/discovery.ts";
import { FileWatcher } from "../file-watcher.ts";
import { MAX_FILE_SIZE } from "./limits.ts";
import { readServerList } from "./server-list.ts";

const FileSchema = Type.Object({
  path: Type.String({
    minLength: 1,
    description: "YAML or JSON file with a list of servers as under `servers`; relative to the configuration",
  }),
  allowMetadata: Flag(false, "take addresses of cloud metadata services such as 169.254.169.254 as well"),
});
type FileSettings = Static<typeof FileSchema>;

/** Servers from a file that something else writes; read again when it changes. */
export const file: DiscoveryDefinition<FileSettings> = {
  kind: "discovery",
  name: "file",
  summary: "Servers from a YAML or JSON file of its own, which is read again when it changes.",
  schema: FileSchema,
  watch: (settings, listener, deps) => new ServerFile(resolve(deps.baseDir, settings.path), listener, deps),
};

class ServerFile implements DiscoveryWatch {
  readonly #path: string;
  readonly #listener: DiscoveryListener;
  readonly #watcher: FileWatcher;
  #open = true;
  /** Grows with each reading: a slow one that was overtaken says nothing. */
  #reading = 0;

  constructor(path: string, listener: DiscoveryListener, deps: DiscoveryDeps) {
    this.#path = path;
    this.#listener = listener;
    this.#watcher = new FileWatcher(path, () => void this.#read(), deps.log);
    void this.#read();
  }

  refresh(): void {
    void this.#read();
  }

  close(): void {
    this.#open = false;
    this.#watcher.close();
  }

  async #read(): Promise<void> {
    const reading = ++this.#reading;
    let tell: () => void;
    try {
      const { data } = await readLimited(this.#path, MAX_FILE_SIZE);
      const list = readServerList(data.toString("utf8"), this.#path);
      tell = "servers" in list ? () => this.#listener.servers(list.servers) : () => this.#listener.failed(list.reason);
    } catch (error) {
      tell = () => this.#listener.failed(`${this.#path} cannot be read: ${fileReason(error)}`);
    }
    if (this.#open && reading === this.#reading) tell();
  }
}
