import { type DestinationStream, type Logger, pino } from 'pino'
import type { LogLevel } from './log-level.ts'

/**
 * Structured log: a constant sentence plus fields. error = needs attention now, warn = unexpected but handled, info = state
 * changed, debug = traffic.
 */
export type Log = Logger

export interface LogOptions {
  /** Standard output by default. */
  destination?: DestinationStream
  /** Further fields of each line, asked for when it is written. */
  fields?: () => object
}

/** One JSON line per entry. */
export const createLog = (service: string, level: LogLevel = 'info', { destination, fields }: LogOptions = {}): Log =>
  pino(
    {
      ...{ level, base: { service }, timestamp: pino.stdTimeFunctions.isoTime },
      formatters: { level: (label) => ({ level: label }) },
      ...(fields && { mixin: fields }),
    },
    ...(destination ? [destination] : []),
  )

/** A log that writes nothing, for tests and for callers that do not read it. */
export const silentLog: Log = pino({ level: 'silent' })
