/**
 * Why a client is disconnected, as the number it is given. Explorers decide by it whether they come back: after `retry` in two or three
 * seconds, after `full` within a minute, after most others not before they are started again. No other numbers may be used.
 */
export const END_REASON = {
  retry: 1,
  signInTimeout: 2,
  signInFailed: 3,
  superseded: 4,
  banned: 5,
  full: 6,
  /** Too many clients of one address, or in all, have not signed in yet. */
  unauthenticatedOfAddress: 7,
  unauthenticated: 8,
  inputRate: 9,
  eventRate: 10,
  invalidInput: 11,
  invalidEmote: 12,
  invalidTeleport: 13,
  replayed: 14,
  invalidHandshake: 15,
  corrupt: 16,
} as const

export type PulseEndReason = keyof typeof END_REASON
