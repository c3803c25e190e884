/** How grave a line of the program's own log is. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Where the program's own log goes: one line per call, without a line break at its end. */
export type Log = (level: LogLevel, message: string) => void;
