// Goes through the whole table as typed objects, as a program that uses the SDK does.
import { openConntrack } from '@conntrack/core'
import { tcp } from '@conntrack/proto-tcp'

using conntrack = openConntrack({ protocols: [tcp] })
let marks = 0
let count = 0
for (const flow of conntrack.flows.list()) {
  marks += flow.mark ?? 0
  count++
}
console.log(count, marks)
