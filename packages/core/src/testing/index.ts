/**
 * For tests: a kernel in memory that speaks ctnetlink, so that code which uses this SDK needs neither root nor Linux.
 * @module @conntrack/core/testing
 */
export type { KernelCommand } from './faults.ts'
export { createKernel, type KernelOptions, type TestingKernel } from './kernel.ts'
export type { KernelHelper, KernelSettings } from './settings.ts'
export type { KernelLosses, KernelSubscription, ListenOptions } from './listeners.ts'
export type { TrackedFlow } from './track.ts'
export type { Direction } from './zone.ts'
