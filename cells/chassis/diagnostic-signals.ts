import { debugLoggingOnSignal } from './debug-logging.ts'
import { type Running, stopAll } from './lifecycle.ts'
import { type ProfileOptions, profileOnSignal } from './profiles.ts'

/** The signals by which an administrator looks into a process that runs: SIGUSR1 logs everything for a while, SIGUSR2 writes profiles. */
export const diagnosticSignals = ({ log, clock, signals = process, ...profile }: ProfileOptions): Running =>
  stopAll(log, debugLoggingOnSignal(log, clock, signals), profileOnSignal({ log, clock, signals, ...profile }))
