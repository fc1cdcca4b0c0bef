/** The bytes that hexadecimal digits stand for; white space between them is free. */
export function unhex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits.replaceAll(/\s/g, ''), 'hex'))
}

/** Bytes as hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Several pieces as one. */
export function concat(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

/** struct nlattr and its payload, padded to a multiple of 4. */
export function attribute(type: number, ...payload: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const body = concat(...payload)
  const length = body.length + 4
  return concat(
    [length & 255, length >> 8, type & 255, type >> 8],
    body,
    Array.from({ length: -length & 3 }, () => 0),
  )
}

/** The same with NLA_F_NESTED: the payload is attributes. */
export function nested(type: number, ...children: readonly Uint8Array[]): Uint8Array {
  return attribute(type | 0x8000, ...children)
}
