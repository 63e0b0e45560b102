import type { Clock } from '../../../cells/chassis/clock.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import type { PollOutcome } from '../../../cells/chassis/poller.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import { hasTls } from '../../desired/urls.ts'
import type { Certificate, RealmCertificate } from '../../observed/certificate.ts'
import type { RealmObserver } from '../observer.ts'
import { SharedPoller, type SharedTarget } from '../shared-poller.ts'
import type { CertificateProbe } from './certificate-probe.ts'

export interface RealmCertificatesOptions {
  clock: Clock
  log: Log
  probe: CertificateProbe
  /** A number from 0 to 1 that spreads probes in time. */
  random?: () => number
}

/** Probes at the same time, whatever the number of realms. One that fails takes as long as its time limit. */
const MAX_PARALLEL = 32
/** Between probes: with a second look, a fault is reported within 30 s. */
const REST_MS = 18_000
/** Before the second look. */
const RECHECK_MS = 3_000
/** A fault counts after it was seen this often in a row: a proxy that just reads a new certificate still has the one before. */
const LOOKS = 2

/** A host with a certificate, and the realms that are reached there. */
interface Target extends SharedTarget {
  host: string
  seen: RealmCertificate
  /** What the last probes saw instead of `seen`, and how often in a row. */
  doubt: { state: Certificate['state']; looks: number } | undefined
}

/** Looks at the certificate of each realm that players reach by HTTPS. */
export class RealmCertificates implements RealmObserver<RealmCertificate>, Running {
  readonly #poller: SharedPoller<Target, Certificate>
  readonly #hosts = new Map<string, string>()

  constructor({ clock, log, probe, random }: RealmCertificatesOptions) {
    this.#poller = new SharedPoller({ ask: ({ host }) => probe(host), learn, concurrency: MAX_PARALLEL, clock, log, random })
  }

  watch(realm: Realm): void {
    const host = httpsHostOf(realm)
    if (host === undefined) this.forget(realm.metadata)
    else this.#watch(realm.metadata, host)
  }

  /** Undefined where players do not reach the realm by HTTPS, too. */
  get(realm: ObjectKey): RealmCertificate | undefined {
    const host = this.#hosts.get(keyText(realm))
    return host === undefined ? undefined : (this.#poller.get(host)?.seen ?? { host, state: 'unknown' })
  }

  forget(realm: ObjectKey): void {
    this.#hosts.delete(keyText(realm))
    this.#poller.depend(realm, new Map())
  }

  onChange(listener: (realm: ObjectKey) => void): () => void {
    return this.#poller.onChange(listener)
  }

  async stop(): Promise<void> {
    this.#hosts.clear()
    await this.#poller.stop()
  }

  #watch(realm: ObjectKey, host: string): void {
    this.#hosts.set(keyText(realm), host)
    const create = (): Target => ({ host, realms: new Map(), seen: { host, state: 'unknown' }, doubt: undefined })
    this.#poller.depend(realm, new Map([[host, create]]))
  }
}

function learn(target: Target, answer: Certificate): PollOutcome {
  const { host, seen, doubt } = target
  const isGood = answer.state === 'valid' || answer.state === 'expiresSoon'
  const looks = doubt?.state === answer.state ? doubt.looks + 1 : 1
  if (!isGood && seen.state !== answer.state && looks < LOOKS) {
    target.doubt = { state: answer.state, looks }
    return { next: RECHECK_MS, changed: false }
  }
  target.doubt = undefined
  target.seen = { host, ...answer }
  return { next: REST_MS, changed: JSON.stringify(target.seen) !== JSON.stringify(seen) }
}

/** The host of a realm with HTTPS at the usual port: the operator opens no other port of an address that a user wrote. */
function httpsHostOf({ spec: { exposure } }: Realm): string | undefined {
  if (exposure.host) return hasTls(exposure) ? exposure.host : undefined
  const url = exposure.url === undefined ? null : URL.parse(exposure.url)
  return url?.protocol === 'https:' && url.port === '' ? url.hostname.replace(/^\[|\]$/g, '') : undefined
}
