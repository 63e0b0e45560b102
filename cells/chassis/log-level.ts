/** From everything to nothing. In a module of its own, because a command's help needs the names and not the logger. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]
