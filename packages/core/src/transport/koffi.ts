import { createRequire } from 'node:module'

/**
 * The package koffi, by which Node calls C. It is loaded at the first call: whoever opens no socket needs none.
 *
 * @throws Error when it is not installed.
 */
export function koffi(): typeof import('koffi') {
  try {
    return createRequire(import.meta.url)('koffi')
  } catch (cause) {
    throw new Error('the package koffi, which opens netlink sockets under Node, cannot be loaded: npm install koffi', { cause })
  }
}

/** Where koffi is, for a worker. @throws Error when it is not installed */
export function koffiPath(): string {
  return createRequire(import.meta.url).resolve('koffi')
}
