import { expectationMessages } from '../tables/messages.ts'
import type { Protocol } from '../tables/protocol.ts'
import { NLM_F_CREATE, NLM_F_EXCL } from '../transport/message.ts'
import { nanoseconds } from './clock.ts'
import type { Fields } from './codec.ts'
import { tellOfExpectation } from './events.ts'
import { expectationFields, type KernelExpectation } from './expectation-table.ts'
import { Refusal } from './refusal.ts'
import { type Answer, familyName, familyNumber, type KernelRequest } from './request.ts'
import { tupleIn } from './tuple.ts'
import type { World } from './world.ts'
import { zoneOf } from './zone.ts'

/** Seconds that what a helper expects is waited for: nf_conntrack_expect_policy.timeout of ftp and most others. */
const PATIENCE = 300

/** IPCTNL_MSG_EXP_NEW: makes an expectation, or gives the one that is there another timeout. */
export function newExpectation(world: World, { body, family, flags, portId }: KernelRequest): void {
  const { protocol, fields } = world.expectationCodec.read(body)
  const { tuple, mask, master, timeout } = fields
  if (tuple === undefined || mask === undefined || master === undefined) throw new Refusal('EINVAL')
  const known = world.expectations.find(tuple as Fields, zoneNumber(fields))
  if (known === undefined) {
    if ((flags & NLM_F_CREATE) === 0) throw new Refusal('ENOENT')
    tellOfExpectation(world, 'new', create(world, protocol, fields, family), portId)
    return
  }
  if (flags & NLM_F_EXCL) throw new Refusal('EEXIST')
  if (timeout !== undefined) known.expires = world.clock.now + nanoseconds(timeout as number)
}

/** The timeout that a request gives counts for nothing at first: a helper has its own. */
function create(world: World, protocol: Protocol, fields: Fields, family: number): KernelExpectation {
  const { expectations, flows, settings, clock } = world
  const { zone: _, ...masterTuple } = fields.master as Fields
  const master = flows.find(masterTuple, zoneOf({ zone: fields.zone }))
  if (master === undefined) throw new Refusal('ENOENT')
  const helper = settings.helpers.find(({ name }) => name === master.helper)
  if (helper === undefined) throw new Refusal('EOPNOTSUPP')
  if (((fields.class as number | undefined) ?? 0) !== 0) throw new Refusal('EINVAL')
  const expectation: KernelExpectation = {
    protocol,
    id: world.newId(),
    master,
    tuple: tupleIn(fields.tuple, familyName(family), protocol),
    mask: maskOf(fields.mask as Fields, fields.tuple as Fields),
    // USERSPACE is for helpers outside the kernel alone.
    flags: ((fields.flags ?? []) as readonly string[]).filter((flag) => flag !== 'USERSPACE'),
    class: 0,
    nat: natOf(fields.nat as Fields | undefined),
    function: fields.function as string | undefined,
    expires: clock.now + nanoseconds(PATIENCE),
  }
  if (expectations.clashes(expectation)) throw new Refusal('EBUSY')
  expectations.insert(expectation, helper.expects)
  return expectation
}

/** The mask as the kernel keeps it: all but the source is whole. */
function maskOf(given: Fields, { protocolNumber, source }: Fields): Fields {
  const all = (source as string).includes(':') ? 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' : '255.255.255.255'
  return Object.fromEntries(
    Object.keys(given).map((field) => {
      if (field === 'protocolNumber') return [field, protocolNumber]
      if (field.startsWith('source')) return [field, given[field]]
      return [field, field === 'destination' ? all : 0xffff]
    }),
  )
}

/** How what is expected is to be translated: of the tuple, the source alone. */
function natOf(given: Fields | undefined): Fields | undefined {
  const { tuple } = (given ?? {}) as { readonly tuple?: Fields }
  if (given === undefined || tuple === undefined) return given
  const blank = ([field, value]: [string, unknown]): [string, unknown] => {
    if (!field.startsWith('destination')) return [field, value]
    return [field, typeof value === 'string' ? (value.includes(':') ? '::' : '0.0.0.0') : 0]
  }
  return { ...given, tuple: Object.fromEntries(Object.entries(tuple).map(blank)) }
}

/** IPCTNL_MSG_EXP_GET of one: by its tuple, or else that of its master. */
export function getExpectation(world: World, { body }: KernelRequest): Answer[] {
  const { fields } = world.expectationCodec.read(body)
  return [told(world, find(world, fields))]
}

/** IPCTNL_MSG_EXP_GET of all, or of those of one master. */
export function* dumpExpectations(world: World, { body, family }: KernelRequest): Generator<Answer> {
  const { fields } = world.expectationCodec.read(body)
  const name = familyName(family)
  const master = fields.master === undefined ? undefined : world.flows.find(fields.master as Fields, zoneOf({ zone: fields.zone }))
  if (fields.master !== undefined && master === undefined) throw new Refusal('ENOENT')
  for (const one of world.expectations) {
    if (!world.expectations.has(one) || (name !== undefined && one.master.family !== name)) continue
    if (master === undefined || one.master === master) yield told(world, one)
  }
}

/** IPCTNL_MSG_EXP_DELETE: the one with a tuple, all of a helper, or all. */
export function deleteExpectation(world: World, { body, portId }: KernelRequest): void {
  const { expectations } = world
  const { fields } = world.expectationCodec.read(body)
  if (fields.tuple !== undefined) {
    expectations.remove(find(world, fields), portId)
    return
  }
  for (const one of expectations) if (fields.helper === undefined || one.master.helper === fields.helper) expectations.remove(one, portId)
}

function find({ expectations }: World, fields: Fields): KernelExpectation {
  const tuple = (fields.tuple ?? fields.master) as Fields | undefined
  if (tuple === undefined) throw new Refusal('EINVAL')
  const found = expectations.find(tuple, zoneNumber(fields))
  if (found === undefined || (fields.id !== undefined && fields.id !== found.id)) throw new Refusal('ENOENT')
  return found
}

const zoneNumber = ({ zone }: Fields): number => (zone as number | undefined) ?? 0

function told({ clock, expectationCodec }: World, expectation: KernelExpectation): Answer {
  const body = expectationCodec.write(expectation.protocol, expectationFields(expectation, clock))
  return { type: expectationMessages.new.type, family: familyNumber(expectation.master.family), body }
}
