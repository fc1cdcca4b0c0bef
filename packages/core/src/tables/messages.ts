/** A message of nfnetlink: subsystem << 8 | message, and the kernel's name of it. */
export interface MessageType {
  readonly type: number
  readonly command: string
}

/** NFNL_SUBSYS_CTNETLINK << 8. */
const FLOWS = 1 << 8
/** NFNL_SUBSYS_CTNETLINK_EXP << 8. */
const EXPECTATIONS = 2 << 8

/** enum cntl_msg_types. */
export const flowMessages = {
  new: { type: FLOWS | 0, command: 'IPCTNL_MSG_CT_NEW' },
  get: { type: FLOWS | 1, command: 'IPCTNL_MSG_CT_GET' },
  delete: { type: FLOWS | 2, command: 'IPCTNL_MSG_CT_DELETE' },
  getAndZero: { type: FLOWS | 3, command: 'IPCTNL_MSG_CT_GET_CTRZERO' },
  cpuStatistics: { type: FLOWS | 4, command: 'IPCTNL_MSG_CT_GET_STATS_CPU' },
  globalStatistics: { type: FLOWS | 5, command: 'IPCTNL_MSG_CT_GET_STATS' },
  getDying: { type: FLOWS | 6, command: 'IPCTNL_MSG_CT_GET_DYING' },
  getUnconfirmed: { type: FLOWS | 7, command: 'IPCTNL_MSG_CT_GET_UNCONFIRMED' },
} as const satisfies Record<string, MessageType>

/** enum ctnl_exp_msg_types. */
export const expectationMessages = {
  new: { type: EXPECTATIONS | 0, command: 'IPCTNL_MSG_EXP_NEW' },
  get: { type: EXPECTATIONS | 1, command: 'IPCTNL_MSG_EXP_GET' },
  delete: { type: EXPECTATIONS | 2, command: 'IPCTNL_MSG_EXP_DELETE' },
  cpuStatistics: { type: EXPECTATIONS | 3, command: 'IPCTNL_MSG_EXP_GET_STATS_CPU' },
} as const satisfies Record<string, MessageType>

/** The multicast groups that tell what happens to entries. */
export interface EventGroups {
  readonly new: number
  readonly update: number
  readonly destroy: number
}

/** NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE and NFNLGRP_CONNTRACK_DESTROY. */
export const flowGroups: EventGroups = { new: 1, update: 2, destroy: 3 }

/** NFNLGRP_CONNTRACK_EXP_NEW, NFNLGRP_CONNTRACK_EXP_UPDATE, which the kernel never sends to, and NFNLGRP_CONNTRACK_EXP_DESTROY. */
export const expectationGroups: EventGroups = { new: 4, update: 5, destroy: 6 }
