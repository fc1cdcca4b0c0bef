import { bits, string, u16, u32 } from '../schema/kinds.ts'
import { always, attribute, fromKernel, nest, type Table } from '../schema/table.ts'
import { ports, tupleOf } from './tuple.ts'

/** NF_CT_EXPECT_PERMANENT, NF_CT_EXPECT_INACTIVE, NF_CT_EXPECT_USERSPACE. */
const EXPECTATION_FLAGS = ['PERMANENT', 'INACTIVE', 'USERSPACE'] as const

/**
 * enum ctattr_expect: a connection that a helper expects because of a master connection. `layer4` is the protocol's part of the
 * tuples; in `mask`, set bits say what of `tuple` counts. `timeout` is seconds from now. The master may be of another protocol, as with
 * PPTP, where a connection of TCP tells of GRE: the kernel's helpers are all for protocols with ports.
 */
export function expectationTable<L4 extends Table>(layer4: L4) {
  return {
    master: always(nest(1, 'CTA_EXPECT_MASTER', tupleOf(ports))),
    tuple: always(nest(2, 'CTA_EXPECT_TUPLE', tupleOf(layer4))),
    mask: always(nest(3, 'CTA_EXPECT_MASK', tupleOf(layer4))),
    zone: attribute(7, 'CTA_EXPECT_ZONE', u16),
    timeout: attribute(4, 'CTA_EXPECT_TIMEOUT', u32),
    flags: attribute(8, 'CTA_EXPECT_FLAGS', bits('flags', 4, EXPECTATION_FLAGS)),
    class: attribute(9, 'CTA_EXPECT_CLASS', u32),
    helper: attribute(6, 'CTA_EXPECT_HELP_NAME', string),
    nat: nest(10, 'CTA_EXPECT_NAT', {
      direction: attribute(1, 'CTA_EXPECT_NAT_DIR', u32),
      tuple: nest(2, 'CTA_EXPECT_NAT_TUPLE', tupleOf(layer4)),
    }),
    function: attribute(11, 'CTA_EXPECT_FN', string),
    id: fromKernel(attribute(5, 'CTA_EXPECT_ID', u32)),
  }
}
