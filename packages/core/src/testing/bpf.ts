/** SKF_AD_OFF + SKF_AD_NLATTR and SKF_AD_OFF + SKF_AD_NLATTR_NEST, as loads have them. */
const NLATTR = (-0x1000 + 12) >>> 0
const NLATTR_NEST = (-0x1000 + 16) >>> 0

/**
 * Runs a classic BPF program as the kernel does: gives how much of the message is wanted, 0 for none.
 *
 * @throws Error for a program that the kernel would not take
 */
export function runProgram(program: Uint8Array, message: Uint8Array): number {
  try {
    return run(program, message)
  } catch (error) {
    // A load from outside of the message ends a program with 0.
    if (error instanceof RangeError) return 0
    throw error
  }
}

function run(program: Uint8Array, message: Uint8Array): number {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  let [a, x] = [0, 0]
  for (let i = 0, steps = 0; i < program.length / 8; i++) {
    if (++steps > 4096) throw new Error('a program without end')
    const k = code.getUint32(i * 8 + 4, true)
    const [ifTrue, ifFalse] = [code.getUint8(i * 8 + 2), code.getUint8(i * 8 + 3)]
    const jump = (holds: boolean): void => {
      i += holds ? ifTrue : ifFalse
    }
    switch (code.getUint16(i * 8, true)) {
      case 0x00: // ld imm
        a = k
        break
      case 0x01: // ldx imm
        x = k
        break
      case 0x20: // ld W abs
        if (k === NLATTR) a = find(view, a, view.byteLength, x)
        else if (k === NLATTR_NEST) a = a === 0 ? 0 : find(view, a + 4, a + view.getUint16(a, true), x)
        else a = view.getUint32(k)
        break
      case 0x30: // ld B abs
        a = view.getUint8(k)
        break
      case 0x40: // ld W ind
        a = view.getUint32(x + k)
        break
      case 0x48: // ld H ind
        a = view.getUint16(x + k)
        break
      case 0x50: // ld B ind
        a = view.getUint8(x + k)
        break
      case 0x54: // and
        a = (a & k) >>> 0
        break
      case 0x05: // ja
        i += k
        break
      case 0x15: // jeq
        jump(a === k)
        break
      case 0x25: // jgt
        jump(a > k)
        break
      case 0x35: // jge
        jump(a >= k)
        break
      case 0x07: // tax
        x = a
        break
      case 0x06: // ret
        return k
      default:
        throw new Error(`unknown code ${code.getUint16(i * 8, true)}`)
    }
  }
  throw new Error('a program without ret')
}

function find(view: DataView, from: number, end: number, type: number): number {
  for (let at = from; at + 4 <= end; ) {
    const length = view.getUint16(at, true)
    if (length < 4 || at + length > end) return 0
    if ((view.getUint16(at + 2, true) & 0x3fff) === type) return at
    at += (length + 3) & ~3
  }
  return 0
}
