// Reads the whole table and throws it away: what no program can be faster than. Bun only.
import { NLM_F_DUMP } from '../packages/core/src/transport/message.ts'
import { requests } from '../packages/core/src/transport/request.ts'
import { openSocket } from '../packages/core/src/transport/socket.ts'

const conversations = requests(() => openSocket())
const replies = conversations.ask({ command: 'IPCTNL_MSG_CT_GET', type: 0x0101, flags: NLM_F_DUMP, family: 0 })
let count = 0
while (replies.next()) count++
console.log(count)
