/** The version of this package, written by scripts/version.mjs: a JSON import would make Node 20 warn. */
export const VERSION = '0.0.0'
