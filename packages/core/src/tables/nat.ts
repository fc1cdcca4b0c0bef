import type { Entry } from '../schema/entry.ts'
import type { Place, Shape } from '../schema/layout.ts'
import { type Condition, fieldTest, type Relations } from '../schema/match.ts'

/** Which flows are meant by their translation: any, those with this address or port after it, or all others but those. */
export type NatCondition =
  | true
  | { readonly address?: Condition<string>; readonly port?: Condition<number> }
  | { readonly not: NatCondition }

/** Conditions on how a flow is translated, as its two directions tell. */
export interface NatConditions {
  /** Source address or port. */
  readonly sourceNat?: NatCondition
  /** Destination address or port. */
  readonly destinationNat?: NatCondition
  /** Either. */
  readonly anyNat?: NatCondition
}

type Test = (entry: Entry) => boolean

/**
 * The kernel does not tell of a translation but by its work: a status bit, and a reply direction that is not the opposite of the
 * original one.
 */
export const natRelations: Relations = {
  sourceNat: relation('sourceNat', sourceNat),
  destinationNat: relation('destinationNat', destinationNat),
  anyNat: relation('anyNat', (shape, wanted) => {
    const tests = [sourceNat(shape, wanted), destinationNat(shape, wanted)]
    return (entry) => tests.some((test) => test(entry))
  }),
}

/** A relation that takes its condition under `not` too. */
function relation(name: string, holds: (shape: Shape, wanted: Wanted) => Test): Relations[string] {
  const of = (shape: Shape, condition: unknown): Test => {
    if (typeof condition !== 'object' || condition === null || !('not' in condition)) return holds(shape, wantedOf(name, condition))
    const test = of(shape, condition.not)
    return (entry) => !test(entry)
  }
  return of
}

/** A checked condition: none of address and port is any translation. */
interface Wanted {
  readonly name: string
  readonly address?: Condition<string>
  readonly port?: Condition<number>
}

function wantedOf(name: string, condition: unknown): Wanted {
  if (condition === true) return { name }
  const { address, port, ...others } = Object(condition) as Record<string, unknown>
  const [stranger] = Object.keys(others)
  if (stranger !== undefined) throw new RangeError(`unknown field '${name}.${stranger}'`)
  if (typeof condition !== 'object' || condition === null || Array.isArray(condition))
    throw new RangeError(`${name}: expected true, an object of address and port, or not one of those`)
  return { name, address: address as Condition<string>, port: port as Condition<number> }
}

type End = 'source' | 'destination'

function sourceNat(shape: Shape, wanted: Wanted): Test {
  return translation(shape, wanted, 'SRC_NAT_DONE', 'source', 'destination')
}

function destinationNat(shape: Shape, wanted: Wanted): Test {
  return translation(shape, wanted, 'DST_NAT_DONE', 'destination', 'source')
}

function translation(shape: Shape, { name, address, port }: Wanted, bit: string, original: End, reply: End): Test {
  const isDone = fieldTest(placesOf(shape, 'status'), { all: [bit] }, 'status')
  const addressDiffers = differs(placesOf(shape, `original.${original}`), placesOf(shape, `reply.${reply}`))
  const portDiffers = differs(placesOf(shape, `original.${original}Port`), placesOf(shape, `reply.${reply}Port`))
  if (address === undefined && port === undefined) return (entry) => isDone(entry) && (addressDiffers(entry) || portDiffers(entry))
  const tests = [isDone]
  if (address !== undefined) tests.push(addressDiffers, fieldTest(placesOf(shape, `reply.${reply}`), address, `${name}.address`))
  if (port !== undefined) tests.push(portDiffers, portTest(placesOf(shape, `reply.${reply}Port`), port, `${name}.port`))
  return (entry) => tests.every((test) => test(entry))
}

const placesOf = (shape: Shape, path: string): readonly Place[] => shape.fields.get(path)?.places ?? []

const differs =
  (places: readonly Place[], others: readonly Place[]): Test =>
  (entry) =>
    places.some((one, i) => !entry.isSame(one, others[i]))

const portTest = (places: readonly Place[], port: Condition<number>, path: string): Test =>
  places.length === 0 ? () => false : fieldTest(places, port, path)
