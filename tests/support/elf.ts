import { closeSync, openSync, readSync } from 'node:fs'

/** What a file says of itself in its ELF header. */
export interface Elf {
  /** `x64` or `arm64`, by e_machine; others by number. */
  readonly processor: string
  /** The loader that it asks for (PT_INTERP), if it is linked dynamically. */
  readonly loader: string | undefined
}

/** EM_X86_64 and EM_AARCH64. */
const PROCESSORS: ReadonlyMap<number, string> = new Map([
  [62, 'x64'],
  [183, 'arm64'],
])
const ET_EXEC = 2
const ET_DYN = 3
const PT_INTERP = 3

/** Reads the header of a program of 64 bits. @throws Error when it is none */
export function elf(file: string): Elf {
  const descriptor = openSync(file, 'r')
  try {
    const head = Buffer.alloc(4096)
    readSync(descriptor, head, 0, head.length, 0)
    const isProgram = head.readUInt32BE(0) === 0x7f454c46 && head[4] === 2 && [ET_EXEC, ET_DYN].includes(head.readUInt16LE(16))
    if (!isProgram) throw new Error(`${file} is no program of 64 bits`)
    const machine = head.readUInt16LE(18)
    const [at, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)]
    const headers = Array.from({ length: count }, (_, i) => head.subarray(at + i * size, at + (i + 1) * size))
    const interpreter = headers.find((header) => header.readUInt32LE(0) === PT_INTERP)
    return { processor: PROCESSORS.get(machine) ?? String(machine), loader: interpreter && textAt(descriptor, interpreter) }
  } finally {
    closeSync(descriptor)
  }
}

function textAt(descriptor: number, header: Buffer): string {
  const text = Buffer.alloc(Number(header.readBigUInt64LE(32)) - 1)
  readSync(descriptor, text, 0, text.length, Number(header.readBigUInt64LE(8)))
  return text.toString()
}
