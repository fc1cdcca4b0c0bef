import { Batch, type BatchObserver } from './batch.ts'
import { Connection } from './connection.ts'
import { Conversation } from './conversation.ts'
import type { NetlinkSocket } from './socket.ts'

/** What is asked of the kernel: one message of nfnetlink. */
export interface Request {
  /** The kernel's name of the message, for errors: `'IPCTNL_MSG_CT_GET'`. */
  readonly command: string
  /** Subsystem << 8 | message: NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET is 0x0101. */
  readonly type: number
  /** Flags besides NLM_F_REQUEST and NLM_F_ACK, which are added: NLM_F_DUMP, or NLM_F_CREATE | NLM_F_EXCL. */
  readonly flags: number
  /** nfgen_family: AF_INET, AF_INET6 or 0 for any. */
  readonly family: number
  /** nfgenmsg's version: 0 if absent. */
  readonly version?: number
  /** res_id: 0 if absent. */
  readonly resource?: number
  /** The attributes, padded to a multiple of 4; none if absent. */
  readonly body?: Uint8Array
}

/**
 * A cursor over the messages that answer one request; `next()` moves it to the first and on.
 *
 * All it shows is a view into a buffer that the next call of `next()` may overwrite: copy what is to last.
 */
export interface Replies {
  /** The datagram. */
  readonly bytes: Uint8Array
  /** The first byte after nlmsghdr and nfgenmsg, where the attributes start. */
  readonly at: number
  /** The end of this message, never past the end of the datagram. */
  readonly end: number
  /** Subsystem << 8 | message. */
  readonly type: number
  /** nlmsg_flags. */
  readonly flags: number
  /** nfgen_family: AF_INET or AF_INET6. */
  readonly family: number
  /** nfgenmsg's version. */
  readonly version: number
  /** res_id, as a number: the CPU in statistics. */
  readonly resource: number
  /** nlmsg_pid: the port id of the socket that asked. */
  readonly portId: number
  /** Whether the table changed while it was dumped, so that entries may be missing or come twice (NLM_F_DUMP_INTR). Final at the end. */
  readonly interrupted: boolean
  /**
   * Moves on to the next message. False at the end, and from then on.
   *
   * @throws NetlinkError when the kernel refuses the request, or says so in the middle (ENOBUFS: messages were lost).
   * @throws MalformedMessageError when a message's length cannot be.
   */
  next(): boolean
  /** Ends the conversation early. A second time, or after the end, it does nothing. */
  close(): void
}

export type { Batch, BatchObserver } from './batch.ts'

/** The conversations with the kernel. Any number can be open at once. */
export interface Requests {
  /**
   * Sends a request. Its answers come as the cursor moves, and the kernel's verdict on it is known only at their end:
   * a request that gives nothing needs one `next()` too.
   *
   * @throws NetlinkError when it cannot be sent.
   */
  ask(request: Request): Replies
  /** Begins a batch: requests whose answers are not awaited one by one. It has a socket of its own until it ends. */
  batch(observer: BatchObserver): Batch
  /** Closes every socket, under open cursors and batches too: they throw then. A second time it does nothing. */
  close(): void
}

/** How many sockets are kept for later: a list that is being read, and what is asked meanwhile. */
const IDLE = 2

/**
 * Conversations over sockets that `open` opens, as many as there are conversations at the same time: the kernel runs one
 * dump a socket, and answers to several requests would mix.
 */
export function requests(open: () => NetlinkSocket): Requests {
  const idle: Connection[] = []
  const busy = new Set<Connection>()
  let closed = false

  const finish = (connection: Connection, clean: boolean): void => {
    busy.delete(connection)
    connection.socket.rest?.()
    if (clean && idle.length < IDLE) idle.push(connection)
    else connection.socket.close()
  }

  const take = (): Connection => {
    if (closed) throw new Error('these netlink sockets are closed')
    const connection = idle.pop() ?? new Connection(open())
    busy.add(connection)
    return connection
  }

  return {
    ask(request) {
      const connection = take()
      try {
        connection.send(request)
      } catch (error) {
        finish(connection, false)
        throw error
      }
      return new Conversation(connection, request.command, finish)
    },
    batch(observer) {
      return new Batch(take(), observer, finish)
    },
    close() {
      closed = true
      for (const connection of [...idle.splice(0), ...busy]) connection.socket.close()
      busy.clear()
    },
  }
}
