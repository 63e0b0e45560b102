import { isStatus, unknownFields } from '../../../cells/kube/kube-error.ts'
import type { ObjectMeta } from '../../../crds/object.ts'
import { API_VERSION, conditionOf, type RealmStatus } from '../../../crds/realm.ts'
import { cellResource, type Kind, realmResource } from '../../../crds/resources.ts'
import { statusWithoutFields } from '../../desired/status/outdated-crd.ts'
import { blockerEvents, realmEvents } from '../../events/notes.ts'
import { childKey } from '../cache/child.ts'
import { canonicalHash } from '../fingerprint.ts'
import type { WriteParts } from './child-writer.ts'
import { keepTransitionTimes, type ReportedStatus, withoutTransitionTimes } from './transition-times.ts'
import type { Owner } from './write-limiter.ts'

/** How long a field that the CRD does not know is left out before it is tried again: an upgrade of the CRD changes no object. */
const CRD_RECHECK_MS = 30_000

/** Writes the status of realms and cells. */
export class StatusWriter {
  readonly #parts: WriteParts
  /** Fields that the installed CRD of a kind does not know, and until when each is left out. */
  readonly #unknown: Record<Kind, Map<string, number>> = { Realm: new Map(), CommsCell: new Map() }

  constructor(parts: WriteParts) {
    this.#parts = parts
  }

  /** Writes a status unless the object has it already: without the fields that the installed CRD does not know. */
  async report(kind: Kind, metadata: ObjectMeta, before: ReportedStatus | undefined, status: ReportedStatus): Promise<void> {
    for (;;) {
      const known = this.#unknownOf(kind)
      const kept = statusWithoutFields(
        kind,
        { metadata, ...(before && { status: before }) },
        status,
        known,
        this.#parts.clock.now(),
      )
      if (kept !== status) this.#parts.limiter.requeueAfter({ kind, ...metadata }, CRD_RECHECK_MS)
      try {
        return await this.#write(kind, metadata, before, kept)
      } catch (error) {
        // The API server names one field at a time.
        if (!this.#learn(kind, error)) throw error
      }
    }
  }

  #unknownOf(kind: Kind): string[] {
    const fields = this.#unknown[kind]
    for (const [path, until] of fields) if (until <= this.#parts.clock.now()) fields.delete(path)
    return [...fields.keys()]
  }

  /** Whether an error names a field of the status that was not left out yet. */
  #learn(kind: Kind, error: unknown): boolean {
    const known = this.#unknown[kind]
    const found = unknownFields(error).filter(({ path }) => path.startsWith('status.') && !known.has(path))
    for (const { path } of found) known.set(path, this.#parts.clock.now() + CRD_RECHECK_MS)
    return found.length > 0
  }

  async #write(
    kind: Kind,
    { namespace, name, uid }: ObjectMeta,
    before: ReportedStatus | undefined,
    status: ReportedStatus,
  ): Promise<void> {
    const { api, cache, limiter, lastApplied, recorder } = this.#parts
    const reported = keepTransitionTimes(status, before)
    const live = cache.statusFingerprint(kind, { namespace, name })
    if (live === undefined || live === canonicalHash(reported)) return
    const owner = { kind, namespace, name, uid: uid ?? '' }
    const [id, desired] = [childKey(owner), canonicalHash(withoutTransitionTimes(status))]
    if (!limiter.allows(`${kind}/status`, { namespace, name }, owner, lastApplied.wasApplied(id, 'status', desired))) return
    const resource = kind === 'Realm' ? realmResource : cellResource
    // With the uid, another object that has the same name by now is refused.
    const body = { apiVersion: API_VERSION, kind, metadata: { name, namespace, ...(uid && { uid }) }, status: reported }
    try {
      await cache.trackWrite(kind, { namespace, name }, () => api.apply(resource, body, true, 'status'))
    } catch (error) {
      if (isGone(error)) return
      throw error
    }
    if (cache.statusFingerprint(kind, owner) !== undefined) lastApplied.record(id, 'status', desired, desired)
    this.#log(owner, before, status)
    const notes = kind === 'Realm' ? realmEvents(before, status as RealmStatus) : blockerEvents(before, status)
    for (const note of notes) recorder?.record(owner, note)
  }

  /** An incident must be told by the log alone: conditions show only how things are now. */
  #log({ kind, namespace, name }: Owner, before: ReportedStatus | undefined, after: ReportedStatus): void {
    for (const [type, healthy] of [
      ['Ready', 'True'],
      ['Stalled', 'False'],
    ] as const) {
      const [was, is] = [before, after].map((status) => conditionOf({ ...(status && { status }) }, type))
      if (!is || (was?.status === is.status && was.reason === is.reason)) continue
      const fields = { kind, namespace, name, condition: type, status: is.status, reason: is.reason, message: is.message }
      const isWorse = was !== undefined && is.status !== healthy
      this.#parts.log[isWorse ? 'warn' : 'info'](fields, 'a condition changed')
    }
  }
}

const isGone = (error: unknown): boolean => isStatus(error, 404) || isStatus(error, 409)
