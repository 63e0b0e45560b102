import { type DestinationStream, type Logger, pino } from 'pino'
import type { LogLevel } from './log-level.ts'

/**
 * Structured log: a constant sentence plus fields. error = needs attention now, warn = unexpected but handled, info = state
 * changed, debug = traffic.
 */
export type Log = Logger

/** One JSON line per entry on standard output, or on `destination`. */
export const createLog = (service: string, level: LogLevel = 'info', destination?: DestinationStream): Log =>
  pino(
    { level, base: { service }, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    ...(destination ? [destination] : []),
  )

/** A log that writes nothing, for tests and for callers that do not read it. */
export const silentLog: Log = pino({ level: 'silent' })
