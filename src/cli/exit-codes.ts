/** The program's exit codes; 64 and 78 are EX_USAGE and EX_CONFIG of BSD's sysexits.h. */
export const EXIT = { OK: 0, FAILED: 1, USAGE: 64, CONFIG: 78 } as const;
