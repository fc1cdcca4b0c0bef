import { type Option, TUPLE_USE } from '@conntrack/core/plugin'

/** What both ICMPs have in place of ports. */
export interface Echo {
  readonly type?: number
  readonly code?: number
  readonly id?: number
}

/** The words for it in a line. */
export const echoLabels = { type: 'type', code: 'code', id: 'id' }

/** Type and code must be known of a flow that is asked for or made, the id need not. */
const REQUIRED_USE = { ...TUPLE_USE, get: 'required', create: 'required', add: 'required' } as const
/** No helper of the kernel expects any, but another program may have told it to. */
const LISTED_USE = { list: 'condition', event: 'condition' } as const
const ID_USE = { ...TUPLE_USE, get: 'value', create: 'value', add: 'value' } as const

/** `--icmp-type` and the others, under the protocol's own name. */
export function echoOptions(name: string): Option<'original.type' | 'original.code' | 'original.id'>[] {
  return [
    { names: [`${name}-type`], argument: 'TYPE', help: `${name} type`, sets: 'original.type', use: REQUIRED_USE, expectation: LISTED_USE },
    { names: [`${name}-code`], argument: 'CODE', help: `${name} code`, sets: 'original.code', use: REQUIRED_USE, expectation: LISTED_USE },
    { names: [`${name}-id`], argument: 'ID', help: `${name} id`, sets: 'original.id', use: ID_USE, expectation: LISTED_USE },
  ]
}

/** The tuple of the answer. `pairs` are types of query and reply; another type stays, and the kernel refuses to track it. */
export function opposite(tuple: Echo, pairs: readonly (readonly [query: number, reply: number])[]): Echo {
  const pair = pairs.find((types) => types.includes(tuple.type ?? -1))
  if (pair === undefined) return tuple
  const [query, reply] = pair
  return { ...tuple, type: tuple.type === query ? reply : query }
}
