const whole = new Intl.NumberFormat('en')
const NOTHING = '–'

/** 12,345; a dash for what is not known. */
export const count = (value) => (value === null || value === undefined ? NOTHING : whole.format(value))

/** A rate per second with about three digits. */
export function rate(value) {
  if (value === null || value === undefined) return NOTHING
  if (value === 0) return '0'
  if (value < 0.1) return '<0.1'
  return value < 10 ? value.toFixed(1) : whole.format(Math.round(value))
}

export const milliseconds = (value) => (value === null || value === undefined ? NOTHING : `${whole.format(Math.round(value))} ms`)

/** How long ago, or until, in one unit: 12 s, 4 min, 3 h, 2 d. */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 100) return `${seconds} s`
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86400)} d`
}

/** Since when, as a span before a moment. */
export function since(at, now) {
  const time = typeof at === 'number' ? at : Date.parse(at)
  return Number.isNaN(time) ? NOTHING : span(now - time)
}

/** A wallet that fits into a table. */
export const shortWallet = (wallet) => `${wallet.slice(0, 6)}…${wallet.slice(-4)}`

/** Text of an unknown length. */
export const clipped = (text, length) => (text.length <= length ? text : `${text.slice(0, length - 1)}…`)

export const plural = (value, noun) => `${count(value)} ${noun}${value === 1 ? '' : 's'}`
