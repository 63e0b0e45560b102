import { keyText, type ObjectKey } from '../../../crds/object.ts'
import { shareFairly } from './fair-share.ts'

/** The part of a Kubernetes Event (events.k8s.io/v1) that is read. */
export interface KubernetesEvent {
  apiVersion?: string
  kind?: string
  metadata: { name: string; namespace: string; uid?: string; resourceVersion?: string; creationTimestamp?: string }
  eventTime?: string | null
  type?: string
  reason?: string
  note?: string
  regarding?: { kind?: string; namespace?: string; name?: string }
  series?: { count: number; lastObservedTime: string } | null
}

/** A Kubernetes Event about a Realm or a CommsCell, as the console shows it. */
export interface RealmEvent {
  /** RFC 3339; of a series, when it was last seen. */
  at: string
  kind: string
  key: ObjectKey
  type: 'Normal' | 'Warning'
  reason: string
  message: string
  /** How often it was seen. */
  count: number
}

/** Where Events of the operator say that they come from. */
export const EVENTS_OF_THE_OPERATOR = 'reportingController=comms.decentraland.org/realm-operator'

const MAX_MESSAGE = 300
const MAX_REASON = 64
const MAX_EVENTS = 200

/** Reads an Event. A user who may create Events in a namespace can write one in the operator's name, but only about that namespace. */
export function realmEvent({ metadata, regarding, ...event }: KubernetesEvent): RealmEvent {
  return {
    at: event.series?.lastObservedTime ?? event.eventTime ?? metadata.creationTimestamp ?? '',
    kind: regarding?.kind ?? '',
    key: { namespace: metadata.namespace, name: regarding?.name ?? '' },
    type: event.type === 'Warning' ? 'Warning' : 'Normal',
    reason: (event.reason ?? '').slice(0, MAX_REASON),
    message: (event.note ?? '').slice(0, MAX_MESSAGE),
    count: event.series?.count ?? 1,
  }
}

/** The latest Events first, as many as are shown; where there are more, namespaces share the room. */
export function latestEvents(events: readonly RealmEvent[]): readonly RealmEvent[] {
  const sorted = [...events].sort((a, b) => Number(a.at < b.at) - Number(a.at > b.at))
  if (sorted.length <= MAX_EVENTS) return sorted
  const kept = shareFairly(
    sorted.map((event, index) => ({ tenant: event.key.namespace, item: String(index) })),
    MAX_EVENTS,
  )
  return sorted.filter((_, index) => kept.has(String(index)))
}

/** The realm of an Event: its own for a Realm, for a CommsCell that which has an endpoint in it. */
export const realmOfEvent = ({ kind, key }: RealmEvent, realmOfCell: ReadonlyMap<string, string>): string | undefined =>
  kind === 'Realm' ? keyText(key) : realmOfCell.get(keyText(key))
