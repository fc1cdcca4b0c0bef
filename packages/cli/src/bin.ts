#!/usr/bin/env node
import { writeSync } from 'node:fs'
import process from 'node:process'
import { PROGRAM } from './name.ts'

/** Whether nothing is wanted but the version, and it could be told: for that, nothing else has to be loaded. */
function isVersionTold([word, ...others]: readonly string[]): boolean {
  if ((word !== '-V' && word !== '--version') || others.length > 0) return false
  try {
    return writeSync(1, `${PROGRAM}\n`) > 0
  } catch {
    return false
  }
}

if (!isVersionTold(process.argv.slice(2))) await import('./start.ts')
