import type { CommsCellSpec } from '../../../crds/realm.ts'

/** What a cell cannot change while players are in it: another one of these takes another cell. */
export type Making = Pick<CommsCellSpec, 'version' | 'archipelago' | 'pods' | 'nats' | 'livekit'>

/** The part of a cell's spec that is its making; what only its connectors are told may change while it runs. */
export const makingOf = ({ version, archipelago, pods, nats, livekit }: Making): Making => ({
  version,
  archipelago,
  ...(pods && { pods }),
  ...(nats && { nats }),
  ...(livekit && { livekit }),
})

/** A short name of a making, lower-case letters and digits: the same for the same making, whatever the order of its fields. */
export const revisionOf = (making: Making): string => shortHash(canonical(makingOf(making)))

/**
 * Whether a cell is of a making. By what it is as well as by name: a field that a newer API fills in everywhere makes another name, and
 * must not replace cells that are just as they should be. A cell somebody edited keeps its name, and is put right instead of replaced.
 */
export const isOf = (spec: CommsCellSpec, making: Making): boolean =>
  spec.revision === revisionOf(making) || canonical(makingOf(spec)) === canonical(makingOf(making))

/** A value as text: the same for the same value, whatever the order of its fields. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return `{${fields
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`)
    .join()}}`
}

const LENGTH = 6
const ALPHABET = 36

/** FNV-1a: names need no secrets, and this room has no runtime to ask for a hash. */
function shortHash(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return ((hash >>> 0) % ALPHABET ** LENGTH).toString(ALPHABET).padStart(LENGTH, '0')
}
