import type { Entry } from '../schema/entry.ts'
import type { Place, Shape } from '../schema/layout.ts'
import { type Condition, fieldTest, type Relations } from '../schema/match.ts'

/** Which flows are meant by their translation: any, or those with this address or port after it. */
export type NatCondition = true | { readonly address?: Condition<string>; readonly port?: Condition<number> }

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
  sourceNat: (shape, condition) => translation(shape, condition, 'SRC_NAT_DONE', 'source', 'destination'),
  destinationNat: (shape, condition) => translation(shape, condition, 'DST_NAT_DONE', 'destination', 'source'),
  anyNat(shape, condition) {
    const tests = [natRelations.sourceNat, natRelations.destinationNat].map((relation) => relation(shape, condition))
    return (entry) => tests.some((test) => test(entry))
  },
}

type End = 'source' | 'destination'

function translation(shape: Shape, condition: unknown, bit: string, original: End, reply: End): Test {
  const isDone = fieldTest(placesOf(shape, 'status'), { all: [bit] }, 'status')
  const addressDiffers = differs(placesOf(shape, `original.${original}`), placesOf(shape, `reply.${reply}`))
  const portDiffers = differs(placesOf(shape, `original.${original}Port`), placesOf(shape, `reply.${reply}Port`))
  if (condition === true) return (entry) => isDone(entry) && (addressDiffers(entry) || portDiffers(entry))
  const { address, port } = condition as Exclude<NatCondition, true>
  const tests = [isDone]
  if (address !== undefined) tests.push(addressDiffers, fieldTest(placesOf(shape, `reply.${reply}`), address, 'address'))
  if (port !== undefined) tests.push(portDiffers, portTest(placesOf(shape, `reply.${reply}Port`), port))
  return (entry) => tests.every((test) => test(entry))
}

const placesOf = (shape: Shape, path: string): readonly Place[] => shape.fields.get(path)?.places ?? []

const differs =
  (places: readonly Place[], others: readonly Place[]): Test =>
  (entry) =>
    places.some((one, i) => !entry.isSame(one, others[i]))

const portTest = (places: readonly Place[], port: Condition<number>): Test =>
  places.length === 0 ? () => false : fieldTest(places, port, 'port')
