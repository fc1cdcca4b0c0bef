#!/usr/bin/env node
import process from 'node:process'
import { createCli, screenOf, standardIo } from './index.ts'
import { installed } from './installed.ts'

process.exitCode = await createCli(installed)(
  process.argv.slice(2),
  standardIo(() => screenOf(process.stdout, process.env), process.stderr.isTTY),
)
