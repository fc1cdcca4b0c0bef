import { constants } from 'node:os'
import t from 'tap'
import { DumpInterruptedError, errnoName, errnoText, MalformedMessageError, NetlinkError } from '../src/errors.ts'

t.test('a NetlinkError says what was refused, by its name, in words, and why', (t) => {
  const cause = new Error('cause')
  const error = new NetlinkError('IPCTNL_MSG_CT_GET', 22, { detail: 'Filter is invalid', offset: 24, cause })
  t.equal(error.message, 'IPCTNL_MSG_CT_GET: EINVAL: Invalid argument (Filter is invalid)')
  t.equal(String(error), 'NetlinkError: IPCTNL_MSG_CT_GET: EINVAL: Invalid argument (Filter is invalid)')
  t.match(error, { code: 'EINVAL', errno: 22, command: 'IPCTNL_MSG_CT_GET', detail: 'Filter is invalid', offset: 24, cause })
  t.ok(error instanceof Error)
  t.equal(new NetlinkError('bind', 1).message, 'bind: EPERM: Operation not permitted')
  t.notOk('cause' in new NetlinkError('bind', 1))
  t.end()
})

t.test('the other errors have their names', (t) => {
  t.match(new MalformedMessageError('a message', 3), { name: 'MalformedMessageError', message: 'a message at byte 3', offset: 3 })
  t.match(new DumpInterruptedError(), { name: 'DumpInterruptedError', message: /changed while it was listed/ })
  t.end()
})

t.test('every errno that the system names has that name here', (t) => {
  const synonyms = new Set(['EWOULDBLOCK', 'ENOTSUP']) // of EAGAIN and EOPNOTSUPP
  const named = Object.entries(constants.errno).filter(([name]) => !synonyms.has(name))
  t.ok(named.length > 70)
  for (const [name, number] of named) t.equal(errnoName(number), name)
  t.end()
})

t.test('errno 1 to 133 have a name and a text, but the two that were never given out', (t) => {
  for (let number = 1; number <= 133; number++) {
    if (number === 41 || number === 58) continue
    t.match(errnoName(number), /^E[A-Z0-9]*[A-Z][A-Z0-9]*$/)
    t.notMatch(errnoText(number), /Unknown/)
  }
  t.equal(errnoText(2), 'No such file or directory')
  t.equal(errnoName(524), 'ENOTSUPP')
  for (const number of [0, 41, 58, 134, 513]) {
    t.equal(errnoName(number), `E${number}`)
    t.equal(errnoText(number), `Unknown error ${number}`)
  }
  t.end()
})
