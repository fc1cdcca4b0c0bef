/**
 * GRE, as PPTP uses it.
 * @module @conntrack/proto-gre
 */
import { keys, pairOptions, protocol, type Protocol } from '@conntrack/core/plugin'

/** The type of {@link gre}: `Flow<Gre>` is a flow of GRE. */
export interface Gre extends Protocol<'gre', typeof keys, Record<never, never>> {}

/** IPPROTO_GRE. The keys are the call ids of PPTP's enhanced GRE (version 1), and 0 otherwise. */
export const gre: Gre = protocol({
  name: 'gre',
  number: 47,
  tuple: keys,
  labels: { sourceKey: 'srckey', destinationKey: 'dstkey' },
  protoinfo: {},
  options: pairOptions('key', { field: 'sourceKey', label: 'srckey' }, { field: 'destinationKey', label: 'dstkey' }),
  opposite: ({ sourceKey, destinationKey }) => ({ sourceKey: destinationKey, destinationKey: sourceKey }),
})
