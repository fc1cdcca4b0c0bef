import type { Fields } from './codec.ts'

const ADJUSTMENTS = ['originalSequenceAdjustment', 'replySequenceAdjustment'] as const
const NOT_ADJUSTED = { correctionPosition: 0, offsetBefore: 0, offsetAfter: 0 }

/** What a request may set and the kernel only passes on, after a request: SYNPROXY's numbers, and both sequence adjustments or none. */
export function extraOf(before: Fields, given: Fields): Fields {
  const { synproxy = before.synproxy } = given
  return {
    ...Object.fromEntries(
      isAdjusted(before) || isAdjusted(given) ? ADJUSTMENTS.map((field) => [field, given[field] ?? before[field] ?? NOT_ADJUSTED]) : [],
    ),
    ...(synproxy === undefined ? {} : { synproxy }),
  }
}

/** The status bits that such a request brings. */
export function adjusted(given: Fields): readonly string[] {
  return isAdjusted(given) ? ['SEQ_ADJUST'] : []
}

const isAdjusted = (fields: Fields): boolean => ADJUSTMENTS.some((field) => fields[field] !== undefined)
