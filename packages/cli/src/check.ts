import type { CommandName, TableName } from './commands.ts'
import { Failure, UsageError } from './failure.ts'
import { type CliOption, useOf } from './options.ts'

/**
 * Whether a command may have these options and has all it needs.
 * @throws UsageError that names the first option that is wrong or missing, in the order of `options`
 */
export function check(command: CommandName, table: TableName, options: readonly CliOption[], given: ReadonlySet<CliOption>): void {
  for (const option of options) {
    const use = useOf(option, command, table)
    if (use === 'required' && !given.has(option))
      throw new UsageError(`You need to supply the \`--${option.names[0]}' option for this command`)
    if (use === undefined && given.has(option)) throw new UsageError(`Illegal option \`--${option.names[0]}' with this command`)
  }
  const isNarrowed = [...given].some((option) => useOf(option, command, table) === 'condition' && option.names[0] !== 'family')
  if (isNarrowed && [...given].some(({ names }) => names[0] === 'zero'))
    throw new UsageError("Can't use -z with filtering parameters: the kernel would zero the counters of entries that are not shown")
  const isGiven = (name: string): boolean => [...given].some(({ names }) => names[0] === name)
  if (isGiven('any-nat') && (isGiven('src-nat') || isGiven('dst-nat')))
    throw new UsageError("cannot specify `--src-nat' or `--dst-nat' with `--any-nat'")
  if (isGiven('label-add') && isGiven('label-del')) throw new Failure('cannot use --label-add and --label-del at the same time')
  // A protocol's pairs are told by its own options, so that one direction of addresses does not stand for one of ports.
  const pairs = options.filter((option) => useOf(option, command, table) === 'pair')
  checkPairs(pairs.filter(isOfTheNetwork), given)
  checkPairs(
    pairs.filter((option) => !isOfTheNetwork(option)),
    given,
  )
}

const isOfTheNetwork = ({ sets }: CliOption): boolean => /\.(source|destination)$/.test(sets ?? '')

/** Of options that come in pairs, a source and a destination for each direction, at least one direction must be whole. */
function checkPairs(options: readonly CliOption[], given: ReadonlySet<CliOption>): void {
  if (options.length === 0) return
  const directions = ['original.', 'reply.'].map((side) => options.filter(({ sets }) => sets?.startsWith(side)))
  const isTorn = (pair: readonly CliOption[]): boolean =>
    !pair.every((option) => given.has(option)) && pair.some((option) => given.has(option))
  // What a packet is translated to stands for the same side of the reply direction.
  const isTranslated = [...given].some(({ sets = '' }) => sets.endsWith('Nat'))
  const missing =
    (isTranslated ? directions.slice(0, 1) : directions).find(isTorn) ??
    (options.some((option) => given.has(option)) ? undefined : directions[0])
  if (missing !== undefined) throw new UsageError(`you have to specify ${missing.map(({ names }) => `\`--${names[0]}'`).join(' and ')}`)
}
