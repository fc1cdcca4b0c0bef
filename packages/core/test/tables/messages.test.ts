import t from 'tap'
import { expectationMessages, flowMessages } from '../../src/tables/messages.ts'
import { readHeader, skipHeaders as skip } from '../kernel-headers.ts'

t.test("messages have the kernel's names and numbers", { skip }, (t) => {
  const { enums } = readHeader('nfnetlink_conntrack.h')
  const subsystems = readHeader('nfnetlink.h').defines
  for (const [messages, subsystem, enumeration] of [
    [flowMessages, 'NFNL_SUBSYS_CTNETLINK', 'cntl_msg_types'],
    [expectationMessages, 'NFNL_SUBSYS_CTNETLINK_EXP', 'ctnl_exp_msg_types'],
  ] as const) {
    const header = enums.get(enumeration)
    const ours = Object.fromEntries(Object.values(messages).map(({ type, command }) => [command, type]))
    const theirs = [...(header ?? [])].filter(([name]) => !name.endsWith('_MAX'))
    t.ok(theirs.length > 3)
    t.strictSame(ours, Object.fromEntries(theirs.map(([name, number]) => [name, ((subsystems.get(subsystem) ?? 0) << 8) | number])))
  }
  t.end()
})
