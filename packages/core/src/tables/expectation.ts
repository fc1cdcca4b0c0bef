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
    /** The connection because of which it is expected: its original direction (CTA_EXPECT_MASTER). */
    master: always(nest(1, 'CTA_EXPECT_MASTER', tupleOf(ports))),
    /** Packets of the connection that is expected (CTA_EXPECT_TUPLE). */
    tuple: always(nest(2, 'CTA_EXPECT_TUPLE', tupleOf(layer4))),
    /** Bits that are set say what of the tuple counts (CTA_EXPECT_MASK). */
    mask: always(nest(3, 'CTA_EXPECT_MASK', tupleOf(layer4))),
    /** The zone of the master (CTA_EXPECT_ZONE); 0 if absent. */
    zone: attribute(7, 'CTA_EXPECT_ZONE', u16),
    /** Seconds until it is not expected any more (CTA_EXPECT_TIMEOUT). */
    timeout: attribute(4, 'CTA_EXPECT_TIMEOUT', u32),
    /** Bits of NF_CT_EXPECT_* (CTA_EXPECT_FLAGS). */
    flags: attribute(8, 'CTA_EXPECT_FLAGS', bits('flags', 4, EXPECTATION_FLAGS)),
    /** The helper's number for what it expects, such as data or voice (CTA_EXPECT_CLASS). */
    class: attribute(9, 'CTA_EXPECT_CLASS', u32),
    /** The helper that expects it: ftp (CTA_EXPECT_HELP_NAME). */
    helper: attribute(6, 'CTA_EXPECT_HELP_NAME', string),
    /** How the connection is translated when it comes (CTA_EXPECT_NAT). */
    nat: nest(10, 'CTA_EXPECT_NAT', {
      /** The direction that is translated: 0 is original, 1 reply. */
      direction: attribute(1, 'CTA_EXPECT_NAT_DIR', u32),
      /** What it is translated to. */
      tuple: nest(2, 'CTA_EXPECT_NAT_TUPLE', tupleOf(layer4)),
    }),
    /** The kernel's function that is called when it comes (CTA_EXPECT_FN). */
    function: attribute(11, 'CTA_EXPECT_FN', string),
    /** The kernel's number of this entry (CTA_EXPECT_ID). */
    id: fromKernel(attribute(5, 'CTA_EXPECT_ID', u32)),
  }
}
