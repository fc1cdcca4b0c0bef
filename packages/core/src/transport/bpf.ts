// linux/bpf_common.h and linux/filter.h: classic BPF.

const BPF_LD = 0x00
const BPF_LDX = 0x01
const BPF_ALU = 0x04
const BPF_JMP = 0x05
const BPF_RET = 0x06
const BPF_MISC = 0x07
const BPF_ABS = 0x20
const BPF_IND = 0x40
const BPF_AND = 0x50
const BPF_JA = 0x00
const BPF_TAX = 0x00
const SIZES = { 1: 0x10, 2: 0x08, 4: 0x00 } as const
const CONDITIONS = { equal: 0x10, above: 0x20, atLeast: 0x30 } as const

/** SKF_AD_OFF + SKF_AD_NLATTR: with an offset in A and a type in X, where the attribute of that type is from there on, or 0. */
const NLATTR = -0x1000 + 12
/** SKF_AD_OFF + SKF_AD_NLATTR_NEST: the same inside the attribute that is at A. */
const NLATTR_NEST = -0x1000 + 16

/** Bytes of a struct sock_filter: u16 code, u8 if true, u8 if false, u32 k. */
const INSTRUCTION = 8

interface Instruction {
  readonly code: number
  readonly k: number
  readonly ifTrue?: number
  readonly ifFalse?: number
  /** Where a jump goes, in place of `k`. */
  readonly target?: Label
}

/** A place in a program that is jumped to, further on. */
export interface Label {
  at: number
}

/**
 * A classic BPF program under construction, for messages of netlink. There are two registers: A, which is computed with, and X. Numbers
 * of a message are read in network order. Jumps go forward only.
 */
export class BpfProgram {
  readonly #instructions: Instruction[] = []

  /** How many instructions there are. */
  get length(): number {
    return this.#instructions.length
  }

  /** A label that is not placed yet. */
  label(): Label {
    return { at: -1 }
  }

  /** Places a label here. */
  place(label: Label): void {
    label.at = this.#instructions.length
  }

  /** A = where the attribute of a type is, from byte `offset` of the message on; 0 for none. */
  findAttribute(offset: number, type: number): void {
    this.#add(BPF_LD, offset)
    this.#add(BPF_LDX, type)
    this.#add(BPF_LD | BPF_ABS, NLATTR >>> 0)
  }

  /** A = where the attribute of a type is inside the one that is at A; 0 for none. */
  findNested(type: number): void {
    this.#add(BPF_LDX, type)
    this.#add(BPF_LD | BPF_ABS, NLATTR_NEST >>> 0)
  }

  /** X = A. */
  keep(): void {
    this.#add(BPF_MISC | BPF_TAX, 0)
  }

  /** A = the number of 1, 2 or 4 bytes at byte `offset` of the message. */
  load(offset: number, size: 1 | 2 | 4): void {
    this.#add(BPF_LD | BPF_ABS | SIZES[size], offset)
  }

  /** A = the number of 1, 2 or 4 bytes that is `offset` after X. */
  loadFromX(offset: number, size: 1 | 2 | 4): void {
    this.#add(BPF_LD | BPF_IND | SIZES[size], offset)
  }

  /** A = A & mask. */
  and(mask: number): void {
    this.#add(BPF_ALU | BPF_AND, mask)
  }

  /** Jumps if A is equal to, above or at least a number. */
  jumpIf(condition: keyof typeof CONDITIONS, k: number, target: Label): void {
    this.#instructions.push({ code: BPF_JMP | CONDITIONS[condition], k, ifTrue: 0, ifFalse: 1 })
    this.jump(target)
  }

  /** Jumps unless A is equal to, above or at least a number. */
  jumpUnless(condition: keyof typeof CONDITIONS, k: number, target: Label): void {
    this.#instructions.push({ code: BPF_JMP | CONDITIONS[condition], k, ifTrue: 1, ifFalse: 0 })
    this.jump(target)
  }

  /** Jumps. The distance of this alone has 32 bits, so that conditional jumps skip one of these. */
  jump(target: Label): void {
    this.#instructions.push({ code: BPF_JMP | BPF_JA, k: 0, target })
  }

  /** Ends: the message is queued, or dropped. */
  end(isWanted: boolean): void {
    this.#add(BPF_RET, isWanted ? 0xffffffff : 0)
  }

  /** The program as an array of struct sock_filter. */
  encode(): Uint8Array {
    const bytes = new Uint8Array(this.#instructions.length * INSTRUCTION)
    const view = new DataView(bytes.buffer)
    for (const [i, { code, k, ifTrue = 0, ifFalse = 0, target }] of this.#instructions.entries()) {
      view.setUint16(i * INSTRUCTION, code, true)
      view.setUint8(i * INSTRUCTION + 2, ifTrue)
      view.setUint8(i * INSTRUCTION + 3, ifFalse)
      view.setUint32(i * INSTRUCTION + 4, target === undefined ? k : target.at - i - 1, true)
    }
    return bytes
  }

  #add(code: number, k: number): void {
    this.#instructions.push({ code, k })
  }
}
