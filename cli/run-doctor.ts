import { systemClock } from '../cells/chassis/clock.ts'
import { fetchJson } from '../cells/chassis/fetch-json.ts'
import { silentLog as log } from '../cells/chassis/log.ts'
import { createCertificateProbe } from '../operator/observers/dependencies/certificate-probe.ts'
import { createRelayProbe } from '../operator/observers/movement/relay-probe.ts'
import { mediaProbe } from './doctor/media-probe.ts'
import { lookUp, type RealmProbes } from './doctor/seen-realm.ts'

const ABOUT_LIMITS = { timeoutMs: 5_000, maxBytes: 1024 * 1024 }

/** The connections that a doctor opens from this machine: it runs for a person, who may connect to anything. */
export function doctorProbes(): RealmProbes {
  const common = { mayConnect: () => true, clusterDomain: 'cluster.local', clock: systemClock, log }
  return {
    relay: createRelayProbe(common),
    certificate: createCertificateProbe(common),
    fetch: (url) => fetchJson(url, ABOUT_LIMITS),
    resolve: lookUp,
    media: mediaProbe,
    today: systemClock.now,
    now: systemClock.monotonic,
  }
}
