import type { X509Certificate } from 'node:crypto'
import type { lookup as dnsLookup } from 'node:dns'
import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import type { Clock } from '../../../cells/chassis/clock.ts'
import { messageOf } from '../../../cells/chassis/errors.ts'
import { remoteLookup } from '../../../cells/chassis/local-addresses.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import type { Certificate } from '../../observed/certificate.ts'
import type { MayConnect } from './public-addresses.ts'

/** Looks at the certificate that a server presents for a host. Never throws. */
export type CertificateProbe = (host: string) => Promise<Certificate>

interface ProbeOptions {
  mayConnect: MayConnect
  /** Names of this domain are those of the cluster, which players cannot resolve. */
  clusterDomain: string
  clock: Clock
  log: Log
  timeoutMs?: number
  port?: number
  resolve?: typeof dnsLookup
  /** Certificates of the trusted authorities as PEM; those of Node and of `NODE_EXTRA_CA_CERTS` by default. */
  authorities?: string
}

const TIMEOUT_MS = 5_000
const HTTPS_PORT = 443
const DAY_MS = 24 * 3_600_000
/** A certificate expires soon when less of its time is left than this share. cert-manager renews when a third is left. */
const SOON_SHARE = 1 / 6
const SOON_MS = 14 * DAY_MS
/** The certificates that ingress controllers make for themselves, by their subjects. */
const OF_CONTROLLER = /Kubernetes Ingress Controller Fake Certificate|TRAEFIK DEFAULT CERT/i

/**
 * Begins a TLS connection as players do, and ends it after the handshake: the operator reads no Secret, and what the proxy in front of a
 * realm serves is what counts. A server that was not reached is always reported after the same time and without a reason.
 */
export function createCertificateProbe(options: ProbeOptions): CertificateProbe {
  const { mayConnect, clusterDomain, clock, log, timeoutMs = TIMEOUT_MS, port = HTTPS_PORT, authorities } = options
  const lookup = remoteLookup(options.resolve, mayConnect, true)
  const attempt = async (host: string): Promise<Certificate> => {
    // An address needs no lookup, so it is not checked there.
    if ((isIP(host) && !mayConnect(host)) || host.endsWith(`.${clusterDomain}`))
      throw new Error(`${host} is not to be connected to`)
    const servername = isIP(host) ? '' : host
    const ca = authorities !== undefined && { ca: authorities }
    const socket = connect({ host, port, servername, lookup, timeout: timeoutMs, rejectUnauthorized: false, ...ca })
    try {
      await handshakeOf(socket)
      const certificate = socket.getPeerX509Certificate()
      if (!certificate) throw new Error('the server presents no certificate')
      return judgedCertificate(host, certificate, socket.authorized, clock.now())
    } finally {
      socket.destroy()
    }
  }
  return async (host) => {
    const late = new Promise<void>((resolve) => clock.after(timeoutMs, resolve))
    try {
      return await Promise.race([attempt(host), late.then(() => Promise.reject(new Error('no answer')))])
    } catch (error) {
      log.debug({ host, error: messageOf(error) }, 'the certificate of a realm was not seen')
      await late
      return { state: 'unreached' }
    }
  }
}

function handshakeOf(socket: TLSSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('secureConnect', resolve)
  socket.once('timeout', () => reject(new Error('no answer')))
  socket.once('close', () => reject(new Error('the connection was closed')))
  socket.on('error', (error: NodeJS.ErrnoException) => reject(new Error(error.message || error.code || 'no answer')))
  return promise
}

/** What a certificate is worth for a host, the worst first: one for another host says nothing of the one that is missing. */
export function judgedCertificate(host: string, certificate: X509Certificate, isTrusted: boolean, now: number): Certificate {
  const isForHost = isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)
  if (isForHost === undefined) return { state: 'otherHost', isDefault: OF_CONTROLLER.test(certificate.subject) }
  const [startsAt, expiresAt] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()]
  if (expiresAt <= now) return { state: 'expired', expiresAt }
  if (startsAt > now) return { state: 'notYetValid', startsAt }
  if (!isTrusted) return { state: 'untrusted' }
  const soonMs = Math.min(SOON_MS, (expiresAt - startsAt) * SOON_SHARE)
  return { state: expiresAt - now < soonMs ? 'expiresSoon' : 'valid', expiresAt }
}
