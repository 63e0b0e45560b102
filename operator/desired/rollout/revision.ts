import { fnv1a } from '../../../cells/chassis/fnv1a.ts'
import type { CommsCellSpec } from '../../../crds/realm.ts'

/** The fields of a cell's spec that cannot change while players are connected to it: a change of one of them needs a new cell. */
export type RevisionSpec = Pick<
  CommsCellSpec,
  'version' | 'topology' | 'statistics' | 'archipelago' | 'pods' | 'nats' | 'livekit' | 'exposure' | 'denyList' | 'ethereum'
>

/** The revision fields of a cell. The others may change in place: only its connectors depend on them. */
export const revisionSpecOf = ({
  version,
  topology,
  statistics,
  archipelago,
  pods,
  nats,
  livekit,
  exposure,
  denyList,
  ethereum,
}: RevisionSpec): RevisionSpec => ({
  version,
  topology,
  archipelago,
  ...(statistics && { statistics }),
  ...(pods && { pods }),
  ...(nats && { nats }),
  ...(livekit && { livekit }),
  ...(exposure && { exposure }),
  ...(denyList && { denyList }),
  ...(ethereum && { ethereum }),
})

/** A short name of a revision, six lower-case letters and digits: the same for the same fields, whatever their order. */
export const revisionName = (spec: RevisionSpec): string =>
  (fnv1a(canonicalJson(revisionSpecOf(spec))) % ALPHABET ** LENGTH).toString(ALPHABET).padStart(LENGTH, '0')

const LENGTH = 6
const ALPHABET = 36

/**
 * Whether a cell is of the revision of another one, which has its name. Compared by content as well as by name: a field that a newer API fills in everywhere changes the name,
 * and must not replace cells that are otherwise as desired. A cell that a user edited keeps its name, and is corrected instead of replaced.
 */
export const isOfRevision = (spec: CommsCellSpec, named: CommsCellSpec): boolean =>
  spec.revision === named.revision || canonicalJson(revisionSpecOf(spec)) === canonicalJson(revisionSpecOf(named))

/**
 * JSON with the fields of every object in order. The names of cells rest on this text, so it must never change: unlike the operator's
 * fingerprints of objects, which read quantities by their value and are not kept.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  // A loop, because every pass over a realm makes this text of all its pod templates.
  const fields = value as Readonly<Record<string, unknown>>
  let text = ''
  for (const name of Object.keys(fields).sort()) {
    if (fields[name] === undefined) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${canonicalJson(fields[name])}`
  }
  return `{${text}}`
}
