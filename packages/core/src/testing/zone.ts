import type { Fields } from './codec.ts'
import { Refusal } from './refusal.ts'

/** One of a flow's two ways. */
export type Direction = 'original' | 'reply'

/** struct nf_conntrack_zone: a number, and the directions in which it tells flows apart. */
export interface Zone {
  readonly id: number
  readonly of: Direction | 'both'
}

/** What the zone is in one direction: 0 where it does not count (nf_ct_zone_id). */
export function zoneIn({ id, of }: Zone, direction: Direction): number {
  return of === 'both' || of === direction ? id : 0
}

/** The zone of a request: CTA_ZONE, or that of one of its tuples. @throws Refusal EINVAL when there are two */
export function zoneOf(given: Fields): Zone {
  let zone: Zone = { id: (given.zone as number | undefined) ?? 0, of: 'both' }
  for (const direction of ['original', 'reply'] as const) {
    const own = (given[direction] as Fields | undefined)?.zone as number | undefined
    if (own === undefined) continue
    if (zone.id !== 0) throw new Refusal('EINVAL')
    zone = { id: own, of: direction }
  }
  return zone
}
